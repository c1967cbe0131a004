"""The demo's log-ins: one for each standard group, so that people see what each may do."""

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from readiness import rights

pytestmark = pytest.mark.django_db


def groups() -> dict[str, list[str]]:
    return {user.username: [group.name for group in user.groups.all()] for user in User.objects.all()}


def test_the_first_is_an_sre_lead_and_no_superuser(settings: Settings) -> None:
    settings.DEBUG = True
    User.objects.create_superuser("ada")  # as an older demo made it
    call_command("demo_login", "ada", "demo")
    user = User.objects.get()

    assert user.check_password("demo")
    assert (user.is_staff, user.is_superuser) == (True, False)
    assert user.get_all_permissions() == rights.GROUPS["SRE lead"]


def test_with_the_others_every_standard_group_has_one_and_leads_are_two(settings: Settings) -> None:
    settings.DEBUG = True
    for _ in range(2):
        call_command("demo_login", "sre-lead", "demo", others=True)

        assert groups() == {
            "sre-lead": ["SRE lead"],
            "second-lead": ["SRE lead"],
            "ops-engineer": ["ops engineer"],
            "developer": ["developer"],
            "viewer": ["viewer"],
        }
    assert all(user.is_staff for user in User.objects.all())


def test_without_debug_no_log_in_is_made(settings: Settings) -> None:
    settings.DEBUG = False

    with pytest.raises(CommandError, match="DEBUG=true"):
        call_command("demo_login", "ada", "demo")
    assert not User.objects.exists()

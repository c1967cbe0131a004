"""The standard groups and what they may do; what members of a team may do for its services."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from pytest_django import DjangoAssertNumQueries

from readiness import rights
from readiness.models import Service, Team
from tests.factories import ServiceFactory, TeamFactory
from tests.members import member

pytestmark = pytest.mark.django_db

EVERYBODY = ("viewer", "developer", "ops engineer", "SRE lead")
NOBODY: tuple[str, ...] = ()
MATRIX = {
    "view_service": EVERYBODY,
    "view_scorecard": EVERYBODY,
    "view_deployment": EVERYBODY,
    "view_alert": EVERYBODY,
    "view_simulation": EVERYBODY,
    "evaluate_own_service": ("developer", "ops engineer", "SRE lead"),
    "view_person": ("ops engineer", "SRE lead"),
    "view_identity": ("ops engineer", "SRE lead"),
    "add_simulation": ("ops engineer", "SRE lead"),
    "view_machinetoken": ("SRE lead",),
    "add_machinetoken": ("SRE lead",),
    "change_machinetoken": ("SRE lead",),
    "add_evaluation": ("SRE lead",),
    "add_feed": ("SRE lead",),
    "add_exclusion": ("SRE lead",),
    "add_policyversion": ("SRE lead",),
    "add_policyactivation": ("SRE lead",),
    "add_deployment": ("SRE lead",),
    "add_workitem": ("SRE lead",),
    "add_service": ("SRE lead",),
    "change_service": ("SRE lead",),
    "change_team": ("SRE lead",),
    "view_user": ("SRE lead",),
    "add_user": ("SRE lead",),
    "change_user": ("SRE lead",),
    "view_group": ("SRE lead",),
    "delete_user": NOBODY,
    "change_group": NOBODY,
    "change_deployment": NOBODY,
    "delete_service": NOBODY,
    "add_scorecard": NOBODY,
    "add_managementchange": NOBODY,
    "change_waiver": NOBODY,
    "delete_waiver": NOBODY,
    "add_transition": NOBODY,
    "change_transition": NOBODY,
    "view_transition": EVERYBODY,
    "add_waiver": ("SRE lead",),
    "ask_own_waiver": ("developer", "ops engineer", "SRE lead"),
    "decide_waiver": ("SRE lead",),
    "decide_own_waiver": ("ops engineer", "SRE lead"),
    "view_consultant": EVERYBODY,
    "add_consultant": ("ops engineer", "SRE lead"),
    "delete_machinetoken": NOBODY,
    "add_review": ("SRE lead",),
    "review_own_service": ("developer", "ops engineer", "SRE lead"),
    "add_signoff": NOBODY,
    "change_review": NOBODY,
}


@pytest.mark.parametrize("right", MATRIX)
def test_each_right_is_held_by_these_groups(right: str) -> None:
    holding = Group.objects.filter(permissions__codename=right).values_list("name", flat=True)

    assert set(holding) == set(MATRIX[right])


def test_every_model_may_be_viewed_by_viewers_but_what_is_personal_or_secret() -> None:
    models = {
        str(each._meta.model_name)
        for each in apps.get_app_config("readiness").get_models()
        if "view" in each._meta.default_permissions
    }
    viewed = Permission.objects.filter(group__name="viewer").values_list("codename", flat=True)

    assert models - {name.removeprefix("view_") for name in viewed} == {"person", "identity", "machinetoken"}


def test_every_permission_that_is_named_exists() -> None:
    known = {
        f"{each.content_type.app_label}.{each.codename}"
        for each in Permission.objects.select_related("content_type")
    }

    assert {name for named in rights.GROUPS.values() for name in named} <= known


def test_a_migrate_gives_the_standard_groups_exactly_this_and_leaves_others_alone() -> None:
    extra = Permission.objects.get(codename="delete_service")
    viewers, own = Group.objects.get(name="viewer"), Group.objects.create(name="auditors")
    viewers.permissions.set([extra])
    own.permissions.set([extra])
    Group.objects.get(name="developer").delete()

    for _ in range(2):
        call_command("migrate", verbosity=0)

        assert Group.objects.count() == 5
        assert set(own.permissions.all()) == {extra}
        assert extra not in viewers.permissions.all()
        for name, wanted in rights.GROUPS.items():
            assert Group.objects.get(name=name).permissions.count() == len(wanted)


# Rights by team --------------------------------------------------------------------------------------


@pytest.fixture
def team() -> Team:
    """The team that ada is in."""
    made: Team = TeamFactory.create(slug="builders")
    return made


@pytest.mark.parametrize("side", ["owner", "ops_team"])
@pytest.mark.parametrize("group", ["developer", "ops engineer"])
def test_members_may_evaluate_services_that_their_team_owns_or_runs(
    team: Team, side: str, group: str
) -> None:
    user = member(group, teams=[team])
    own, other = ServiceFactory.create(**{side: team}), ServiceFactory.create()

    assert user.has_perm(rights.EVALUATE, own)
    assert not user.has_perm(rights.EVALUATE, other)
    assert not user.has_perm(rights.EVALUATE)


def test_who_may_evaluate_everything_needs_no_team(team: Team) -> None:
    service = ServiceFactory.create(owner=team)

    assert member("SRE lead").has_perm(rights.EVALUATE, service)
    assert User.objects.create_superuser("root").has_perm(rights.EVALUATE, service)


def test_a_viewer_in_the_team_may_not(team: Team) -> None:
    assert not member("viewer", teams=[team]).has_perm(rights.EVALUATE, ServiceFactory.create(owner=team))


def test_a_log_in_that_nobody_linked_has_no_team(team: Team) -> None:
    member("developer", name="ada", teams=[team])
    same_name = member("developer", name="Ada")

    assert not same_name.has_perm(rights.EVALUATE, ServiceFactory.create(owner=team))


def test_who_was_deactivated_may_nothing(team: Team) -> None:
    user = member("developer", teams=[team])
    user.is_active = False

    assert not user.has_perm(rights.EVALUATE, ServiceFactory.create(owner=team))


def test_a_right_that_no_team_gives_is_not_given(team: Team) -> None:
    user = member("developer", teams=[team])

    assert not user.has_perm("readiness.change_service", ServiceFactory.create(owner=team))


def test_many_services_are_asked_of_at_once(
    team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    user = member("developer", teams=[team])
    own: list[Service] = ServiceFactory.create_batch(3, owner=team)
    other = ServiceFactory.create()
    user.has_perm("readiness.view_service")  # what a request asks anyway, and the user remembers

    with django_assert_num_queries(1):
        assert rights.refused(user, rights.EVALUATE, [*own, other]) == [other]

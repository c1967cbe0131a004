"""Log-ins: whose they are, what their groups open, and that nobody gives away more than they have."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from readiness.models import Identity, Person
from tests.admin_pages import text
from tests.factories import IdentityFactory, PersonFactory
from tests.members import member

pytestmark = pytest.mark.django_db

LIST = "/admin/auth/user/"


class Lead:
    """An SRE lead at the pages of log-ins."""

    def __init__(self, user: User | None = None) -> None:
        self.user = user or member("SRE lead", name="lead")
        self.client = Client()
        self.client.force_login(self.user)

    def page(self, user: User) -> str:
        """What the page of a log-in says."""
        return text(self.client.get(page_of(user)))

    def save(self, user: User, **changed: Any) -> Any:
        """Save the page of a log-in with what it shows, but for these fields."""
        shown = {
            "username": user.username,
            "is_active": "on" if user.is_active else "",
            "groups": [group.pk for group in user.groups.all()],
            "person": "",
        }
        return self.client.post(page_of(user), {**shown, **changed})


def page_of(user: User) -> str:
    return reverse("admin:auth_user_change", args=[user.pk])


def group(name: str) -> Group:
    return Group.objects.get(name=name)


@pytest.fixture
def newcomer() -> User:
    """A log-in without any right."""
    return User.objects.create_user("grace", password="secret")


@pytest.mark.parametrize("name", ["viewer", "developer", "ops engineer", "SRE lead"])
def test_a_standard_group_opens_the_admin(newcomer: User, name: str) -> None:
    client = Client()
    client.force_login(newcomer)
    assert client.get("/admin/").status_code == 302

    assert Lead().save(newcomer, groups=[group(name).pk]).status_code == 302
    assert client.get("/admin/").status_code == 200


def test_another_group_opens_nothing(newcomer: User) -> None:
    Lead().save(newcomer, groups=[Group.objects.create(name="auditors").pk])
    newcomer.refresh_from_db()

    assert [each.name for each in newcomer.groups.all()] == ["auditors"]
    assert not newcomer.is_staff


def test_a_lead_makes_a_log_in() -> None:
    fields = {
        "username": "grace",
        "usable_password": "true",
        "password1": "Ohwowlong1",
        "password2": "Ohwowlong1",
    }
    answer = Lead().client.post(f"{LIST}add/", fields)

    assert answer.status_code == 302
    assert User.objects.get(username="grace").check_password("Ohwowlong1")


@pytest.mark.parametrize("name", ["viewer", "developer", "ops engineer"])
def test_others_see_no_log_ins(newcomer: User, name: str) -> None:
    other = Lead(member(name))

    assert other.client.get(LIST).status_code == 403
    assert other.client.get(page_of(newcomer)).status_code == 403
    assert other.client.get(page_of(other.user)).status_code == 403


# Nobody gives away more than they have ---------------------------------------------------------------


def test_a_lead_cannot_become_a_superuser_nor_take_further_rights() -> None:
    lead = Lead()
    permission = Permission.objects.get(codename="delete_service")
    answer = lead.save(lead.user, is_superuser="on", is_staff="on", user_permissions=[permission.pk])
    lead.user.refresh_from_db()

    assert answer.status_code == 302
    assert not lead.user.is_superuser
    assert list(lead.user.user_permissions.all()) == []
    assert "is_superuser" not in lead.page(lead.user)


def test_a_superuser_can_give_them(newcomer: User) -> None:
    Lead(User.objects.create_superuser("root")).save(newcomer, is_superuser="on")
    newcomer.refresh_from_db()

    assert newcomer.is_superuser


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("more", ["superuser", "permission", "group"])
def test_an_account_that_may_do_more_is_closed_to_a_lead(newcomer: User, more: str, *, active: bool) -> None:
    permission = Permission.objects.get(codename="delete_service")
    newcomer.is_superuser, newcomer.is_active = more == "superuser", active
    newcomer.save()
    if more == "permission":
        newcomer.user_permissions.add(permission)
    if more == "group":
        cleaners = Group.objects.create(name="cleaners")
        cleaners.permissions.add(permission)
        newcomer.groups.add(cleaners)
    lead = Lead()
    new_password = {"password1": "Ohwowlong1", "password2": "Ohwowlong1", "usable_password": "true"}

    assert lead.save(newcomer, is_active="on", username="mine").status_code == 403
    assert lead.client.post(f"{LIST}{newcomer.pk}/password/", new_password).status_code == 403
    newcomer.refresh_from_db()
    assert newcomer.username == "grace"
    assert newcomer.check_password("secret")


def test_who_may_delete_log_ins_deletes_none_that_may_do_more(newcomer: User) -> None:
    cleaner = member("SRE lead", name="cleaner")
    cleaner.user_permissions.add(Permission.objects.get(codename="delete_user"))
    client = Lead(cleaner).client
    root = User.objects.create_superuser("root")
    together = {"action": "delete_selected", "_selected_action": [root.pk, newcomer.pk], "post": "yes"}

    alone = client.post(reverse("admin:auth_user_delete", args=[root.pk]), {"post": "yes"})
    client.post(LIST, together)
    assert alone.status_code == 403
    assert User.objects.filter(username="root").exists()
    assert (
        client.post(reverse("admin:auth_user_delete", args=[newcomer.pk]), {"post": "yes"}).status_code == 302
    )
    assert not User.objects.filter(username="grace").exists()


def test_a_lead_sets_the_password_of_who_may_do_less(newcomer: User) -> None:
    fields = {"password1": "Ohwowlong1", "password2": "Ohwowlong1", "usable_password": "true"}
    Lead().client.post(f"{LIST}{newcomer.pk}/password/", fields)
    newcomer.refresh_from_db()

    assert newcomer.check_password("Ohwowlong1")


def test_a_group_that_may_do_more_is_not_a_leads_to_give(newcomer: User) -> None:
    cleaners = Group.objects.create(name="cleaners")
    cleaners.permissions.add(Permission.objects.get(codename="delete_service"))
    answer = Lead().save(newcomer, groups=[cleaners.pk])

    assert "is not one of the available choices" in text(answer)
    assert list(newcomer.groups.all()) == []
    assert Lead(User.objects.create_superuser("root")).save(newcomer, groups=[cleaners.pk]).status_code == 302


def test_standard_groups_are_not_edited_and_others_are() -> None:
    client = Lead(User.objects.create_superuser("root")).client
    own = Group.objects.create(name="auditors")

    assert client.post(f"/admin/auth/group/{group('viewer').pk}/change/", {"name": "x"}).status_code == 403
    assert client.post(f"/admin/auth/group/{group('viewer').pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"/admin/auth/group/{own.pk}/change/", {"name": "checkers"}).status_code == 302
    assert Group.objects.filter(name="checkers").exists()


# Whose log-in it is ----------------------------------------------------------------------------------


@pytest.fixture
def person() -> Person:
    """Somebody whom the pager knows, without a log-in."""
    made: Person = PersonFactory.create(name="Grace Hopper")
    IdentityFactory.create(person=made, source="pager", external_id="gh")
    return made


def log_ins(person: Person) -> list[str]:
    return list(person.identities.filter(source=Identity.LOG_IN).values_list("external_id", flat=True))


def test_a_log_in_is_linked_with_a_person_and_unlinked(newcomer: User, person: Person) -> None:
    lead = Lead()
    lead.save(newcomer, person=person.pk)
    linked, page = log_ins(person), lead.page(newcomer)
    lead.save(newcomer)

    assert linked == ["grace"]
    assert f'<option value="{person.pk}" selected' in page
    assert log_ins(person) == []
    assert person.identities.filter(source="pager").exists()


def test_a_log_in_that_gets_another_name_stays_linked(newcomer: User, person: Person) -> None:
    lead = Lead()
    lead.save(newcomer, person=person.pk)
    lead.save(newcomer, person=person.pk, username="hopper")

    assert log_ins(person) == ["hopper"]


def test_a_person_has_one_log_in(newcomer: User, person: Person) -> None:
    lead = Lead()
    lead.save(newcomer, person=person.pk)
    second = User.objects.create_user("grace2")
    answer = lead.save(second, person=person.pk)

    assert "Grace Hopper has the log-in grace already." in text(answer)
    assert log_ins(person) == ["grace"]


# Who tried to log in ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/admin/axes/accessattempt/", "/admin/axes/accesslog/"])
def test_leads_alone_see_who_tried_to_log_in(path: str) -> None:
    assert Lead().client.get(path).status_code == 200
    assert Lead(member("ops engineer")).client.get(path).status_code == 403

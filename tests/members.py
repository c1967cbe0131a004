"""Log-ins of the standard groups, and whose teams they are in."""

from collections.abc import Iterable

from django.contrib.auth.models import Group, User

from readiness.models import Identity, Person, Team
from tests.factories import IdentityFactory, PersonFactory


def member(group: str | None, *, name: str = "ada", teams: Iterable[Team] = ()) -> User:
    """A log-in of a standard group, linked with a person of these teams."""
    user = User.objects.create_user(name, password="secret", is_staff=True)
    if group:
        user.groups.add(Group.objects.get(name=group))
    person: Person = PersonFactory.create(name=name, teams=list(teams))
    IdentityFactory.create(person=person, source=Identity.LOG_IN, external_id=name)
    return user

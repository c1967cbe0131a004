"""Who acts in a recorded decision: a person, by a log-in that nobody can use."""

from typing import Final

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User

from handoff.actions import InvalidError
from readiness import rights
from readiness.models import Identity, Person, Team

LEADERS: Final = frozenset({"manager", "director"})
LONGEST_NAME: Final = 150
"""Of a log-in."""


def acting(person: Person) -> User:
    """The log-in by which a person acts, in this process alone: its rights are those of its groups.

    Where there is none, one is made: inactive, without a password, of the standard group of the person's
    role. So what a person did goes through the checks that everybody goes through, and is theirs for good:
    once an SRE lead activates the log-in, they still cannot approve what they proposed here. One that is
    there stays as it is. Raises ``InvalidError`` where the name of the log-in is somebody else's.
    """
    names = person.identities.filter(source=Identity.LOG_IN).order_by("pk")
    known = names.values_list("external_id", flat=True).first()
    user = User.objects.filter(username=known or person.slug).first()
    if user is not None and known is None:
        raise InvalidError(
            "actor", f"{person} is linked with no log-in, and {person.slug} is one: an SRE lead links them"
        )
    user = user or _made(person, known or person.slug)
    if not user.is_active:
        # Never saved: whoever has left, or never had a password, acts here as they did then.
        user.is_active, user.is_superuser = True, False
    return user


def _made(person: Person, name: str) -> User:
    if len(name) > LONGEST_NAME:
        raise InvalidError("actor", f"{name} is longer than a log-in's name may be")
    first, _, last = person.name.rpartition(" ")
    user = User.objects.create(
        username=name,
        first_name=first[:150],
        last_name=last[:150],
        email=person.email,
        password=make_password(None),
        is_active=False,
    )
    user.groups.add(Group.objects.get(name=group_of(person)))
    Identity.objects.get_or_create(person=person, source=Identity.LOG_IN, external_id=name)
    return user


def group_of(person: Person) -> str:
    """The standard group of a role: who leads a team that operates services is an SRE lead."""
    if person.role == "ops":
        return rights.OPS_ENGINEER
    operating = Team.objects.filter(operated_services__isnull=False, members=person)
    return rights.SRE_LEAD if person.role in LEADERS and operating.exists() else rights.DEVELOPER

"""Brings people in, with their teams and who they are in each source; a log-in is not made."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django.db import transaction
from django.utils.text import slugify

from readiness.evidence import PersonRecord, Problem, Record, Rejection, statement
from readiness.ingest.tally import Tally
from readiness.models import Identity, Person, Team

Place = TypeVar("Place")


def store_people(
    records: Iterable[tuple[Place, Record | Rejection]], *, refuse: Callable[[Place, Rejection], None]
) -> Tally:
    """Store people one by one, for they are few; what a record does not state stays as it is.

    A team that the catalogue does not know, and an identity that is somebody else's, is a reason to refuse.
    """
    tally = Tally()
    teams = {team.slug: team for team in Team.objects.all()}
    for place, record in records:
        rejection = record if isinstance(record, Rejection) else None
        if isinstance(record, PersonRecord):
            with transaction.atomic():
                rejection = _rejection(record, teams)
                tally += Tally() if rejection else _store(record, teams)
        if rejection:
            tally.rejected += 1
            refuse(place, rejection)
    return tally


def person_slug(name: str) -> str:
    """The slug of a person's name; a name without a letter of the Latin alphabet is its own."""
    return slugify(name)[:200] or slugify(name, allow_unicode=True)[:200] or name


def _rejection(record: PersonRecord, teams: Mapping[str, Team]) -> Rejection | None:
    unknown = [slug for slug in record.teams if slug not in teams]
    problems = [Problem("teams", f"{slug!r} is no team that the catalogue knows") for slug in unknown]
    slug = person_slug(record.name)
    for source, external_id in _identities(record).items():
        holder = Identity.objects.filter(source=source, external_id=external_id).exclude(person__slug=slug)
        problems += [
            Problem(f"identities.{source}", f"{external_id!r} is {other.person.name} already")
            for other in holder.select_related("person")
        ]
    return Rejection(tuple(problems)) if problems else None


def _identities(record: PersonRecord) -> dict[str, str]:
    identities: dict[str, str] | None = statement(record).stated.get("identities")
    return identities or {}


def _store(record: PersonRecord, teams: Mapping[str, Team]) -> Tally:
    fields: dict[str, Any] = {"name": record.name, "role": record.role.value}
    if "email" in record.model_fields_set:
        fields["email"] = record.email or ""
    slug = person_slug(record.name)
    person, created = Person.objects.get_or_create(slug=slug, defaults=fields)
    changed = [name for name, value in fields.items() if getattr(person, name) != value]
    for name in changed:
        setattr(person, name, fields[name])
    if changed:
        person.save(update_fields=changed)
    altered = [bool(changed), _set_teams(person, record, teams=teams), _set_identities(person, record)]
    if created:
        return Tally(created=1)
    return Tally(updated=1) if any(altered) else Tally(unchanged=1)


def _set_teams(person: Person, record: PersonRecord, *, teams: Mapping[str, Team]) -> bool:
    wanted = {teams[slug].pk for slug in record.teams}
    if set(person.teams.values_list("pk", flat=True)) == wanted:
        return False
    person.teams.set(wanted)
    return True


def _set_identities(person: Person, record: PersonRecord) -> bool:
    """Identities that are stated replace what is stored; null clears them."""
    if "identities" not in statement(record).stated:
        return False
    wanted = set(_identities(record).items())
    had = {(each.source, each.external_id): each.pk for each in person.identities.all()}
    if Identity.LOG_IN not in dict(wanted):
        # a log-in is linked on its own page; a file that does not speak of it says nothing about it
        had = {pair: pk for pair, pk in had.items() if pair[0] != Identity.LOG_IN}
    person.identities.filter(pk__in=[pk for pair, pk in had.items() if pair not in wanted]).delete()
    Identity.objects.bulk_create(
        Identity(person=person, source=source, external_id=external_id)
        for source, external_id in sorted(wanted - had.keys())
    )
    return wanted != had.keys()

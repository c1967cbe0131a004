"""Teams and systems as machines write them: described by slug, field by field, answered record by record."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from django.db import transaction
from django.http import JsonResponse
from rest_framework.request import Request

from readiness import clock
from readiness.api.catalogue_records import CatalogueRecord, SystemRecord, TeamRecord
from readiness.api.writing import answer, records_of
from readiness.evidence import Problem, Rejection
from readiness.ingest import Change, Outcome, RowReport, Stored, rejected, store_systems, store_teams
from readiness.models import MachineToken, System, Team
from readiness.models.token import EVERY_SERVICE
from readiness.turns import take_turn

R = TypeVar("R", bound=CatalogueRecord)
Read = tuple[int, R | Rejection]
Fields = dict[str, Any]


def read_records(body: Any, record: type[R]) -> list[tuple[int, R | Rejection]]:
    """A body's records, each named once. Raises ``ValidationError``."""
    seen: dict[str, int] = {}
    read: list[tuple[int, R | Rejection]] = []
    for number, said in enumerate(records_of(body)):
        each = record.read(said)
        if not isinstance(each, Rejection):
            first = seen.setdefault(each.slug.lower(), number)
            if first != number:
                each = Rejection((Problem("slug", f"is that of record {first} too; send one of them"),))
        read.append((number, each))
    return read


def write_teams(request: Request) -> JsonResponse:
    """Make teams, or change what is stated of them.

    Changed hours decide anew what was after hours, and have the team's services judged again.
    """
    read = _allowed(request, read_records(request.data, TeamRecord))
    with transaction.atomic():
        take_turn()
        known = {team.slug: team for team in Team.objects.order_by()}
        checked = [(number, _checked(known, each, _against_hours)) for number, each in read]
        wanted = {each.slug: _team(each) for _, each in checked if not isinstance(each, Rejection)}
        before = {slug: _seen(known.get(slug), wanted[slug]) for slug in wanted}
        stored = store_teams(wanted, now=clock.real_now())
    return answer(request, list(_reports(checked, stored, before)))


def write_systems(request: Request) -> JsonResponse:
    """Make systems, or change what is stated of them."""
    read = _allowed(request, read_records(request.data, SystemRecord))
    with transaction.atomic():
        take_turn()
        known = {each.slug: each for each in System.objects.select_related("owner").order_by()}
        owners = {team.slug: team for team in Team.objects.order_by()}
        checked = [(number, _checked(known, each, _owner_of(owners))) for number, each in read]
        wanted = {each.slug: _system(each, owners) for _, each in checked if not isinstance(each, Rejection)}
        before = {slug: _seen(known.get(slug), wanted[slug]) for slug in wanted}
        stored = store_systems(wanted)
    return answer(request, list(_reports(checked, stored, before)))


def _allowed(request: Request, read: Sequence[Read[R]]) -> list[Read[R]]:
    """What concerns many services is for tokens that may write for all."""
    token: Any = request.auth
    if isinstance(token, MachineToken) and EVERY_SERVICE in token.services:
        return list(read)
    reason = f"is for tokens that may write for every service, and {token.name} may not"
    return [
        (number, each if isinstance(each, Rejection) else Rejection((Problem("slug", reason),)))
        for number, each in read
    ]


def _checked(
    known: Mapping[str, Any], record: R | Rejection, objections: Callable[[Any, R], Iterator[Problem]]
) -> R | Rejection:
    if isinstance(record, Rejection):
        return record
    problems = tuple(objections(known.get(record.slug), record))
    return Rejection(problems) if problems else record


def _against_hours(stored: Team | None, record: TeamRecord) -> Iterator[Problem]:
    """What makes the team's hours impossible, with what is stored of it already."""
    team = Team(slug=record.slug)
    for name in ("time_zone", "country", "subdivision", "business_hours", "weekend"):
        stated = name in record.model_fields_set or stored is None
        setattr(team, name, getattr(record if stated else stored, name))
    try:
        team.hours.validate()
    except (ValueError, TypeError) as error:
        yield Problem("", str(error))


def _owner_of(owners: Mapping[str, Team]) -> Callable[[Any, SystemRecord], Iterator[Problem]]:
    def objections(stored: Any, record: SystemRecord) -> Iterator[Problem]:
        if record.owner is not None and record.owner not in owners:
            yield Problem("owner", f"{record.owner!r} is no team that the catalogue knows")

    return objections


def _team(record: TeamRecord) -> Fields:
    stated = record.stated()
    if "weekend" in stated:
        stated["weekend"] = sorted(set(stated["weekend"]))
    return {**stated, "placeholder": False}


def _system(record: SystemRecord, owners: Mapping[str, Team]) -> Fields:
    stated = record.stated()
    if "owner" in stated:
        stated["owner"] = owners[stated["owner"]] if stated["owner"] else None
    return stated


def _seen(row: Team | System | None, fields: Mapping[str, Any]) -> Fields:
    """What was stored before; a relation by its key."""
    return {name: _plain(getattr(row, name)) if row else None for name in fields}


def _plain(value: Any) -> Any:
    return value.slug if isinstance(value, Team) else value


def _reports(
    checked: Sequence[Read[R]], stored: Stored[Any], before: Mapping[str, Fields]
) -> Iterator[RowReport]:
    for number, record in checked:
        if isinstance(record, Rejection):
            yield rejected(number, "", record.problems)
            continue
        slug = record.slug
        names = sorted(stored.changed.get(slug, ()))
        row = stored.rows[slug]
        changes = tuple(Change(name, before[slug].get(name), _plain(getattr(row, name))) for name in names)
        outcome = Outcome.CREATED if slug in stored.created else Outcome.UNCHANGED
        yield RowReport(number, slug, Outcome.UPDATED if changes else outcome, changes)

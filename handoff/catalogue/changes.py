"""What entries of the catalogue do to services, so that what is open of these can be asked about before."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from handoff.actions import foresee
from handoff.consequences import Change, Foreseen, Happening
from readiness import ingest
from readiness.models import Lifecycle, ManagementState, Service, Team

CHANGING: Final = frozenset({"owner", "ops_team", "lifecycle"})
"""Fields that may end what is open of a service."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What shall be stored of a service. ``state`` is adopted where it is live and has none."""

    slug: str
    fields: Mapping[str, Any]
    aliases: tuple[str, ...] = ()
    state: str = ManagementState.DEVELOPER_MANAGED.value
    changes: tuple[ingest.Change, ...] = field(default=())
    """What is different from what is stored, where that was asked."""
    split_from: Service | None = None
    """The service that a new one is taken out of."""


def consequences_of(entries: Sequence[Entry]) -> list[Foreseen]:
    """What would come of writing these, for services of which something is open."""
    return [each for each in foresee(happenings_of(entries)) if each.asks]


def happenings_of(entries: Sequence[Entry]) -> dict[int, list[Happening]]:
    """What writing these does to services that there are, by key. One query at most."""
    found: dict[int, list[Happening]] = defaultdict(list)
    changing = {entry.slug: entry for entry in entries if CHANGING & entry.fields.keys()}
    for service in _stored(changing):
        if happenings := list(_happenings(service, changing[service.slug].fields)):
            found[service.pk] = happenings
    for entry in entries:
        if entry.split_from is not None:
            found[entry.split_from.pk].append(Happening(Change.SPLIT, entry.split_from.slug, entry.slug))
    return dict(found)


def _stored(slugs: Iterable[str]) -> Iterable[Service]:
    asked = list(slugs)
    rows = Service.objects.filter(slug__in=asked).select_related("owner", "ops_team")
    return rows.order_by("slug") if asked else ()


def _happenings(service: Service, fields: Mapping[str, Any]) -> Iterator[Happening]:
    """Of a service and what shall be stored of it; what is not named stays."""
    return differences(
        service,
        owner=_name(fields.get("owner", service.owner)),
        ops_team=_name(fields.get("ops_team", service.ops_team)),
        retired=fields.get("lifecycle") == Lifecycle.RETIRED,
    )


def differences(service: Service, *, owner: str, ops_team: str, retired: bool) -> Iterator[Happening]:
    """What happens to a service that gets these teams, by slug, and is retired or not."""
    for change, team, after in (
        (Change.OWNER, service.owner, owner),
        (Change.OPS_TEAM, service.ops_team, ops_team),
    ):
        if _name(team) != after:
            yield Happening(change, _name(team), after)
    if retired and service.lifecycle != Lifecycle.RETIRED:
        yield Happening(Change.RETIREMENT, service.lifecycle, Lifecycle.RETIRED.value)


def _name(team: Team | None) -> str:
    return team.slug if team else ""

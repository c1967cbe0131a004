"""Brings a catalogue in: teams, systems, services and their aliases, as its files describe them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce

from readiness.backstage import Catalogue, ServiceEntry, TeamEntry
from readiness.ingest.launched import note_first_time_live, without_unlaunching
from readiness.ingest.tally import Tally
from readiness.models import Dependency, Service, ServiceAlias, System, Team
from readiness.reclassify import reclassify_services, reclassify_team

UNOWNED = "unowned"
"""The placeholder team of services whose owner no file states."""
HOURS = frozenset({"time_zone", "country", "subdivision", "business_hours", "weekend"})
"""A team's fields that decide what is after hours."""
BATCH = 500

Row = TypeVar("Row", Team, System, Service)


@dataclass(slots=True)
class Stored(Generic[Row]):
    """All rows of a table by slug, which of them are new, and which fields of others changed."""

    rows: dict[str, Row]
    created: set[str] = field(default_factory=set)
    changed: dict[str, set[str]] = field(default_factory=dict)

    def tally(self, entries: int) -> Tally:
        """What became of so many entries."""
        created, updated = len(self.created), len(self.changed)
        return Tally(created=created, updated=updated, unchanged=entries - created - updated)


class CatalogueImport:
    """One import of what a folder describes. Entries replace what is stored; nothing is deleted.

    ``note`` is told, in words, what was mended on the way: an owner that no file describes, an alias that is
    taken.
    """

    def __init__(self, fleet: str, *, now: datetime, note: Callable[[str], None]) -> None:
        self.fleet = fleet
        self.now = now
        self.note = note
        self._teams: dict[str, Team] = {}
        self._systems: dict[str, System] = {}

    def store(self, catalogue: Catalogue) -> Tally:
        """Store all entries in one transaction; each team, system and service counts as a row."""
        tally = Tally(rejected=sum(problem.dropped for problem in catalogue.problems))
        with transaction.atomic():
            tally += self._store_teams(catalogue)
            tally += self._store_placeholders(catalogue)
            tally += self._store_systems(catalogue)
            tally += self._store_services(catalogue.services)
            aim_dependencies()
        return tally

    def _store_teams(self, catalogue: Catalogue) -> Tally:
        stored = store_teams({each.slug: _team_fields(each) for each in catalogue.teams}, now=self.now)
        self._teams = stored.rows
        return stored.tally(len(catalogue.teams))

    def _store_placeholders(self, catalogue: Catalogue) -> Tally:
        """Make the teams that are named and not described; they may be described another day."""
        wanted: dict[str, str] = {}
        for service in catalogue.services:
            wanted.setdefault(service.owner or UNOWNED, f"owner of {service.slug}")
            if service.ops_team:
                wanted.setdefault(service.ops_team, f"ops team of {service.slug}")
        for system in catalogue.systems:
            if system.owner:
                wanted.setdefault(system.owner, f"owner of {system.slug}")
        unknown = [slug for slug in wanted if slug not in self._teams or self._teams[slug].placeholder]
        for slug in unknown:
            self.note(f"{slug}, {wanted[slug]}, is described by no Group: a placeholder team stands for it")
        missing = [Team(slug=slug, placeholder=True) for slug in unknown if slug not in self._teams]
        self._teams |= {team.slug: team for team in Team.objects.bulk_create(missing, batch_size=BATCH)}
        return Tally(created=len(missing), unchanged=len(unknown) - len(missing))

    def _store_systems(self, catalogue: Catalogue) -> Tally:
        """Those described, and by their names alone those that services only name."""
        wanted: dict[str, Mapping[str, Any]] = {
            each.slug: {"title": each.title, "owner": self._teams.get(each.owner or "")}
            for each in catalogue.systems
        }
        for service in catalogue.services:
            if service.system and service.system not in wanted:
                wanted[service.system] = {}
                self.note(f"{service.system}, system of {service.slug}, is described by no System")
        stored = store_systems(wanted)
        self._systems = stored.rows
        return stored.tally(len(wanted))

    def _store_services(self, entries: Sequence[ServiceEntry]) -> Tally:
        return store_services(
            {each.slug: self._service_fields(each) for each in entries},
            aliases={each.slug: each.aliases for each in entries},
            note=self.note,
        )

    def _service_fields(self, entry: ServiceEntry) -> dict[str, Any]:
        return {
            "title": entry.title,
            "description": entry.description,
            "tier": entry.tier,
            "lifecycle": entry.lifecycle.value,
            "deprecated": entry.deprecated,
            "owner": self._teams[entry.owner or UNOWNED],
            "ops_team": self._teams[entry.ops_team] if entry.ops_team else None,
            "system": self._systems[entry.system] if entry.system else None,
            "launched_on": entry.launched_on,
            "components": list(entry.components),
            "default_branch": entry.default_branch,
            "depends_on": list(entry.depends_on),
            "links": [asdict(link) for link in entry.links],
            "fleet": self.fleet,
            "made_up": entry.made_up,
        }


def store_teams(wanted: Mapping[str, Mapping[str, Any]], *, now: datetime) -> Stored[Team]:
    """Make or change teams so that each slug has its fields. Call it in a transaction.

    The rows of a team's services are reclassified when its hours change.
    """
    stored = _upsert(Team, wanted)
    rehoured = [stored.rows[slug] for slug, names in stored.changed.items() if names & HOURS]
    for team in rehoured:
        team.hours_changed_at = now
    Team.objects.bulk_update(rehoured, ["hours_changed_at"], batch_size=BATCH)
    for team in rehoured:
        reclassify_team(team.pk)
    return stored


def store_systems(wanted: Mapping[str, Mapping[str, Any]]) -> Stored[System]:
    """Make or change systems so that each slug has its fields. Call it in a transaction."""
    return _upsert(System, wanted)


def store_services(
    wanted: Mapping[str, Mapping[str, Any]],
    *,
    aliases: Mapping[str, Iterable[str]],
    note: Callable[[str], None],
) -> Tally:
    """Make or change services so that each slug has its fields and other names. Call it in a transaction.

    Fields that are not given stay. The rows of a service that moves to another owner are reclassified. One
    that was launched here on a review stays live, and ``note`` is told of whatever says otherwise.
    """
    stored = _upsert(Service, without_unlaunching(wanted, note=note))
    note_first_time_live(
        [stored.rows[slug] for slug, names in stored.changed.items() if "lifecycle" in names], note=note
    )
    for slug in _store_aliases(aliases, stored.rows, note=note):
        if slug not in stored.created:
            stored.changed.setdefault(slug, set()).add("aliases")
    moved = [stored.rows[slug].pk for slug, names in stored.changed.items() if "owner" in names]
    if moved:
        reclassify_services(moved)
    return stored.tally(len(wanted))


def _store_aliases(
    wanted: Mapping[str, Iterable[str]], rows: Mapping[str, Service], *, note: Callable[[str], None]
) -> set[str]:
    """Give services their other names; those that got one. A name that is taken is noted.

    An alias moves between services of this catalogue. One that was given by hand stays.
    """
    taken = {slug.lower(): row.pk for slug, row in rows.items()}
    aliases = {alias.name.lower(): alias for alias in ServiceAlias.objects.all()}
    ours = {rows[slug].pk for slug in wanted}
    changed: set[str] = set()
    for slug, name in ((slug, name) for slug, names in wanted.items() for name in names):
        pk, known = rows[slug].pk, aliases.get(name.lower())
        if taken.get(name.lower(), pk) != pk or (known and known.service_id not in {pk} | ours):
            note(f"alias {name!r} of {slug} already names another service")
        elif known is None or known.service_id != pk:
            alias = known or ServiceAlias(name=name)
            alias.service = rows[slug]
            alias.save()
            changed.add(slug)
    return changed


def aim_dependencies() -> int:
    """Point dependencies that were kept by name at services known by now; how many rows were looked at."""
    by_slug = Service.objects.filter(slug=OuterRef("on")).order_by().values("pk")[:1]
    by_alias = ServiceAlias.objects.filter(name=OuterRef("on")).values("service")[:1]
    return Dependency.objects.filter(target=None).update(
        target=Coalesce(Subquery(by_slug), Subquery(by_alias))
    )


def _team_fields(entry: TeamEntry) -> dict[str, Any]:
    return {
        "title": entry.title,
        "time_zone": entry.hours.time_zone,
        "country": entry.hours.country or "",
        "subdivision": entry.hours.subdivision or "",
        "business_hours": entry.hours.business_hours,
        "weekend": sorted(entry.hours.weekend),
        "placeholder": False,
    }


def _upsert(model: type[Row], wanted: Mapping[str, Mapping[str, Any]]) -> Stored[Row]:
    """Make or change rows so that each slug has its fields, in a few statements, whatever their number."""
    stored = Stored({row.slug: row for row in model._default_manager.order_by()})  # noqa: SLF001
    new = []
    for slug, fields in wanted.items():
        row = stored.rows.get(slug)
        if row is None:
            new.append(model(slug=slug, **fields))
        elif names := {name for name, value in fields.items() if _differs(row, name, value)}:
            stored.changed[slug] = names
            for name in names:
                setattr(row, name, fields[name])
    manager = model._default_manager  # noqa: SLF001
    stored.created = {row.slug for row in new}
    stored.rows |= {row.slug: row for row in manager.bulk_create(new, batch_size=BATCH)}
    altered = [stored.rows[slug] for slug in stored.changed]
    if altered:
        names = set().union(*stored.changed.values())
        manager.bulk_update(altered, sorted(names), batch_size=BATCH)
    return stored


def _differs(row: Team | System | Service, name: str, value: Any) -> bool:
    """A relation is compared by its id: asking for the object would be a query a row."""
    if name in {"owner", "ops_team", "system"}:
        return bool(getattr(row, f"{name}_id") != (value.pk if value is not None else None))
    return bool(getattr(row, name) != value)

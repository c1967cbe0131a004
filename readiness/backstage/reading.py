"""Turns the entities of Backstage files into teams, systems and services."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TypeVar

from readiness.backstage.documents import documents
from readiness.backstage.entity import MAX_NAME, Entity
from readiness.backstage.entries import (
    DEFAULT_TIER,
    Catalogue,
    Lifecycle,
    Link,
    Problem,
    ServiceEntry,
    SystemEntry,
    TeamEntry,
)
from readiness.hours import WEEKEND, Hours, parse_business_hours, public_holidays, time_zone

Entry = TypeVar("Entry", TeamEntry, SystemEntry, ServiceEntry)

_LIFECYCLES: Mapping[str, Lifecycle] = {
    "production": Lifecycle.LIVE,
    "deprecated": Lifecycle.LIVE,
    "retired": Lifecycle.RETIRED,
    "decommissioned": Lifecycle.RETIRED,
}
"""Backstage's usual words; anything else is before launch (DESIGN.md section 4)."""
_STATES = ("developer_managed", "ops_managed")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_TEAM_SETTINGS = frozenset(
    {
        "handoff/time-zone",
        "handoff/country",
        "handoff/country-subdivision",
        "handoff/business-hours",
        "handoff/weekend",
    }
)
_SERVICE_SETTINGS = frozenset(
    {
        "handoff/tier",
        "handoff/ops-team",
        "handoff/launched-on",
        "handoff/management-state",
        "handoff/aliases",
        "handoff/components",
        "handoff/default-branch",
        "handoff/made-up",
    }
)
_PROJECTS: Mapping[str, str] = {
    "github.com/project-slug": "https://github.com/",
    "gitlab.com/project-slug": "https://gitlab.com/",
}
_LOCATIONS: Mapping[str, tuple[str, str]] = {
    "backstage.io/source-location": ("Source", "source"),
    "backstage.io/view-url": ("Catalog file", "source"),
    "backstage.io/techdocs-ref": ("Documentation", "documentation"),
}
"""Annotations that hold a location, ``url:https://…``, with the link's title and type."""


def read_catalogue(stream: bytes, *, file: str = "") -> Catalogue:
    """Read one YAML file of Backstage entities; ``file`` is only named in problems. Raises nothing."""
    catalogue = _Collected()
    for document in documents(stream):
        if document.error:
            problem = Problem(document.number, "", "", document.error, dropped=True, file=file)
            catalogue.problems.append(problem)
        elif isinstance(document.content, dict):
            catalogue.add(Entity(document.number, document.content, file=file))
        else:
            problem = Problem(document.number, "", "", "is no entity", dropped=True, file=file)
            catalogue.problems.append(problem)
    return combine([catalogue.read()])


def combine(catalogues: Iterable[Catalogue]) -> Catalogue:
    """Join what files say; of two entities with one name, or two claims to an alias, the first stands.

    Names of teams are written as the teams are: Backstage compares without regard to case.
    """
    parts = list(catalogues)
    problems = [problem for part in parts for problem in part.problems]
    services = _first_of([each for part in parts for each in part.services], "Component", problems)
    systems = _first_of([each for part in parts for each in part.systems], "System", problems)
    teams = _first_of([each for part in parts for each in part.teams], "Group", problems)
    names = {team.slug.lower(): team.slug for team in teams}
    ignored: Counter[str] = Counter()
    for part in parts:
        ignored.update(part.ignored)
    return Catalogue(
        teams=teams,
        systems=tuple(replace(each, owner=_as_written(names, each.owner)) for each in systems),
        services=tuple(
            replace(each, owner=_as_written(names, each.owner), ops_team=_as_written(names, each.ops_team))
            for each in _with_own_aliases(services, problems)
        ),
        others=tuple(dict.fromkeys(name for part in parts for name in part.others)),
        ignored=dict(ignored),
        problems=tuple(dict.fromkeys(problems)),
    )


def _first_of(entries: Sequence[Entry], kind: str, problems: list[Problem]) -> tuple[Entry, ...]:
    """Names are compared as Backstage does, without regard to case."""
    kept: dict[str, Entry] = {}
    for entry in entries:
        if kept.setdefault(entry.slug.lower(), entry) is not entry:
            reason = f"is described twice as {kind}; the first stands"
            problems.append(Problem(0, entry.slug, "metadata.name", reason, dropped=True))
    return tuple(kept.values())


def _as_written(names: Mapping[str, str], name: str | None) -> str | None:
    return names.get(name.lower(), name) if name is not None else None


def _with_own_aliases(services: Sequence[ServiceEntry], problems: list[Problem]) -> tuple[ServiceEntry, ...]:
    owners = {service.slug.lower(): service.slug for service in services}
    checked = []
    for service in services:
        own = []
        for alias in service.aliases:
            owner = owners.setdefault(alias.lower(), service.slug)
            if owner == service.slug:
                own.append(alias)
            else:
                reason = f"{alias!r} already names {owner}"
                problems.append(Problem(0, service.slug, "metadata.annotations.handoff/aliases", reason))
        checked.append(replace(service, aliases=tuple(own)))
    return tuple(checked)


class _Collected:
    """Gathers entries while a file is read."""

    def __init__(self) -> None:
        self.teams: list[TeamEntry] = []
        self.systems: list[SystemEntry] = []
        self.services: list[ServiceEntry] = []
        self.others: list[str] = []
        self.ignored: Counter[str] = Counter()
        self.problems: list[Problem] = []

    def add(self, entity: Entity) -> None:
        """Take an entity for what its kind says it is."""
        takers: Mapping[str, Callable[[Entity], None]] = {
            "group": lambda each: self.teams.append(_team(each)),
            "system": lambda each: self.systems.append(_system(each)),
            "component": lambda each: self.services.append(_service(each)),
            "resource": lambda each: self.others.append(each.name),
            "api": lambda each: self.others.append(each.name),
        }
        taker = takers.get(entity.kind.lower())
        if not entity.kind:
            entity.report("kind", "is missing: this is no entity", dropped=True)
        elif taker is None:
            self.ignored[entity.kind] += 1
        elif entity.has_name():
            taker(entity)
        self.problems += entity.problems

    def read(self) -> Catalogue:
        """What was gathered."""
        return Catalogue(
            teams=tuple(self.teams),
            systems=tuple(self.systems),
            services=tuple(self.services),
            others=tuple(self.others),
            ignored=dict(self.ignored),
            problems=tuple(self.problems),
        )


def _team(entity: Entity) -> TeamEntry:
    _report_unknown_settings(entity, _TEAM_SETTINGS)
    profile = entity.spec.get("profile")
    shown = profile.get("displayName") if isinstance(profile, dict) else None
    return TeamEntry(
        slug=entity.name,
        title=entity.title() or (shown.strip() if isinstance(shown, str) else ""),
        description=entity.description(),
        hours=_hours(entity),
    )


def _system(entity: Entity) -> SystemEntry:
    return SystemEntry(
        slug=entity.name, title=entity.title(), description=entity.description(), owner=_owner(entity)
    )


def _service(entity: Entity) -> ServiceEntry:
    _report_unknown_settings(entity, _SERVICE_SETTINGS)
    lifecycle = entity.spec_text("lifecycle").lower()
    if not lifecycle:
        entity.report("spec.lifecycle", "is missing: taken as before launch")
    depends_on = entity.texts("spec.dependsOn", entity.spec.get("dependsOn"))
    named = (entity.reference("spec.dependsOn", text)[1] for text in depends_on)
    return ServiceEntry(
        slug=entity.name,
        title=entity.title(),
        description=entity.description(),
        owner=_owner(entity),
        ops_team=_named(
            entity,
            "metadata.annotations.handoff/ops-team",
            entity.annotation("handoff/ops-team", limit=MAX_NAME),
        ),
        tier=_tier(entity),
        lifecycle=_LIFECYCLES.get(lifecycle, Lifecycle.PRE_LAUNCH),
        deprecated=lifecycle == "deprecated",
        launched_on=_launched_on(entity),
        management_state=_management_state(entity),
        aliases=tuple(alias for alias in entity.listed("handoff/aliases") if alias != entity.name),
        components=entity.listed("handoff/components"),
        default_branch=entity.annotation("handoff/default-branch", limit=MAX_NAME),
        system=_named(entity, "spec.system", entity.spec_text("system")),
        depends_on=tuple(dict.fromkeys(name for name in named if name)),
        links=_links(entity),
        tags=entity.texts("metadata.tags", entity.metadata.get("tags")),
        made_up=_made_up(entity),
    )


def _report_unknown_settings(entity: Entity, known: frozenset[str]) -> None:
    """A misspelt setting must not silently mean its default."""
    for name in entity.annotations:
        if name.startswith("handoff/") and name not in known:
            elsewhere = name in _TEAM_SETTINGS | _SERVICE_SETTINGS
            reason = f"has no meaning on a {entity.kind}" if elsewhere else "is no setting"
            entity.report(f"metadata.annotations.{name}", reason)


def _owner(entity: Entity) -> str | None:
    text = entity.spec_text("owner")
    kind, name = entity.reference("spec.owner", text)
    if entity.spec.get("owner") is None:
        entity.report("spec.owner", "is missing")
    elif kind == "user":
        entity.report("spec.owner", f"is a person; taken as a team named {name}")
    return name or None


def _named(entity: Entity, field: str, text: str) -> str | None:
    return entity.reference(field, text)[1] or None


def _tier(entity: Entity) -> int:
    text = entity.annotation("handoff/tier")
    if text in {"1", "2", "3", "4"}:
        return int(text)
    if text:
        entity.report(
            "metadata.annotations.handoff/tier", f"is 1 to 4, not {text!r}: taken as {DEFAULT_TIER}"
        )
    return DEFAULT_TIER


def _launched_on(entity: Entity) -> date | None:
    text = entity.annotation("handoff/launched-on")
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        entity.report("metadata.annotations.handoff/launched-on", f"is a date like 2025-06-01, not {text!r}")
        return None


def _management_state(entity: Entity) -> str:
    text = entity.annotation("handoff/management-state")
    if text and text not in _STATES:
        entity.report(
            "metadata.annotations.handoff/management-state", f"is {' or '.join(_STATES)}, not {text!r}"
        )
    return text if text in _STATES else _STATES[0]


def _made_up(entity: Entity) -> bool:
    """What cannot be read is taken as made up: a sample must never pass for a real service."""
    text = entity.annotation("handoff/made-up").lower()
    if text not in {"", "true", "false"}:
        entity.report(
            "metadata.annotations.handoff/made-up", f"is true or false, not {text!r}: taken as true"
        )
    return text not in {"", "false"}


def _hours(entity: Entity) -> Hours:
    """The team's hours; a setting that cannot be computed with is reported and left at its default."""
    hours = Hours()
    country = entity.annotation("handoff/country").upper()
    subdivision = entity.annotation("handoff/country-subdivision").removeprefix(f"{country}-")
    zone = entity.annotation("handoff/time-zone")
    if zone and _holds(entity, "handoff/time-zone", lambda: time_zone(zone)):
        hours = replace(hours, time_zone=zone)
    if country and _holds(entity, "handoff/country", lambda: public_holidays(country, None)):
        hours = replace(hours, country=country)
    if subdivision and _holds(
        entity, "handoff/country-subdivision", lambda: public_holidays(hours.country, subdivision)
    ):
        hours = replace(hours, subdivision=subdivision)
    business = entity.annotation("handoff/business-hours")
    if business and _holds(entity, "handoff/business-hours", lambda: parse_business_hours(business)):
        opens, closes = parse_business_hours(business)
        hours = replace(hours, opens=opens, closes=closes)
    return replace(hours, weekend=_weekend(entity))


def _holds(entity: Entity, annotation: str, check: Callable[[], object]) -> bool:
    try:
        check()
    except ValueError as error:
        entity.report(f"metadata.annotations.{annotation}", f"is not usable: {error}")
        return False
    return True


def _weekend(entity: Entity) -> frozenset[int]:
    names = [name[:3].lower() for name in entity.listed("handoff/weekend")]
    if names == ["non"]:
        return frozenset()
    if any(name not in _WEEKDAYS for name in names):
        entity.report("metadata.annotations.handoff/weekend", "is written like fri,sat, or none")
        return WEEKEND
    return frozenset(_WEEKDAYS.index(name) for name in names) or WEEKEND


def _links(entity: Entity) -> tuple[Link, ...]:
    links = _written_links(entity)
    for annotation, (title, kind) in _LOCATIONS.items():
        url = entity.annotation(annotation).removeprefix("url:") if annotation in entity.annotations else ""
        if _is_web(url):
            links.append(Link(url, title, kind))
    for annotation, site in _PROJECTS.items():
        project = entity.annotation(annotation).strip("/") if annotation in entity.annotations else ""
        if project:
            links.append(Link(f"{site}{project}", "Source", "source"))
    by_url: dict[str, Link] = {}
    for link in links:
        by_url.setdefault(link.url, link)
    return tuple(by_url.values())


def _written_links(entity: Entity) -> list[Link]:
    written = entity.metadata.get("links")
    links = []
    for entry in written if isinstance(written, list) else []:
        url, title, kind = (_part(entry, part) for part in ("url", "title", "type"))
        if _is_web(url):
            links.append(Link(url, title, kind))
        else:
            entity.report("metadata.links", "has an entry that is no http or https address")
    return links


def _part(entry: object, name: str) -> str:
    value = entry.get(name) if isinstance(entry, dict) else None
    return value.strip()[:1000] if isinstance(value, str) else ""


def _is_web(url: str) -> bool:
    return url.startswith(("http://", "https://")) and " " not in url and "{" not in url

"""What a Backstage catalog says, in our words: teams, systems, services, and what could not be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from readiness.hours import Hours

DEFAULT_TIER = 3


class Lifecycle(StrEnum):
    """Where in life a service is."""

    PRE_LAUNCH = "pre_launch"
    LIVE = "live"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read as written. Documents of a file count from 1; 0 is the file itself."""

    document: int
    name: str
    """The entity's name, empty where it has none."""
    field: str
    reason: str
    dropped: bool = False
    """The whole entity was left out, not the field alone."""
    file: str = ""

    def __str__(self) -> str:
        place = f"{self.file}: document {self.document}" if self.file else f"document {self.document}"
        return ", ".join(part for part in (place, self.name, f"{self.field} {self.reason}".strip()) if part)


@dataclass(frozen=True, slots=True)
class Link:
    """An http or https address; ``type`` is ``source``, ``documentation``, or what the catalog says."""

    url: str
    title: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True)
class TeamEntry:
    """A ``Group``."""

    slug: str
    title: str = ""
    description: str = ""
    hours: Hours = field(default_factory=Hours)


@dataclass(frozen=True, slots=True)
class SystemEntry:
    """A ``System``."""

    slug: str
    title: str = ""
    description: str = ""
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """A ``Component`` of any type. Owners, systems, dependencies are names without kind and namespace."""

    slug: str
    title: str = ""
    description: str = ""
    owner: str | None = None
    ops_team: str | None = None
    tier: int = DEFAULT_TIER
    lifecycle: Lifecycle = Lifecycle.PRE_LAUNCH
    deprecated: bool = False
    launched_on: date | None = None
    management_state: str = "developer_managed"
    aliases: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    default_branch: str = ""
    system: str | None = None
    depends_on: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    tags: tuple[str, ...] = ()
    made_up: bool = False
    """Of a sample fleet: nothing of it ever happened."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that was read, in the order of the files. ``others`` are the names of Resources and APIs."""

    teams: tuple[TeamEntry, ...] = ()
    systems: tuple[SystemEntry, ...] = ()
    services: tuple[ServiceEntry, ...] = ()
    others: tuple[str, ...] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)
    """How many entities of kinds that mean nothing here, by kind."""
    problems: tuple[Problem, ...] = ()

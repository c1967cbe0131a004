"""What becomes of what is open of a service when the service itself changes. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final

from handoff.checklists import Side

RULE: Final = "rule: consequences of a change v1"
"""Who acts where no person does: an import."""


class Change(StrEnum):
    """What may happen to a service while something of it is open."""

    OWNER = "owner"
    OPS_TEAM = "ops_team"
    RENAME = "rename"
    MERGE = "merge"
    SPLIT = "split"
    RETIREMENT = "retirement"


class Subject(StrEnum):
    """What may be open of a service, by the words of transitions."""

    CASE = "case"
    REVIEW = "review"
    WAIVER = "waiver"
    CONSULTANT = "consultant"


class Fate(StrEnum):
    """What becomes of something open."""

    STAYS = "stays"
    ENDS = "ends"
    ACCEPTANCE_TAKEN_BACK = "acceptance taken back"


ENDING: Final = frozenset({Change.MERGE, Change.RETIREMENT})
"""After these nobody runs the service any more, so that nothing of it can go on."""
SIDES: Final = {Change.OWNER: Side.DEVELOPERS, Change.OPS_TEAM: Side.OPERATIONS}
"""Which side is another team then: what its people signed does not bind those who come."""
LEADS_TO: Final = {
    "withdraw": "withdrawn",
    "cut short": "withdrawn",
    "complete": "completed",
    "revoke": "revoked",
    "end": "ended",
}
"""Where the moves that end something lead, as the tables of moves have it."""
MOVED: Final = {"backed_up": "complete", "stabilising": "cut short"}
"""States of cases whose service has moved already, and stays so: they end otherwise than by withdrawal."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One change of a service: from what to what, by name."""

    change: Change
    before: str
    after: str

    def __str__(self) -> str:
        match self.change:
            case Change.OWNER:
                return f"its owner is {self.after} instead of {self.before or 'nobody'}"
            case Change.OPS_TEAM:
                return f"its ops team is {self.after or 'nobody'} instead of {self.before or 'nobody'}"
            case Change.RENAME:
                return f"it is called {self.after} instead of {self.before}, which stays another name of it"
            case Change.MERGE:
                return f"{self.before} is another name of {self.after} from now on"
            case Change.SPLIT:
                return f"{self.after} is taken out of it"
        return "it is retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Something open of a service: a case, a review, a waiver or a consultant."""

    subject: Subject
    key: int
    name: str
    """What kind of case or review, what is waived, or who advises."""
    state: str
    signed: frozenset[Side] = frozenset()
    """Sides that have signed it, or what it rests on."""
    accepted: bool = False
    """A handoff that the ops team has accepted to carry."""

    def __str__(self) -> str:
        return f"{self.subject} {self.name}, {self.state.replace('_', ' ')}"


@dataclass(frozen=True, slots=True)
class Consequence:
    """What becomes of one thing, and why; ``move`` ends it, and is empty where it goes on."""

    thing: Open
    fate: Fate
    why: str
    move: str = ""

    @property
    def leads_to(self) -> str:
        """The state that it is in afterwards."""
        return LEADS_TO[self.move] if self.move else self.thing.state

    @property
    def becomes(self) -> str:
        """What becomes of it, in words."""
        return self.leads_to if self.move else self.fate.value


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What happens to one service, and what comes of it for everything that is open."""

    service_id: int
    slug: str
    happenings: tuple[Happening, ...]
    consequences: tuple[Consequence, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether somebody must agree first. A merge ends a service, so it is asked about anyway."""
        return bool(self.consequences) or any(each.change is Change.MERGE for each in self.happenings)

    @property
    def said(self) -> str:
        """What happens to it, in words."""
        return "; ".join(map(str, self.happenings))


def digest(found: Iterable[Foreseen]) -> str:
    """Stands for all that somebody was shown, so that nothing else happens than they agreed to."""
    shown = [
        (
            each.slug,
            each.said,
            [(one.thing.key, str(one.thing), one.becomes, one.why) for one in each.consequences],
        )
        for each in found
    ]
    return sha256(repr(shown).encode()).hexdigest()


def consequence(thing: Open, happenings: Collection[Happening]) -> Consequence:
    """What becomes of one open thing by changes that happen at once: the one that ends it goes before."""
    for each in happenings:
        if each.change in ENDING:
            return Consequence(thing, Fate.ENDS, _of_the_end(each), _move(thing))
    for each in happenings:
        side = SIDES.get(each.change)
        if side in thing.signed and thing.state not in MOVED:
            why = f"{side} signed, and {each}: a signature binds no other team"
            return Consequence(thing, Fate.ENDS, why, _move(thing))
    for each in happenings:
        if each.change is Change.OPS_TEAM and thing.accepted and thing.state not in MOVED:
            why = f"{each}: what another team accepted to carry does not bind it"
            return Consequence(thing, Fate.ACCEPTANCE_TAKEN_BACK, why)
    return Consequence(thing, Fate.STAYS, "it stays with the service")


def _move(thing: Open) -> str:
    if thing.subject is Subject.CONSULTANT:
        return "end"
    if thing.subject is Subject.WAIVER:
        return "revoke" if thing.state == "live" else "withdraw"
    return MOVED.get(thing.state, "withdraw")


def _of_the_end(happening: Happening) -> str:
    if happening.change is Change.MERGE:
        return f"{happening}: what was decided for one service is no decision about another"
    return "it is retired: nobody runs it any more"

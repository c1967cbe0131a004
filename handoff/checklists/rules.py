"""When an item is settled, who may sign a review and when, what rejects it, when it lapses. Pure."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from handoff.checklists.outcomes import SETTLED, Outcome


class Side(StrEnum):
    """Who signs."""

    DEVELOPERS = "developers"
    OPERATIONS = "operations"
    MANAGER = "manager"


BOTH: Final = frozenset({Side.DEVELOPERS, Side.OPERATIONS})
MANAGERS: Final = frozenset({"manager", "director"})


@dataclass(frozen=True, slots=True)
class ItemState:
    """An item as it was last left."""

    text: str
    outcome: Outcome
    measured: bool = False
    shown: bool = False
    blocking: bool = False
    lapses_on: dt.date | None = None
    condition_due: dt.date | None = None
    """Of its condition, while that is not fulfilled."""
    agreed: Collection[str] = BOTH
    """Sides that hold it to be not applicable."""
    waivers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Signer:
    """Who would sign: ``actor`` is id and name."""

    actor: str
    role: str
    in_owner_team: bool
    in_ops_team: bool


@dataclass(frozen=True, slots=True)
class Signing:
    """A review as it stands before somebody signs."""

    items: Sequence[ItemState]
    today: dt.date
    tier: int
    opened_by: str
    signed: Mapping[str, str]
    """Side to actor."""
    waiver_authors: Collection[str]
    overrider: str = ""
    """Who overrode the verdict, where somebody did."""
    proposer: str = ""
    """Who proposed the handoff that it decides about."""


def now_is(item: ItemState, today: dt.date) -> Outcome:
    """What an item comes to today: attestations lapse, overdue conditions reopen, one side is not both."""
    if item.outcome is Outcome.MET and item.lapses_on is not None and item.lapses_on <= today:
        return Outcome.LAPSED
    if item.outcome is Outcome.ACCEPTED and item.condition_due is not None and item.condition_due < today:
        return Outcome.OPEN
    if item.outcome is Outcome.NOT_APPLICABLE and not set(item.agreed) >= BOTH:
        return Outcome.OPEN
    return item.outcome


def lapses_on(attested_on: dt.date, days: int) -> dt.date:
    """The first day on which an attestation no longer counts."""
    return attested_on + dt.timedelta(days=days)


def is_settled(item: ItemState, today: dt.date) -> bool:
    """Whether it lets a review be signed; what is only shown always does."""
    return item.shown or now_is(item, today) in SETTLED


def unsettled(items: Iterable[ItemState], today: dt.date) -> list[ItemState]:
    """Items that keep a review from being signed."""
    return [item for item in items if not is_settled(item, today)]


def blocking(items: Iterable[ItemState]) -> list[ItemState]:
    """Findings that alone let a review be rejected."""
    return [item for item in items if item.outcome is Outcome.NOT_MET and item.blocking]


def relied_on(items: Iterable[ItemState]) -> frozenset[int]:
    """Keys of the waivers without which an item would not be met."""
    return frozenset(key for item in items for key in item.waivers)


def sides_needed(signing: Signing) -> tuple[Side, ...]:
    """Who must sign: both sides; for tier 1, or where a waiver or override is relied on, a manager third."""
    third = signing.tier == 1 or bool(relied_on(signing.items)) or bool(signing.overrider)
    return (Side.DEVELOPERS, Side.OPERATIONS, *((Side.MANAGER,) if third else ()))


def person_obstacle(side: Side, signer: Signer, signing: Signing) -> str:
    """Why this person may not sign for this side, in a sentence; empty when they may."""
    if same_person(signer.actor, signing.opened_by):
        return "Who opened a review does not sign it: others do."
    if signing.proposer and same_person(signer.actor, signing.proposer):
        return "Who proposed the handoff does not sign its review: others do."
    if any(same_person(signer.actor, author) for author in signing.waiver_authors):
        return "Who asked for a waiver that the review relies on does not sign it."
    if signing.overrider and same_person(signer.actor, signing.overrider):
        return "Who overrode the verdict does not sign: others do."
    if any(same_person(signer.actor, other) for other in signing.signed.values()):
        return "A person signs once."
    return _side_obstacle(side, signer)


def _side_obstacle(side: Side, signer: Signer) -> str:
    if side is Side.MANAGER:
        return "" if signer.role in MANAGERS else "A manager signs third: your role is none."
    if signer.role in MANAGERS:
        return "An engineer signs for a side: managers sign third."
    member = signer.in_owner_team if side is Side.DEVELOPERS else signer.in_ops_team
    team = "owner team" if side is Side.DEVELOPERS else "ops team"
    return "" if member else f"Only an engineer of the {team} signs for {side}."


def review_obstacle(signing: Signing) -> str:
    """Why nobody may sign yet, in a sentence; empty when somebody may."""
    findings = blocking(signing.items)
    if findings:
        return f"A blocking finding stands: {findings[0].text}."
    left = unsettled(signing.items, signing.today)
    if not left:
        return ""
    more = f" and {len(left) - 1} more" if len(left) > 1 else ""
    return f"Not settled: {left[0].text}{more}."


def is_complete(signing: Signing) -> bool:
    """Whether everybody who must has signed."""
    return set(sides_needed(signing)) <= set(signing.signed)


def lapses_at(since: dt.datetime, days: int) -> dt.datetime:
    """When a review that nobody ends, or that leads nowhere once it is signed, lapses."""
    return since + dt.timedelta(days=days)


def same_person(one: str, other: str) -> bool:
    """Whether two actors, id and name, are one person: by id where both have one, else by name."""
    first, second = one.partition(" "), other.partition(" ")
    if first[0].isdecimal() and second[0].isdecimal():
        return first[0] == second[0]
    return _name(one) == _name(other)


def _name(actor: str) -> str:
    begin, _, name = actor.partition(" ")
    return (name if begin.isdecimal() and name else actor).strip().casefold()

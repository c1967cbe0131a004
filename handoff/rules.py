"""When a row of judgements justifies a proposal, and when it no longer does (SCORING.md section 4). Pure."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeAlias

from readiness.scoring.verdicts import DEVELOPER_MANAGED, OPS_MANAGED

RULES_VERSION: Final = 1
"""Stands on every proposal; to be raised when a rule changes."""

# SCORING.md section 4, "Regressed" and what follows it.
LOOK_BACK: Final = timedelta(days=7)
"""Every scorecard of this stretch must be ``below``; its beginning is outside, as of every window."""
LEAST_APART: Final = timedelta(days=6)
"""The first and the last of them are at least so far apart, so that one bad day is no history."""
REST: Final = timedelta(days=28)
"""What was rejected is not proposed again for so long, unless the grounds have grown."""

READY, BELOW, URGENT = "ready", "below", "urgent"
_ACTOR = re.compile(r"rule: (\w+) v\d+")
_STABILITY = "stability"


class Kind(StrEnum):
    """What is proposed; the same word names the verdict that it rests on."""

    HANDOFF = "handoff"
    HANDBACK = "handback"


class Rule(StrEnum):
    """The rules, by the names that records keep."""

    READY = "ready"
    URGENT = "urgent"
    REGRESSED = "regressed"

    @property
    def kind(self) -> Kind:
        """What it proposes."""
        return Kind.HANDOFF if self is Rule.READY else Kind.HANDBACK

    @property
    def actor(self) -> str:
        """As records name it: ``rule: regressed v1``."""
        return f"rule: {self} v{RULES_VERSION}"


def rule_of(actor: str) -> Rule | None:
    """Which rule, of whatever version, a record names; ``None`` for people, and for what else acts."""
    named = _ACTOR.fullmatch(actor)
    return Rule(named[1]) if named and named[1] in list(Rule) else None


class Clock(StrEnum):
    """How the stability clock stands: full by its own days, set aside by a waiver, or neither."""

    FULL = "full"
    WAIVED = "waived"
    SHORT = "short"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a rule sees of a service at a moment: one judgement, and who runs the service."""

    at: datetime
    scorecard: str
    """Names the scorecard."""
    policy: str
    """The version that it was judged under, the one in force at that time."""
    state: str | None
    deprecated: bool = False
    of: str | None = None
    """Which verdict applies: launch, handoff or handback."""
    verdict: str | None = None
    clock: Clock = Clock.SHORT
    grounds: frozenset[str] = frozenset()
    """The incidents and defects that the judgement names, as ``kind/source:id``."""

    def says(self, kind: Kind, verdict: str) -> bool:
        """Whether this is the verdict, and of what is asked."""
        return self.of == kind and self.verdict == verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a rule proposes at a moment, with the scorecards that justify it, the oldest first."""

    rule: Rule
    at: datetime
    scorecards: tuple[str, ...]
    grounds: frozenset[str] = frozenset()
    version: int = RULES_VERSION

    @property
    def kind(self) -> Kind:
        """Handoff or handback."""
        return self.rule.kind


@dataclass(frozen=True, slots=True)
class Lapse:
    """A proposal that a later judgement no longer supports."""

    proposal: Proposal
    seen: Seen

    @property
    def at(self) -> datetime:
        """When it lapsed: the moment of that judgement."""
        return self.seen.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A handoff or handback that people rejected, with what was known when they did."""

    kind: Kind
    at: datetime
    urgent: bool = False
    grounds: frozenset[str] = frozenset()


Step: TypeAlias = Proposal | Lapse


@dataclass(frozen=True, slots=True)
class Course:
    """How far a service has been walked: the judgements that still count, and the open proposal."""

    recent: tuple[Seen, ...] = ()
    open: Proposal | None = None


# What a scorecard shows ------------------------------------------------------------------------------


def seen(document: Mapping[str, Any], *, at: datetime, scorecard: str, policy: str, deprecated: bool) -> Seen:
    """What a rule sees of a scorecard's numbers (:meth:`readiness.scoring.Judgement.document`)."""
    of, found = _applying(document["verdicts"])
    return Seen(
        at=at,
        scorecard=scorecard,
        policy=policy,
        state=document["standing"]["state"],
        deprecated=deprecated,
        of=of,
        verdict=found["verdict"] if found else None,
        clock=_clock(document),
        grounds=frozenset(_named(document, found)),
    )


def _applying(verdicts: Mapping[str, Any]) -> tuple[str | None, Mapping[str, Any] | None]:
    found = ((of, verdicts[of]) for of in ("launch", Kind.HANDOFF, Kind.HANDBACK) if verdicts[of])
    return next(found, (None, None))


def _clock(document: Mapping[str, Any]) -> Clock:
    """Its own days go before a waiver: a waiver that nobody needs any more stands in no rule's way."""
    stability = document["criteria"].get(_STABILITY, {"parts": {}, "shown": {}})
    days, _ = stability["parts"].get("clock_days", (None, None))
    required = stability["shown"].get("required_days")
    if days is not None and required is not None and days >= required:
        return Clock.FULL
    waived = any(target == _STABILITY for _, target in document["standing"]["waivers"])
    return Clock.WAIVED if waived else Clock.SHORT


_NAMING = {"urgent_incidents": "incident", "urgent_defects": "defect"}
"""The reasons of a verdict that name rows, and their kind."""


def _named(document: Mapping[str, Any], verdict: Mapping[str, Any] | None) -> Iterable[str]:
    """Incidents and defects: those that make it urgent, and those that block."""
    for code, numbers in verdict["reasons"] if verdict else ():
        if code in _NAMING:
            yield from (f"{_NAMING[code]}/{row}" for row in numbers["rows"])
    for _, _, _, rows, _ in document["blockers"]:
        yield from (row for row in rows if row.partition("/")[0] in _NAMING.values())


# The rules: each is given a row in order of time, and answers with the judgements that justify it ------


def _ready(row: Sequence[Seen]) -> tuple[Seen, ...]:
    """Developer-managed, not deprecated, ``ready``, and the clock full by itself: a waiver is for people."""
    now = row[-1]
    fit = now.state == DEVELOPER_MANAGED and not now.deprecated and now.clock is Clock.FULL
    return (now,) if fit and now.says(Kind.HANDOFF, READY) else ()


def _urgent(row: Sequence[Seen]) -> tuple[Seen, ...]:
    """At once, without history."""
    now = row[-1]
    return (now,) if now.state == OPS_MANAGED and now.says(Kind.HANDBACK, URGENT) else ()


def _regressed(row: Sequence[Seen]) -> tuple[Seen, ...]:
    """Nothing but ``below`` for a week under the policy in force: neither ``holds`` nor ``cannot_tell``."""
    now = row[-1]
    week = tuple(each for each in _last_days(row) if each.policy == now.policy)
    if now.state != OPS_MANAGED or now.at - week[0].at < LEAST_APART:
        return ()
    return week if all(each.says(Kind.HANDBACK, BELOW) for each in week) else ()


_RULES: Mapping[Rule, Callable[[Sequence[Seen]], tuple[Seen, ...]]] = {
    Rule.READY: _ready,
    Rule.URGENT: _urgent,
    Rule.REGRESSED: _regressed,
}
"""In this order: what is urgent is called so, whatever its history."""


def _last_days(row: Sequence[Seen]) -> list[Seen]:
    return [each for each in row if each.at > row[-1].at - LOOK_BACK]


# Deciding -------------------------------------------------------------------------------------------


def decide(
    row: Sequence[Seen],
    *,
    proposal: Proposal | None = None,
    rejections: Iterable[Rejection] = (),
    rest: timedelta = REST,
) -> tuple[Step, ...]:
    """What the last judgement of a row brings: a lapse, a proposal, both in this order, or nothing.

    The row is in order of time, one judgement a moment, and reaches back :data:`LOOK_BACK`. ``proposal`` is
    the open one, ``rejections`` are those that have happened. Nothing is proposed while one is open.
    """
    lapsed: tuple[Step, ...] = ()
    if proposal is not None:
        if _supports(row, proposal):
            return ()
        lapsed = (Lapse(proposal, row[-1]),)
    made = _made(row)
    if made is None or _rests(made, rejections, rest):
        return lapsed
    return (*lapsed, made)


def _made(row: Sequence[Seen]) -> Proposal | None:
    for rule, justifying in _RULES.items():
        if because := justifying(row):
            return Proposal(
                rule=rule,
                at=row[-1].at,
                scorecards=tuple(each.scorecard for each in because),
                grounds=frozenset().union(*(each.grounds for each in because)),
            )
    return None


def _supports(row: Sequence[Seen], proposal: Proposal) -> bool:
    """Whether some rule would propose the same now; once regressed, a service stays so while it is below."""
    made, now = _made(row), row[-1]
    if made is not None and made.kind is proposal.kind:
        return True
    still = now.state == OPS_MANAGED and now.says(Kind.HANDBACK, BELOW)
    return proposal.rule is Rule.REGRESSED and still


def _rests(made: Proposal, rejections: Iterable[Rejection], rest: timedelta) -> bool:
    """Whether the same was rejected lately, on grounds that have not grown; those of a handoff cannot."""
    lately = [each for each in rejections if each.kind is made.kind and made.at - each.at < rest]
    if not lately or made.kind is Kind.HANDOFF:
        return bool(lately)
    more_urgent = made.rule is Rule.URGENT and not any(each.urgent for each in lately)
    known = frozenset[str]().union(*(each.grounds for each in lately))
    return not more_urgent and made.grounds <= known


# Catching up ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """What judgements that were not looked at yet bring, all taken together."""

    lapse: Lapse | None = None
    """Of the proposal that was open before."""
    proposal: Proposal | None = None
    """Still supported by the last of them."""


def catch_up(
    known: Sequence[Seen],
    new: Sequence[Seen],
    *,
    proposal: Proposal | None = None,
    rejections: Sequence[Rejection] = (),
    rest: timedelta = REST,
) -> Change:
    """What the ``new`` judgements of a service bring, each looked at in turn after those ``known`` already.

    Both are in order of time; a new one takes the place of a known one of its moment. What came and went
    among the new ones is nobody's proposal. ``rejections`` are all there are: people may have rejected what
    they know meanwhile, after the moments that are caught up with.
    """
    row, open_, lapse = list(known), proposal, None
    for now in new:
        row = _last_days([*(each for each in row if each.at < now.at), now])
        for step in decide(row, proposal=open_, rejections=rejections, rest=rest):
            if isinstance(step, Lapse) and step.proposal is proposal:
                lapse = step
            open_ = step if isinstance(step, Proposal) else None
    return Change(lapse, None if open_ is proposal else open_)


# Walking --------------------------------------------------------------------------------------------


def advance(
    course: Course, now: Seen, *, rejections: Iterable[Rejection] = (), rest: timedelta = REST
) -> tuple[Course, tuple[Step, ...]]:
    """One judgement further: where the service stands then, and what that brought.

    A judgement older than the last one changes nothing; another of the same moment takes its place. A
    rejection counts from its own moment on, for the judgements after it.
    """
    if course.recent and now.at < course.recent[-1].at:
        return course, ()
    row = _last_days([*(each for each in course.recent if each.at < now.at), now])
    happened = [each for each in rejections if each.at < now.at]
    open_ = _unless_rejected(course.open, happened)
    steps = decide(row, proposal=open_, rejections=happened, rest=rest)
    for step in steps:
        open_ = step if isinstance(step, Proposal) else None
    return Course(tuple(row), open_), steps


def _unless_rejected(proposal: Proposal | None, rejections: Iterable[Rejection]) -> Proposal | None:
    if proposal is None:
        return None
    kind, at = proposal.kind, proposal.at
    return None if any(each.kind is kind and each.at >= at for each in rejections) else proposal


def walk(
    row: Iterable[Seen], *, rejections: Sequence[Rejection] = (), rest: timedelta = REST
) -> tuple[Step, ...]:
    """Every proposal and lapse of a row of judgements of one service, in order of time, from nothing on."""
    course, steps = Course(), list[Step]()
    for each in sorted(row, key=lambda each: each.at):
        course, new = advance(course, each, rejections=rejections, rest=rest)
        steps += new
    return tuple(steps)

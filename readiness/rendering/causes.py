"""Why two scorecards of a service differ, in plain words: what came in, what people did, what time did."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Literal, NamedTuple

from readiness.criteria.wording import counted, number
from readiness.facts import RowRef
from readiness.rendering.sentences import listed, plural
from readiness.rendering.values import plain

Code = Literal["policy", "excluded", "taken_back", "received", "happened", "left", "time", "unexplained"]

_LAST = ("signal", "feed")
"""Spans grow with every heartbeat: they are told after what came in once."""


class Received(NamedTuple):
    """A row that came in between the two judgements, or changed then."""

    ref: RowRef
    new: bool


class Excluded(NamedTuple):
    """What a person did to a row between the two judgements."""

    ref: RowRef
    excluded: bool
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """What lies between two judgements of a service, the earlier moment first."""

    moments: tuple[datetime, datetime]
    policies: tuple[str, str]
    window_days: float
    received: Sequence[Received] = ()
    at_most: int | None = None
    """So many rows of a kind were read, the newest; there may be more."""
    excluded: Sequence[Excluded] = ()
    left: Mapping[str, int] | None = None
    """By kind: rows whose time passed out of the window."""
    happened: Mapping[str, int] | None = None
    """By kind: rows that were known and lay ahead of the first moment."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason. ``rows`` names those it is about, as far as they are few."""

    code: Code
    text: str
    kind: str | None = None
    count: int = 0
    rows: tuple[RowRef, ...] = ()


def causes(found: Found, *, changed: bool) -> list[Cause]:
    """What may explain that two scorecards differ, what people decided first, the passing of time last.

    A cause is what happened in between; which number it moved, only judging without it would tell.
    """
    named = [*_policy(found), *_exclusions(found), *_received(found), *_passed(found)]
    if found.moments[0] != found.moments[1]:
        return [*named, _time(found, explained=bool(named) or not changed)]
    if changed and not named:
        said = (
            "No row explains it: both are of the same moment, so what changed is the catalogue, the hours or "
            "what was decided."
        )
        return [Cause("unexplained", said)]
    return named


def _policy(found: Found) -> Iterator[Cause]:
    before, after = found.policies
    if before != after:
        yield Cause("policy", f"The policy changed from {before} to {after}.")


def _exclusions(found: Found) -> Iterator[Cause]:
    ordered = sorted(found.excluded, key=lambda each: (not each.excluded, each.ref.kind))
    for (excluded, kind), group in groupby(ordered, key=lambda each: (each.excluded, each.ref.kind)):
        rows = list(group)
        verb = "excluded from judgement" if excluded else "taken back into judgement"
        why = listed(dict.fromkeys(f"{each.ref.name} by {each.actor} (“{each.reason}”)" for each in rows))
        said = f"{_rows(len(rows), kind)} {_were(len(rows))} {verb}: {why}."
        yield Cause(
            "excluded" if excluded else "taken_back", said, kind, len(rows), tuple(each.ref for each in rows)
        )


def _received(found: Found) -> Iterator[Cause]:
    ordered = sorted(found.received, key=lambda each: (each.ref.kind in _LAST, each.ref.kind))
    for kind, group in groupby(ordered, key=lambda each: each.ref.kind):
        rows = list(group)
        new = sum(each.new for each in rows)
        over = found.at_most is not None and len(rows) >= found.at_most
        clauses = [f"{_rows(new, kind)} came in" if new else "", _altered(kind, len(rows) - new, new)]
        names = listed(each.ref.name for each in rows) if kind != "feed" else listed(_sources(rows))
        said = f"{' and '.join(filter(None, clauses))} between the two judgements: {names}."
        said = f"{said} There may be more." if over else said
        yield Cause("received", said, kind, len(rows), tuple(each.ref for each in rows))


def _altered(kind: str, number_of: int, new: int) -> str:
    if not number_of:
        return ""
    verb = "grew or changed" if kind in _LAST else "changed"
    return f"{number_of} {verb}" if new else f"{_rows(number_of, kind)} {verb}"


def _sources(rows: Iterable[Received]) -> list[str]:
    """A feed's row has its kind where others have an id."""
    return list(dict.fromkeys(f"{plain(each.ref.id)} from {each.ref.source}" for each in rows))


def _passed(found: Found) -> Iterator[Cause]:
    for kind, count in (found.happened or {}).items():
        if count:
            said = f"{_rows(count, kind)} known before {_were(count)} still ahead of the earlier moment."
            yield Cause("happened", said, kind, count)
    for kind, count in (found.left or {}).items():
        if count:
            window = f"the window of {number(found.window_days)} days"
            yield Cause("left", f"{_rows(count, kind)} passed out of {window}.", kind, count)


def _time(found: Found, *, explained: bool) -> Cause:
    first, last = found.moments
    began = (
        f"{_span(last - first)} passed between the two moments: ages, observed time and days proven go on."
    )
    return Cause("time", began if explained else f"No row explains it. {began}")


def _rows(count: int, kind: str) -> str:
    if kind == "feed":
        return counted(count, "span of a feed", "spans of feeds")
    return counted(count, plain(kind), plural(kind))


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _span(length: timedelta) -> str:
    hours = abs(length).total_seconds() / 3600
    return counted(round(hours / 24, 1), "day") if hours >= 24 else counted(round(hours, 1), "hour")

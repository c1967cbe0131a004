"""Keeps the rows of alerts equal to what holds: raised, reworded and ended by guarded statements."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import F, Value
from django.db.models.functions import Greatest

from readiness.models import Alert

CHUNK = 1_000

Key = tuple[int | None, str]
"""Which service (none: the whole fleet), and what of it."""
Open = Mapping[str, Mapping[Key, Alert]]


class Words(NamedTuple):
    """What an alert says, and what it was raised from."""

    text: str
    numbers: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Holding:
    """Everything of one kind that holds at a moment."""

    kind: str
    teams: Mapping[Key, int | None] = field(default_factory=dict)
    """Who should act on each; nobody named: the SRE leads."""
    describe: Callable[[Collection[Key]], Mapping[Key, Words]] = lambda keys: {}
    """Asked for those that have to be put into words, and for no others."""
    reworded: bool = False
    """What it says changes while it holds."""


@dataclass(frozen=True, slots=True)
class Changed:
    """How many alerts were raised and ended."""

    raised: int = 0
    ended: int = 0

    def __add__(self, other: "Changed") -> "Changed":
        return Changed(self.raised + other.raised, self.ended + other.ended)


def open_alerts(**conditions: Any) -> Open:
    """Open alerts by kind and key, in one query."""
    found: dict[str, dict[Key, Alert]] = defaultdict(dict)
    for alert in Alert.objects.open().filter(**conditions).order_by():
        found[alert.kind][alert.service_id, alert.subject] = alert
    return found


def keep(holding: Holding, known: Open, now: datetime) -> Changed:
    """Make the open alerts of a kind those that hold."""
    mine = known.get(holding.kind, {})
    ended = _end([alert.pk for key, alert in mine.items() if key not in holding.teams], now)
    new = holding.teams.keys() - mine.keys()
    kept = holding.teams.keys() & mine.keys()
    words = holding.describe(holding.teams.keys() if holding.reworded else new) if new or kept else {}
    _renew(holding, {key: mine[key] for key in kept}, words)
    return Changed(_raise(holding, new, words, now=now), ended)


def _raise(holding: Holding, new: Collection[Key], words: Mapping[Key, Words], *, now: datetime) -> int:
    rows = [
        Alert(
            kind=holding.kind,
            service_id=key[0],
            subject=key[1],
            team_id=holding.teams[key],
            text=words[key].text,
            numbers=words[key].numbers,
            began_at=now,
        )
        for key in sorted(new, key=str)  # in one order, so that two writers do not wait for each other
        if key in words  # what ended between two queries
    ]
    # Somebody else may have raised the same meanwhile: the database lets one be open.
    Alert.objects.bulk_create(rows, batch_size=CHUNK, ignore_conflicts=True)
    return len(rows)


def _end(keys: list[int], now: datetime) -> int:
    ended = 0
    for start in range(0, len(keys), CHUNK):
        rows = Alert.objects.open().filter(pk__in=keys[start : start + CHUNK])
        # a clock that was set back must not make an alert end before it began
        ended += rows.update(ended_at=Greatest(F("began_at"), Value(now)))
    return ended


def _renew(holding: Holding, kept: Mapping[Key, Alert], words: Mapping[Key, Words]) -> None:
    """Follow who should act, and what it says where that changes."""
    changed = []
    for key, alert in kept.items():
        said = words.get(key, Words(alert.text, alert.numbers))
        if (alert.team_id, alert.text, alert.numbers) != (holding.teams[key], *said):
            alert.team_id, (alert.text, alert.numbers) = holding.teams[key], said
            changed.append(alert)
    if changed:
        Alert.objects.bulk_update(changed, ["team", "text", "numbers"], batch_size=CHUNK)

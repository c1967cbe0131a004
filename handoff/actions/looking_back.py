"""Looks back at handoffs: 30 and 90 days after the move, beside the scorecard that it rests on."""

import datetime as dt
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import (
    Count,
    DateTimeField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)

from handoff.models import Case, LookBack
from handoff.shadowing import LOOKS_BACK
from readiness import evaluation
from readiness.measures.scope import COUNTS
from readiness.models import Incident, ManagementChange, Scorecard
from readiness.models.scorecard import Kind

logger = logging.getLogger(__name__)

AT_ONCE: Final = 500
"""So many handoffs are looked back at by one sweep; the next takes the rest."""
NEAR: Final = dt.timedelta(days=7)
"""A live scorecard of a day judges one of so many days; without one the day itself is judged as known now."""
ASKED_BY: Final = "look back"
SEVERE: Final = 2
"""The severity of an incident, up to which it is severe: 1 is the worst."""
Compared = dict[str, dict[str, float | None]]
"""For each measure what it was at the move, and what it is."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Incidents of a service that began in so many days before the move, and after it."""

    before: int = 0
    after: int = 0
    severe_before: int = 0
    severe_after: int = 0


def look_back(now: dt.datetime) -> int:
    """Write what is due of looks back; how many.

    One is due once its day is judged, unless the service moved again before that; it keeps the first live
    scorecard since. Where there was none within a week (the handoff was recorded later), the day is replayed.
    Done twice, or by two at once, each is written once. Four queries for each of the days, whatever the
    number of handoffs, and a judgement for each that is replayed.
    """
    return sum(_look_back(days, now) for days in LOOKS_BACK)


def compared(at_move: Mapping[str, Any], later: Mapping[str, Any], counts: Counts, *, days: int) -> Compared:
    """For each measure what it was at the move, and what it is; ``None`` where there is not enough evidence.

    From the numbers of two scorecards: ``score`` (0 to 100), ``after_hours`` (events per 7 days) and
    ``change_fail_rate`` (0 to 1), each over the scorecard's own window. ``incidents`` and
    ``severe_incidents`` (of severity 1 or 2) are numbers of those that began within ``days`` before the move
    and after it; they are known where the feed of incidents was heard for so long. Pure.
    """
    heard_before, heard_after = (_hears_incidents(numbers, days) for numbers in (at_move, later))
    return {
        "incidents": _pair(counts.before if heard_before else None, counts.after if heard_after else None),
        "severe_incidents": _pair(
            counts.severe_before if heard_before else None, counts.severe_after if heard_after else None
        ),
        **{
            measure: _pair(_part(at_move, criterion, part), _part(later, criterion, part))
            for measure, (criterion, part) in _PARTS.items()
        },
        "score": _pair(at_move.get("score"), later.get("score")),
    }


_PARTS: Final[Mapping[str, tuple[str, str]]] = {
    "after_hours": ("after_hours", "after_hours_per_week"),
    "change_fail_rate": ("change_safety", "change_fail_rate"),
}
"""The criterion and its part that a measure is read from."""


def _look_back(days: int, now: dt.datetime) -> int:
    cases = list(_due(days, now).select_related("service", "moved_card").order_by("pk")[:AT_ONCE])
    live = Scorecard.objects.in_bulk([case.judged for case in cases if case.judged is not None])
    counts = _incidents(cases, days)
    rows = list(_rows(cases, live, counts, days=days, now=now))
    LookBack.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _due(days: int, now: dt.datetime) -> "QuerySet[Any]":
    """Handoffs to look back at, each with the day, and the key of a live scorecard of it as ``judged``."""
    day = ExpressionWrapper(F("confirmed_at") + dt.timedelta(days=days), output_field=DateTimeField())
    moved_again = ManagementChange.objects.filter(
        service=OuterRef("service"),
        effective_at__gt=OuterRef("confirmed_at"),
        effective_at__lt=OuterRef("day"),
    )
    since = Scorecard.objects.filter(
        service=OuterRef("service"), kind=Kind.LIVE, at__gte=OuterRef("day"), at__lte=OuterRef("day") + NEAR
    )
    ago = now - dt.timedelta(days=days)
    return (
        Case.objects.filter(kind=Case.Kind.HANDOFF, confirmed_at__lte=ago)
        .annotate(day=day)
        .filter(
            ~Exists(LookBack.objects.filter(case=OuterRef("pk"), days=days)),
            ~Exists(moved_again),
        )
        .annotate(judged=Subquery(since.order_by("at", "-revision", "-pk").values("pk")[:1]))
        .filter(Q(judged__isnull=False) | Q(confirmed_at__lte=ago - NEAR))
    )


def _replayed(case: Any) -> Scorecard | None:
    """The day as it is judged by what is known now."""
    asked = evaluation.request(case.day, [case.service_id], ASKED_BY, kind=Kind.REPLAY)
    run = evaluation.run(asked)
    cards = Scorecard.objects.filter(
        service=case.service_id, policy=run.policy_id, at=run.at, kind=Kind.REPLAY
    )
    return cards.order_by("-revision").first()


def _incidents(cases: Iterable[Case], days: int) -> dict[int, Counts]:
    """Incidents around the move of each case, by its key. One query."""
    span = dt.timedelta(days=days)
    rows = (
        Incident.objects.filter(COUNTS)
        .annotate(case=F("service__cases"), moved_at=F("service__cases__confirmed_at"))
        .filter(case__in=[case.pk for case in cases])
        .filter(started_at__gte=F("moved_at") - span, started_at__lt=F("moved_at") + span)
    )
    before, severe = Q(started_at__lt=F("moved_at")), Q(severity__lte=SEVERE)
    counts = (Count("pk", filter=each) for each in (before, ~before, before & severe, ~before & severe))
    names = ("before", "after", "severe_before", "severe_after")
    found = rows.order_by().values_list("case").annotate(**dict(zip(names, counts, strict=True)))
    return {pk: Counts(*numbers) for pk, *numbers in found}


def _rows(
    cases: Iterable[Any],
    live: Mapping[int, Scorecard],
    counts: Mapping[int, Counts],
    *,
    days: int,
    now: dt.datetime,
) -> Iterable[LookBack]:
    for case in cases:
        try:
            card = live[case.judged] if case.judged is not None else _replayed(case)
            if card is None:
                continue
            numbers = compared(
                case.moved_card.numbers, card.numbers, counts.get(case.pk, Counts()), days=days
            )
        except Exception:  # a case that breaks does not stop the others
            logger.exception("the %s of %s could not be looked back at", case.about, case.service.slug)
        else:
            yield LookBack(case=case, days=days, scorecard=card, numbers=numbers, at=now)


def _hears_incidents(numbers: Mapping[str, Any], days: int) -> bool:
    """Whether the feed of incidents is heard, and was for so many days of the window."""
    feed = numbers.get("feeds", {}).get("incident")
    return feed is not None and feed["status"] == "observed" and float(feed["observed_days"]) >= days


def _part(numbers: Mapping[str, Any], criterion: str, part: str) -> float | None:
    """The value of a part; a criterion without enough evidence has none."""
    outcome = numbers.get("criteria", {}).get(criterion)
    value, _ = outcome["parts"].get(part, (None, None)) if outcome else (None, None)
    return None if value is None else float(value)


def _pair(at_move: float | None, later: float | None) -> dict[str, float | None]:
    return {"at_move": at_move, "now": later}

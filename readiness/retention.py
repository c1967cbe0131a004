"""Deletes what nobody needs any more: scorecards, runs, alerts, log-ins; by rules, in batches, safely."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import pairwise
from operator import and_
from typing import Any, NamedTuple

from axes.models import AccessLog
from django.contrib.sessions.models import Session
from django.db import IntegrityError
from django.db.models import Case, Exists, F, Max, Model, OuterRef, Q, QuerySet, RestrictedError, When, Window
from django.db.models.deletion import ProtectedError
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.db.models.functions import RowNumber, TruncDay, TruncWeek

from readiness import clock
from readiness.evaluation.runs import FLEET
from readiness.models import Alert, Evaluation, EvaluationBatch, Scorecard, Service
from readiness.models.scorecard import Kind

DAILY = timedelta(days=90)
"""So long a day keeps a scorecard of its own; before that, a week does."""
REVISIONS = RUNS = DAILY
"""So long replays and what they replaced are left alone, and evaluations that wrote nothing."""
ALERTS = LOG_INS = timedelta(days=400)
SERVICES_AT_ONCE = 500
ROWS_AT_ONCE = 1_000

Rows = QuerySet[Any]
Advanced = Callable[[int], None]


class Moments(NamedTuple):
    """Where the lines are drawn."""

    now: datetime
    """The clock's: what is judged goes by it."""
    real: datetime
    """When things were written goes by the real time."""

    @property
    def today(self) -> datetime:
        """The day that is not over yet (UTC): nothing of it is deleted."""
        return self.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    @property
    def weekly(self) -> datetime:
        """Before this Monday, weeks are kept instead of days."""
        line = self.today - DAILY
        return line - timedelta(days=line.weekday())


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to delete rows of one table."""

    name: str
    model: type[Model]
    why: str
    victims: Callable[[Moments], Iterator[Rows]]
    """The rows to go, as queries that each look at a bounded part of the table."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a rule deleted, or would delete."""

    rule: Rule
    rows: int
    held: int = 0
    """Rows that something came to rest on meanwhile; they stay."""

    def document(self) -> dict[str, Any]:
        """As JSON types."""
        table = self.rule.model._meta.db_table  # noqa: SLF001 - Django documents it
        return {
            "rule": self.rule.name,
            "table": table,
            "rows": self.rows,
            "held": self.held,
            "why": self.rule.why,
        }


def plan() -> list[Share]:
    """What :func:`purge` would delete now, by rule; nothing is changed."""
    moments = _moments()
    return [Share(rule, sum(rows.count() for rows in rule.victims(moments))) for rule in RULES]


def purge(advanced: Advanced = lambda rows: None) -> list[Share]:
    """Delete, rule by rule, in transactions of bounded size; ``advanced`` hears of the rows behind us.

    It may be stopped at any moment, and started again: what was deleted is gone, the rest is found anew.
    """
    moments = _moments()
    return [_apply(rule, moments, advanced) for rule in RULES]


def _moments() -> Moments:
    return Moments(clock.now(), clock.real_now())


def _apply(rule: Rule, moments: Moments, advanced: Advanced) -> Share:
    deleted = held = 0
    for rows in rule.victims(moments):
        keys = list(rows.order_by().values_list("pk", flat=True))
        for start in range(0, len(keys), ROWS_AT_ONCE):
            batch = keys[start : start + ROWS_AT_ONCE]
            gone = _delete(rule.model, batch)
            deleted, held = deleted + gone, held + len(batch) - gone
            advanced(len(batch))
    return Share(rule, deleted, held)


def _delete(model: type[Model], keys: list[Any]) -> int:
    """Delete these rows; how many went. Where one is held the others go, found by halves."""
    rows = model._default_manager.filter(_free(model), pk__in=keys)  # noqa: SLF001 - Django documents it
    try:
        # the key alone: what is deleted need not be read
        _, by_table = rows.only("pk").delete()
    except (ProtectedError, RestrictedError, IntegrityError):  # the last is the database's, at the commit
        if len(keys) == 1:
            return 0
        middle = len(keys) // 2
        return _delete(model, keys[:middle]) + _delete(model, keys[middle:])
    return by_table.get(model._meta.label, 0)  # noqa: SLF001 - Django documents it


def _free(model: type[Model]) -> Q:
    """Rows that no row of another table rests on, whatever that table is: the current score is one."""
    related = [
        each.field
        for each in model._meta.get_fields(include_hidden=True)  # noqa: SLF001 - Django documents it
        if isinstance(each, ForeignObjectRel) and not each.many_to_many
    ]
    resting = [
        ~Exists(each.model._default_manager.filter(**{each.name: OuterRef("pk")}))  # noqa: SLF001 - as above
        for each in related
        if each.model not in GO_ALONG
    ]
    return reduce(and_, map(Q, resting), Q())


GO_ALONG = (EvaluationBatch,)
"""What is a part of the row that goes, and goes by a rule of its own before it."""


# Which rows go ---------------------------------------------------------------------------------------


def _some_services() -> Iterator[dict[str, Any]]:
    """Conditions that take some services at a time, so that no window has to sort every scorecard."""
    keys = list(Service.objects.order_by("pk").values_list("pk", flat=True)[::SERVICES_AT_ONCE])
    for first, after in pairwise([*keys, None]):
        yield {"service_id__gte": first, **({"service_id__lt": after} if after is not None else {})}


def _bucket(moments: Moments) -> Case:
    """The day that a scorecard is kept for, or the week where that is long ago (UTC, from Monday on)."""
    return Case(
        When(at__gte=moments.weekly, then=TruncDay("at", tzinfo=UTC)), default=TruncWeek("at", tzinfo=UTC)
    )


def _live_scorecards(moments: Moments) -> Iterator[Rows]:
    """All but the last of each day, or week."""
    place = Window(
        RowNumber(),
        partition_by=[F("service_id"), _bucket(moments)],
        order_by=[F("at").desc(), F("revision").desc(), F("pk").desc()],
    )
    for some in _some_services():
        cards = Scorecard.objects.filter(kind=Kind.LIVE, at__lt=moments.today, **some).order_by()
        yield _outside(cards.alias(place=place).filter(place__gt=1), some)


def _replays(moments: Moments, some: dict[str, Any]) -> Rows:
    """With the last moment of each bucket, and the newest revision of each moment."""
    same = [F("service_id"), F("policy_id")]
    cards = Scorecard.objects.filter(kind=Kind.REPLAY, at__lt=moments.today, **some).order_by()
    return cards.alias(
        last=Window(Max("at"), partition_by=[*same, _bucket(moments)]),
        newest=Window(Max("revision"), partition_by=[*same, F("at")]),
    )


def _replayed_moments(moments: Moments) -> Iterator[Rows]:
    for some in _some_services():
        rows = _outside(_replays(moments, some).filter(at__lt=F("last")), some)
        yield rows.filter(created_at__lt=moments.real - REVISIONS)


def _replayed_revisions(moments: Moments) -> Iterator[Rows]:
    for some in _some_services():
        rows = _outside(_replays(moments, some).filter(at=F("last"), revision__lt=F("newest")), some)
        yield rows.filter(created_at__lt=moments.real - REVISIONS)


def _outside(chosen: Rows, some: dict[str, Any]) -> Rows:
    """The chosen rows that nothing rests on. A condition beside a window would narrow what it looks at."""
    return Scorecard.objects.filter(_free(Scorecard), pk__in=chosen.values("pk"), **some)


def _empty_runs(moments: Moments) -> "QuerySet[Evaluation]":
    """Ended long ago, and without a scorecard; the last one of the fleet stays, since alerts look at it."""
    fleet = Evaluation.objects.filter(kind=Kind.LIVE, scope=FLEET).exclude(state=Evaluation.State.RUNNING)
    last = fleet.order_by("-at", "-pk").values_list("pk", flat=True).first()
    ended = Evaluation.objects.exclude(state=Evaluation.State.RUNNING)
    return ended.filter(_free(Evaluation), started_at__lt=moments.real - RUNS).exclude(pk=last or 0)


def _batches_of_runs(moments: Moments) -> Iterator[Rows]:
    yield EvaluationBatch.objects.filter(evaluation__in=_empty_runs(moments))


def _runs(moments: Moments) -> Iterator[Rows]:
    yield _empty_runs(moments)


def _alerts(moments: Moments) -> Iterator[Rows]:
    yield Alert.objects.filter(ended_at__lt=moments.now - ALERTS)


def _sessions(moments: Moments) -> Iterator[Rows]:
    yield Session.objects.filter(expire_date__lt=moments.real)


def _log_ins(moments: Moments) -> Iterator[Rows]:
    yield AccessLog.objects.filter(attempt_time__lt=moments.real - LOG_INS)


RULES = (
    # Runs first: one that loses its last scorecard today goes tomorrow, so that a plan is what is done.
    Rule(
        "batches of runs",
        EvaluationBatch,
        "They belong to evaluations that go.",
        _batches_of_runs,
    ),
    Rule("runs", Evaluation, f"Ended more than {RUNS.days} days ago, and no scorecard is left of it.", _runs),
    Rule(
        "live scorecards",
        Scorecard,
        f"Of each day the last one is kept for {DAILY.days} days, of each week after that.",
        _live_scorecards,
    ),
    Rule(
        "replayed moments",
        Scorecard,
        f"Written more than {DAILY.days} days ago, and not of the last moment of its day, or week.",
        _replayed_moments,
    ),
    Rule(
        "replayed revisions",
        Scorecard,
        f"Written more than {REVISIONS.days} days ago, and replaced by a newer revision.",
        _replayed_revisions,
    ),
    Rule("alerts", Alert, f"Ended more than {ALERTS.days} days ago.", _alerts),
    Rule("sessions", Session, "Over: whoever had one logs in again.", _sessions),
    Rule("log-ins", AccessLog, f"More than {LOG_INS.days} days ago.", _log_ins),
)
"""In the order in which they are applied."""

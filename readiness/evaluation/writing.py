"""Writes judgements: immutable scorecards in bulk, and the current score of each service."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from readiness import clock
from readiness.facts import FeedStatus
from readiness.models import CurrentScore, Evaluation, Scorecard
from readiness.models.scorecard import Kind
from readiness.policy import Policy
from readiness.scoring import Judgement, digest

_COLUMNS = (
    "service_id",
    "evaluation_id",
    "policy_id",
    "at",
    "kind",
    "revision",
    "digest",
    "created_at",
    "clock_offset",
    "score",
    "possible",
    "evidence",
    "level",
    "management_state",
    "handoff",
    "launch",
    "deploy",
    "handback",
    "numbers",
)
_CURRENT = (
    "service_id",
    "scorecard_id",
    "at",
    "score",
    "possible",
    "evidence",
    "level",
    "management_state",
    "verdict",
    "verdict_of",
    "deploy",
    "blockers",
    "below",
    "silent",
    "trend",
)
_CURRENT_ROWS = 500
_RENEWED = ", ".join(f"{name} = excluded.{name}" for name in _CURRENT[1:])
_UPSERT = (  # of the names above, and of placeholders
    f"INSERT INTO readiness_currentscore ({', '.join(_CURRENT)}) VALUES {{rows}}"  # noqa: S608 - see above
    f" ON CONFLICT (service_id) DO UPDATE SET {_RENEWED}"
    " WHERE readiness_currentscore.at <= excluded.at"
)
_TREND_DAYS = 28
_TREND_SLACK_DAYS = 21


@dataclass(frozen=True, slots=True)
class Written:
    """How many scorecards a batch wrote, and how many would have said what is already there."""

    written: int
    unchanged: int


def write(evaluation: Evaluation, policy: Policy, judgements: Mapping[int, Judgement]) -> Written:
    """Write a scorecard for each judgement that says something new; call it inside a transaction.

    A judgement whose digest is that of the newest revision of its moment is not written again. Raises
    ``IntegrityError`` when somebody else wrote the same revision meanwhile: judge again, and it is unchanged.
    """
    newest = _newest_revisions(evaluation, list(judgements))
    cards: list[Scorecard] = []
    documents: dict[int, dict[str, Any]] = {}
    now = clock.real_now()
    for pk, judgement in judgements.items():
        documents[pk] = document = judgement.document()
        stamp = digest(document, evaluation.policy.digest)
        revision, known = newest.get(pk, (0, ""))
        if stamp != known:
            cards.append(_card(evaluation, pk, document, revision=revision + 1, stamp=stamp, now=now))
    _insert(cards)
    if evaluation.kind == Kind.LIVE and evaluation.policy.in_force:
        _keep_current(evaluation, policy, documents)
    return Written(len(cards), len(judgements) - len(cards))


def _newest_revisions(evaluation: Evaluation, ids: Sequence[int]) -> dict[int, tuple[int, str]]:
    rows = Scorecard.objects.filter(
        service_id__in=ids, policy_id=evaluation.policy_id, at=evaluation.at, kind=evaluation.kind
    ).order_by("revision")
    return {
        pk: (revision, stamp) for pk, revision, stamp in rows.values_list("service_id", "revision", "digest")
    }


def _card(
    evaluation: Evaluation, pk: int, document: dict[str, Any], *, revision: int, stamp: str, now: datetime
) -> Scorecard:
    verdicts = {name: each and each["verdict"] for name, each in document["verdicts"].items()}
    return Scorecard(
        service_id=pk,
        evaluation_id=evaluation.pk,
        policy_id=evaluation.policy_id,
        at=evaluation.at,
        kind=evaluation.kind,
        revision=revision,
        digest=stamp,
        created_at=now,
        clock_offset=evaluation.clock_offset,
        score=document["score"],
        possible=document["possible"],
        evidence=document["evidence"],
        level=document["level"],
        management_state=document["standing"]["state"],
        numbers=document,
        **verdicts,
    )


def _insert(cards: Sequence[Scorecard]) -> None:
    """COPY on PostgreSQL: the ORM's insert of as many rows takes several times as long."""
    if connection.vendor != "postgresql":
        Scorecard.objects.bulk_create(cards, batch_size=500)
        return
    columns = ", ".join(_COLUMNS)
    with (
        connection.wrap_database_errors,  # Django wraps execute() alone, and who writes catches its errors
        connection.cursor() as cursor,
        cursor.copy(f"COPY readiness_scorecard ({columns}) FROM STDIN") as copy,
    ):
        for card in cards:
            *values, numbers = (getattr(card, name) for name in _COLUMNS)
            copy.write_row((*values, json.dumps(numbers, separators=(",", ":"))))


def _keep_current(evaluation: Evaluation, policy: Policy, documents: Mapping[int, dict[str, Any]]) -> None:
    """Point each service to its newest live judgement; an older moment never replaces a newer one."""
    newest = (
        Scorecard.objects.filter(
            service_id__in=list(documents), policy_id=evaluation.policy_id, at=evaluation.at, kind=Kind.LIVE
        )
        .order_by("service_id", "revision")
        .values_list("service_id", "pk")
    )
    earlier = _earlier_scores(evaluation.at, list(documents))
    rows = [
        _current(policy, documents[pk], pk=pk, card=card, at=evaluation.at, earlier=earlier.get(pk))
        for pk, card in dict(newest).items()
    ]
    for start in range(0, len(rows), _CURRENT_ROWS):
        _upsert_current(rows[start : start + _CURRENT_ROWS])


def _upsert_current(rows: Sequence[CurrentScore]) -> None:
    """The database compares the moments, since a newer row may be written while an older one is on its way.

    In order of the key: two writers wait for each other, and never both.
    """
    one = ", ".join(["%s"] * len(_CURRENT))
    adapt = connection.ops.adapt_datetimefield_value
    values = [
        adapt(value) if isinstance(value, datetime) else value
        for row in rows
        for value in (getattr(row, name) for name in _CURRENT)
    ]
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT.format(rows=", ".join([f"({one})"] * len(rows))), values)


def _earlier_scores(at: datetime, ids: Sequence[int]) -> dict[int, float]:
    """Each service's score about four weeks before: the newest judgement at least that old."""
    latest = at - timedelta(days=_TREND_DAYS)
    rows = Scorecard.objects.filter(
        service_id__in=ids, at__lte=latest, at__gt=latest - timedelta(days=_TREND_SLACK_DAYS)
    ).order_by("at", "-kind", "revision")  # of one moment the live judgement, whose word sorts first
    return dict(rows.values_list("service_id", "score"))


def _current(
    policy: Policy, document: dict[str, Any], *, pk: int, card: int, at: datetime, earlier: float | None
) -> CurrentScore:
    verdicts = document["verdicts"]
    of = next((name for name in ("launch", "handoff", "handback") if verdicts[name]), None)
    return CurrentScore(
        service_id=pk,
        scorecard_id=card,
        at=at,
        score=document["score"],
        possible=document["possible"],
        evidence=document["evidence"],
        level=document["level"],
        management_state=document["standing"]["state"],
        verdict=verdicts[of]["verdict"] if of else None,
        verdict_of=of,
        deploy=verdicts["deploy"] and verdicts["deploy"]["verdict"],
        blockers=sum(not waived for _, _, waived, *_ in document["blockers"]),
        below=_words(_below(policy, document)),
        silent=_words(
            kind for kind, feed in document["feeds"].items() if feed["status"] == FeedStatus.SILENT
        ),
        trend=None if earlier is None else round(document["score"] - earlier, 2),
    )


def _below(policy: Policy, document: dict[str, Any]) -> Iterable[str]:
    rules = policy.rubric(document["tier"]).criteria
    for slug, numbers in document["criteria"].items():
        if numbers["score"] is not None and numbers["score"] < rules[slug].threshold:
            yield slug


def _words(names: Iterable[str]) -> str:
    """Names between blanks, so that a filter finds one whole with ``contains``."""
    text = " ".join(sorted(names))
    return f" {text} " if text else ""

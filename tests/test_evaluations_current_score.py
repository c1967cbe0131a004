"""The current score of a service follows its newest live judgement, with what lists filter by in columns."""

import datetime as dt
from typing import Any

import pytest

from readiness import evaluation
from readiness.evaluation import writing
from readiness.models import CurrentScore, Evaluation, Scorecard, Service
from readiness.models.scorecard import Kind
from tests.factories import NOW, DefectFactory, FeedFactory, ScorecardFactory, ServiceFactory, ago

pytestmark = pytest.mark.django_db


@pytest.fixture
def service() -> Service:
    """A service whose defects are heard, and whose signals are not any more."""
    service: Service = ServiceFactory.create(slug="shop", developer_managed=True)
    FeedFactory.create(service=service, kind="defect", last_seen_at=NOW + dt.timedelta(days=90))
    FeedFactory.create(service=service, kind="signal", last_seen_at=ago(days=20))
    return service


def evaluate(at: dt.datetime = NOW, *, kind: str = Kind.LIVE) -> Evaluation:
    """Ask and run."""
    return evaluation.run(evaluation.request(at, kind=kind))


def newest() -> Scorecard:
    """The scorecard that was written last."""
    return Scorecard.objects.order_by("-pk")[0]


def test_it_says_what_its_scorecard_says(service: Service) -> None:
    evaluate()

    card, current = newest(), CurrentScore.objects.get()
    assert current.scorecard == card
    for name in ("at", "score", "possible", "evidence", "level", "management_state", "deploy"):
        assert getattr(current, name) == getattr(card, name)
    assert (current.verdict_of, current.verdict) == ("handoff", card.handoff)


@pytest.mark.parametrize(
    ("trait", "verdict_of"),
    [
        ("pre_launch", "launch"),
        ("developer_managed", "handoff"),
        ("ops_managed", "handback"),
        ("retired", None),
    ],
)
def test_the_verdict_is_the_one_that_the_services_state_has(trait: str, verdict_of: str | None) -> None:
    ServiceFactory.create(**{trait: True})
    evaluate()

    current = CurrentScore.objects.get()
    assert current.verdict_of == verdict_of
    assert current.verdict == (getattr(newest(), verdict_of) if verdict_of else None)


def test_it_follows_a_newer_judgement_and_a_newer_revision(service: Service) -> None:
    evaluate()
    evaluate(NOW + dt.timedelta(days=1))
    assert CurrentScore.objects.get().at == NOW + dt.timedelta(days=1)

    DefectFactory.create(service=service, severity=1)
    evaluate(NOW + dt.timedelta(days=1))
    current = CurrentScore.objects.get()
    assert (current.scorecard, newest().revision) == (newest(), 2)
    assert current.blockers == 1


def test_it_never_goes_back_to_an_older_moment(service: Service) -> None:
    evaluate()
    kept = newest()
    evaluate(ago(days=1))

    assert newest() != kept
    assert CurrentScore.objects.get().scorecard == kept


def test_it_never_goes_back_though_the_newer_judgement_is_written_last_moment(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newer run ends between the older one's look at the scores before, and its writing."""
    older = evaluation.request(ago(days=1))
    look = writing._earlier_scores

    def overtaken(at: dt.datetime, ids: list[int]) -> dict[int, float]:
        monkeypatch.setattr(writing, "_earlier_scores", look)
        evaluate()
        return look(at, ids)

    monkeypatch.setattr(writing, "_earlier_scores", overtaken)
    evaluation.run(older)

    assert Scorecard.objects.count() == 2
    assert CurrentScore.objects.get().at == NOW


def test_a_replay_leaves_it_alone(service: Service) -> None:
    evaluate(kind=Kind.REPLAY)
    assert not CurrentScore.objects.exists()

    evaluate()
    kept = CurrentScore.objects.get().scorecard
    evaluate(NOW + dt.timedelta(days=1), kind=Kind.REPLAY)
    assert CurrentScore.objects.get().scorecard == kept


def test_criteria_below_their_threshold_and_silent_feeds_are_words_between_blanks(service: Service) -> None:
    for number in range(8):
        DefectFactory.create(service=service, severity=1, external_id=f"SHOP-{number}")
    evaluate()

    current = CurrentScore.objects.get()
    assert (current.below, current.silent) == (" defects ", " signal ")
    assert CurrentScore.objects.filter(silent__contains=" signal ").exists()


def test_where_nothing_is_below_or_silent_there_are_no_words() -> None:
    ServiceFactory.create()
    evaluate()

    current = CurrentScore.objects.get()
    assert (current.below, current.silent) == ("", "")


@pytest.mark.parametrize(
    ("days", "trend"),
    [(27, None), (28, 10.0), (35, 10.0), (48, 10.0), (49, None)],
)
def test_the_trend_is_the_score_now_less_the_one_about_four_weeks_before(
    service: Service, days: int, trend: float | None
) -> None:
    evaluate(NOW + dt.timedelta(days=1), kind=Kind.REPLAY)
    score = newest().score
    earlier(service, days, score - 10)
    evaluate()

    assert CurrentScore.objects.get().trend == trend


def test_the_trend_looks_at_the_newest_judgement_that_is_old_enough(service: Service) -> None:
    for days, score in ((40, 1.0), (29, 2.0), (5, 3.0)):
        earlier(service, days, score)
    earlier(service, 29, 4.0, kind=Kind.REPLAY)
    evaluate()

    assert CurrentScore.objects.get().trend == pytest.approx(newest().score - 2)


def earlier(service: Service, days: int, score: float, **fields: Any) -> None:
    """A judgement of so many days ago."""
    ScorecardFactory.create(
        service=service, policy=evaluation.in_force(), at=ago(days=days), score=score, **fields
    )

"""Two who evaluate the same moment at once do not double it: PostgreSQL, with a connection for each."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from readiness import evaluation
from readiness.evaluation import writing
from readiness.models import CurrentScore, Evaluation, Scorecard
from readiness.models.scorecard import Kind
from tests.factories import NOW, FeedFactory, ServiceFactory

pytestmark = pytest.mark.django_db(transaction=True)

WAIT = 20


def resume(pk: int) -> Evaluation:
    """Do what is left of a run, found anew by its key, as another process would."""
    return evaluation.run(Evaluation.objects.select_related("policy").get(pk=pk))


@pytest.fixture(autouse=True)
def fleet(settings: Any) -> None:
    """Six services in three batches, on a database that lets several write."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite in memory is one connection's; two commands at once: test_killed_evaluations.py")
    settings.EVALUATION_BATCH_SIZE = 2
    for service in ServiceFactory.create_batch(6, developer_managed=True):
        FeedFactory.create(service=service, kind="defect")
    evaluation.in_force()


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do each in a thread of its own; what they return."""

    def closing(act: Callable[[], Any]) -> Any:
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return [each.result(WAIT) for each in [threads.submit(closing, act) for act in acts]]


def meet(monkeypatch: pytest.MonkeyPatch, name: str, parties: int) -> None:
    """Whoever calls a function of ``writing`` for the first time waits behind it for the others."""
    barrier = threading.Barrier(parties)
    met = threading.local()
    act = getattr(writing, name)

    def waiting(*arguments: Any) -> Any:
        found = act(*arguments)
        if not getattr(met, "already", False):
            met.already = True
            barrier.wait(WAIT)
        return found

    monkeypatch.setattr(writing, name, waiting)


def evaluate(at: datetime = NOW) -> Evaluation:
    """Ask and run."""
    return evaluation.run(evaluation.request(at))


def test_two_who_ask_at_once_get_the_same_run() -> None:
    for day in range(5):
        at = NOW + timedelta(days=day)
        runs = at_once(*[lambda at=at: evaluation.request(at) for _ in range(3)])
        assert len({run.pk for run in runs}) == 1
    assert Evaluation.objects.count() == 5


def test_two_workers_of_one_run_write_each_scorecard_once(monkeypatch: pytest.MonkeyPatch) -> None:
    run = evaluation.request(NOW)
    meet(monkeypatch, "_newest_revisions", 2)
    ended = at_once(*[lambda: resume(run.pk)] * 2)

    assert {each.state for each in ended} == {"done"}
    assert {each.written for each in ended} == {6}
    assert Scorecard.objects.count() == CurrentScore.objects.count() == 6


def test_two_runs_of_the_same_moment_write_each_scorecard_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second was asked for when the first was about to end: both write the same batch at once."""
    first = evaluation.request(NOW)
    Evaluation.objects.filter(pk=first.pk).update(state=Evaluation.State.DONE)
    second = evaluation.request(NOW)
    assert first.pk != second.pk
    Evaluation.objects.filter(pk=first.pk).update(scope="as if it still ran", state=Evaluation.State.RUNNING)
    meet(monkeypatch, "_newest_revisions", 2)
    ended = at_once(lambda: resume(first.pk), lambda: resume(second.pk))

    assert sum(run.written for run in ended) == sum(run.unchanged for run in ended) == 6
    assert Scorecard.objects.count() == 6
    assert set(Scorecard.objects.values_list("revision", flat=True)) == {1}


def test_of_two_moments_judged_at_once_the_newer_stays_the_current_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    older, newer = evaluation.request(NOW), evaluation.request(NOW + timedelta(days=1))
    meet(monkeypatch, "_earlier_scores", 2)
    at_once(lambda: resume(newer.pk), lambda: resume(older.pk))

    assert Scorecard.objects.count() == 12
    assert set(CurrentScore.objects.values_list("at", flat=True)) == {newer.at}


def test_two_workers_do_not_take_the_same_batch() -> None:
    run = evaluation.request(NOW, kind=Kind.REPLAY)
    batches = list(run.batches.values_list("pk", flat=True))
    taken = at_once(*[lambda pk=pk: evaluation.run_batch(pk) for pk in batches * 2])

    assert sum(taken) == len(batches)
    assert Evaluation.objects.get(pk=run.pk).state == "done"

"""An evaluation writes what is new, joins what is under way, and reports a broken service beside the rest."""

import datetime as dt
from typing import Any

import pytest

from readiness import clock, evaluation, tasks
from readiness.evaluation import judging
from readiness.facts import ServiceFacts
from readiness.models import CurrentScore, Evaluation, EvaluationBatch, PolicyVersion, Scorecard, Service
from readiness.models.scorecard import Kind
from readiness.policy import Policy
from readiness.scoring import Judgement, differences, judge
from tests.factories import (
    NOW,
    DefectFactory,
    FeedFactory,
    PolicyVersionFactory,
    ServiceFactory,
    SignalFactory,
    ago,
)

pytestmark = pytest.mark.django_db
MONTH = dt.timedelta(days=28)


@pytest.fixture
def service() -> Service:
    """A service whose defects and signals are heard."""
    service: Service = ServiceFactory.create(slug="shop", developer_managed=True)
    for kind in ("defect", "signal"):
        FeedFactory.create(service=service, kind=kind)
    SignalFactory.create(service=service, signal="latency")
    return service


@pytest.fixture
def small_batches(settings: Any) -> None:
    """Two services a batch."""
    settings.EVALUATION_BATCH_SIZE = 2


def evaluate(at: dt.datetime = NOW, *, kind: str = Kind.LIVE, **asked: Any) -> Evaluation:
    """Ask and run."""
    return evaluation.run(evaluation.request(at, kind=kind, **asked))


def cards(service: Service) -> list[Scorecard]:
    """The scorecards of a service in the order they were written."""
    return list(Scorecard.objects.filter(service=service).order_by("pk"))


def test_a_run_says_what_it_did(service: Service) -> None:
    run = evaluate(requested_by="ada")

    assert (run.state, run.services, run.written, run.unchanged, run.failed) == ("done", 1, 1, 0, 0)
    assert (run.kind, run.policy, run.requested_by) == ("live", evaluation.in_force(), "ada")
    assert run.finished_at is not None
    assert run.finished_at >= run.started_at


def test_judging_the_same_moment_again_from_the_same_facts_writes_nothing(service: Service) -> None:
    evaluate()
    again = evaluate()

    assert (again.state, again.written, again.unchanged) == ("done", 0, 1)
    assert len(cards(service)) == 1


def test_judging_the_same_moment_from_other_facts_writes_a_revision_that_says_which_numbers_changed(
    service: Service,
) -> None:
    evaluate()
    DefectFactory.create(service=service, severity=2, opened_at=ago(days=3))
    again = evaluate()

    first, second = cards(service)
    assert (again.written, again.unchanged) == (1, 0)
    assert (first.revision, second.revision) == (1, 2)
    changed = {path: (old, new) for path, old, new in differences(first.numbers, second.numbers)}
    assert changed["criteria.defects.parts.open_load.value"] == (0, 4)
    assert "score" in changed
    assert not [path for path in changed if path.startswith("criteria.telemetry")]
    first.refresh_from_db()
    assert first.numbers["criteria"]["defects"]["parts"]["open_load"][0] == 0


def test_facts_that_change_and_change_back_are_three_revisions(service: Service) -> None:
    evaluate()
    defect = DefectFactory.create(service=service, opened_at=ago(days=3))
    evaluate()
    defect.delete()
    evaluate()

    first, second, third = cards(service)
    assert [first.revision, second.revision, third.revision] == [1, 2, 3]
    assert first.digest == third.digest != second.digest
    assert CurrentScore.objects.get().scorecard_id == third.pk


def test_live_and_replayed_judgements_of_a_moment_are_kept_apart(service: Service) -> None:
    evaluate()
    replayed = evaluate(kind=Kind.REPLAY)

    live, replay = cards(service)
    assert (replayed.written, live.kind, replay.kind) == (1, "live", "replay")
    assert (live.digest, live.revision) == (replay.digest, replay.revision)


def test_the_same_moment_under_another_policy_is_another_judgement(service: Service) -> None:
    evaluate()
    other = PolicyVersionFactory.create(version=2, text=evaluation.in_force().text)
    evaluate(policy=other)

    first, second = cards(service)
    assert (first.revision, second.revision) == (1, 1)
    assert first.digest != second.digest
    # the other policy is not in force
    assert CurrentScore.objects.get().scorecard_id == first.pk


def test_who_asks_while_the_same_run_is_under_way_gets_that_run(service: Service) -> None:
    first = evaluation.request(NOW, requested_by="ada")
    second = evaluation.request(NOW, requested_by="grace")

    assert first.pk == second.pk
    assert second.requested_by == "ada"
    assert EvaluationBatch.objects.count() == 1
    others = [
        evaluation.request(NOW, [service.pk]),
        evaluation.request(NOW, kind=Kind.REPLAY),
        evaluation.request(ago(days=1)),
    ]
    assert len({first.pk, *(run.pk for run in others)}) == 4
    evaluation.run(first)
    assert evaluation.request(NOW).pk != first.pk


def test_a_fleet_without_services_is_judged_at_once() -> None:
    run = evaluation.request(NOW)

    assert (run.state, run.services, run.written) == ("done", 0, 0)


def test_a_service_that_breaks_is_reported_and_the_rest_is_judged(
    monkeypatch: pytest.MonkeyPatch, small_batches: None
) -> None:
    services = [ServiceFactory.create(slug=slug) for slug in ("a", "bad", "c", "d", "e")]

    def breaks(facts: ServiceFacts, policy: Policy) -> Judgement:
        if facts.service == "bad":
            raise ZeroDivisionError("no hours")
        return judge(facts, policy)

    monkeypatch.setattr(judging, "judge", breaks)
    run = evaluate()

    assert (run.state, run.written, run.failed) == ("done", 4, 1)
    assert run.errors == [{"service": "bad", "error": "ZeroDivisionError: no hours"}]
    assert {card.service_id for card in Scorecard.objects.all()} == {
        each.pk for each in services if each.slug != "bad"
    }


def test_stored_data_that_cannot_be_measured_breaks_its_service_alone() -> None:
    for slug in ("a", "b", "bad", "c", "worse", "d", "e"):
        ServiceFactory.create(slug=slug)
    Service.objects.filter(slug__in=("bad", "worse")).update(components=5)
    run = evaluate()

    assert (run.state, run.written, run.failed) == ("done", 5, 2)
    assert {error["service"] for error in run.errors} == {"bad", "worse"}
    assert all("TypeError" in error["error"] for error in run.errors)


def progress(run: Evaluation) -> dict[str, Any]:
    """Batches, those done, and their share."""
    done = list(run.batches.values_list("done", flat=True))
    return {"batches": len(done), "done": sum(done), "share": sum(done) / len(done)}


def test_progress_tells_how_many_batches_are_done(small_batches: None) -> None:
    ServiceFactory.create_batch(5)
    run = evaluation.request(NOW)
    batches = list(run.batches.all())
    assert [len(batch.service_ids) for batch in batches] == [2, 2, 1]
    assert progress(run) == {"batches": 3, "done": 0, "share": 0.0}

    evaluation.run_batch(batches[1].pk)
    assert progress(run) == {"batches": 3, "done": 1, "share": 1 / 3}
    behind: list[int] = []
    evaluation.run(run, advanced=behind.append)
    assert behind == [2, 1]
    assert progress(run) == {"batches": 3, "done": 3, "share": 1.0}


def test_a_batch_that_somebody_is_at_is_not_taken(service: Service) -> None:
    batch = evaluation.request(NOW).batches.get()
    held_until = clock.real_now() + dt.timedelta(minutes=5)
    EvaluationBatch.objects.filter(pk=batch.pk).update(due_at=held_until)

    assert evaluation.run_batch(batch.pk) is False
    assert not Scorecard.objects.exists()
    assert not evaluation.due_batches().exists()

    EvaluationBatch.objects.filter(pk=batch.pk).update(due_at=clock.real_now())
    assert evaluation.run_batch(batch.pk) is True
    assert evaluation.run_batch(batch.pk) is False
    assert Evaluation.objects.get().state == "done"


def test_a_batch_whose_worker_failed_is_due_again_at_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = evaluation.request(NOW).batches.get()
    with monkeypatch.context() as broken:
        broken.setattr(evaluation.runs, "write", fails)
        with pytest.raises(OSError, match="disk"):
            evaluation.run_batch(batch.pk)

    assert list(evaluation.due_batches()) == [batch]
    assert evaluation.run_batch(batch.pk) is True
    assert cards(service)


def fails(*_: object) -> None:
    """Stands for what may break while writing."""
    raise OSError("the disk is full")


def test_a_batch_that_fails_every_time_is_given_up_and_fails_its_run(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = evaluation.request(NOW)
    batch = run.batches.get()
    monkeypatch.setattr(evaluation.runs, "write", fails)
    for _ in range(evaluation.runs.ATTEMPTS):
        with pytest.raises(OSError, match="disk"):
            evaluation.run_batch(batch.pk)
    assert evaluation.run_batch(batch.pk) is True

    run.refresh_from_db()
    assert (run.state, run.failed) == ("failed", 1)
    assert "given up after 5 attempts" in run.errors[0]["error"]
    assert not evaluation.due_batches().exists()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Tasks that are sent run here and now; the batches they took."""
    taken: list[int] = []

    def run(pk: int) -> None:
        taken.append(pk)
        tasks.run_batch(pk)

    monkeypatch.setattr(tasks.run_batch, "delay", run)
    return taken


def test_the_sweep_takes_the_batches_that_are_due_and_closes_their_runs(
    small_batches: None, at_once: list[int]
) -> None:
    ServiceFactory.create_batch(5)
    run = evaluation.request(NOW)
    first, second, third = run.batches.all()
    evaluation.run_batch(first.pk)
    EvaluationBatch.objects.filter(pk=second.pk).update(due_at=clock.real_now() + dt.timedelta(minutes=1))

    tasks.sweep()
    assert at_once == [third.pk]
    assert Scorecard.objects.count() == 3

    EvaluationBatch.objects.filter(pk=second.pk).update(due_at=clock.real_now() - dt.timedelta(minutes=1))
    tasks.sweep()
    run.refresh_from_db()
    assert (at_once, run.state, run.written) == ([third.pk, second.pk], "done", 5)


def test_the_sweep_closes_a_run_whose_last_worker_died_before_it_could(
    service: Service, at_once: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = evaluation.request(NOW)
    with monkeypatch.context() as killed:
        killed.setattr(evaluation.runs, "_close", lambda evaluation: evaluation)
        evaluation.run_batch(run.batches.get().pk)
    assert Evaluation.objects.get().state == "running"

    tasks.sweep()
    run.refresh_from_db()
    assert (at_once, run.state, run.written) == ([], "done", 1)


def test_the_nightly_task_asks_for_the_fleet_as_of_now(service: Service, at_once: list[int]) -> None:
    before = clock.now()
    tasks.evaluate_nightly()

    run = Evaluation.objects.get()
    assert (run.state, run.kind, run.scope, run.written) == ("done", "live", "fleet", 1)
    assert before <= run.at <= clock.now()
    assert len(at_once) == 1


def test_one_service_borrows_the_fleets_answer_about_cycles(service: Service) -> None:
    fleet = evaluate()
    Evaluation.objects.filter(pk=fleet.pk).update(cycles={str(service.pk): 7})

    assert evaluation.request(NOW + dt.timedelta(days=1), [service.pk]).cycles == {str(service.pk): 7}
    # too old to be borrowed
    assert evaluation.request(NOW + dt.timedelta(days=9), [service.pk]).cycles == {}


def test_the_default_policy_is_stored_once() -> None:
    assert evaluation.in_force() == evaluation.in_force()
    assert PolicyVersion.objects.count() == 1

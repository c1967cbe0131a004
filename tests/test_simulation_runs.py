"""Simulations as rows: worked step by step, by one at a time, taken up again, given up in the end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError

from readiness import clock, evaluation, simulation, tasks
from readiness.models import PolicyVersion, Simulation
from readiness.simulation import runs
from readiness.simulation.simulating import simulate
from tests.candidates import shorter_window, stored, text_with
from tests.factories import SimulationFactory

AT = datetime(2026, 7, 1, tzinfo=UTC)
SINCE = AT - timedelta(days=56)

pytestmark = pytest.mark.django_db


@pytest.fixture
def candidate(worked_fleet_once: None, monkeypatch: pytest.MonkeyPatch) -> PolicyVersion:
    """A draft beside the worked fleet; the clock stands where its data ends."""
    monkeypatch.setattr(clock, "now", lambda: AT)
    return stored(text_with(shorter_window))


def asked(candidate: PolicyVersion, **ways: Any) -> Simulation:
    """Three moments of a simulation, or of a backtest where there is a horizon."""
    ask = {"since": SINCE, "until": AT, "every_days": 28, **ways}
    return simulation.request(simulation.Ask(candidate, **ask), requested_by="1 ada")


def backtest(candidate: PolicyVersion) -> Simulation:
    """Three moments of a backtest."""
    since = AT - timedelta(days=150)
    return asked(candidate, since=since, until=since + timedelta(days=56), horizon_days=90)


def worked(row: Simulation) -> Simulation:
    """After all of its steps."""
    while simulation.work(row.pk):
        pass
    row.refresh_from_db()
    return row


def test_worked_in_one_go_it_finds_what_the_command_line_finds(candidate: PolicyVersion) -> None:
    row = worked(asked(candidate))
    trial = simulation.Trial(evaluation.parsed(evaluation.in_force()), evaluation.parsed(candidate))

    assert (row.state, row.done, row.steps, row.attempts, row.error) == ("done", 3, 3, 0, "")
    assert row.finished_at is not None
    assert row.baseline == evaluation.in_force()
    assert row.result == simulate(trial, simulation.moments(SINCE, AT, timedelta(days=28)))


def test_a_backtest_adds_up_at_its_end(candidate: PolicyVersion) -> None:
    row = worked(backtest(candidate))
    at = [AT - timedelta(days=days) for days in (150, 122, 94)]

    assert row.state == "done"
    assert row.result == simulation.backtest(evaluation.parsed(candidate), at, horizon=timedelta(days=90))


@pytest.mark.parametrize("ask", [asked, backtest])
def test_stopped_after_each_step_it_comes_to_the_same(
    candidate: PolicyVersion, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = worked(ask(candidate)).result
    row = ask(candidate)
    monkeypatch.setattr(runs, "BUDGET", timedelta(0))
    steps = 0
    while simulation.work(row.pk):
        steps += 1
        row.refresh_from_db()
        assert (row.done, row.state) == (steps, "running")
    row.refresh_from_db()

    assert steps == 2
    assert (row.state, row.result) == ("done", undisturbed)


@pytest.mark.parametrize("ask", [asked, backtest])
def test_what_broke_in_the_middle_is_taken_up_where_it_broke(
    candidate: PolicyVersion, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = worked(ask(candidate)).result
    row = ask(candidate)
    with monkeypatch.context() as broken:
        break_at(broken, step=1)
        with pytest.raises(OperationalError):
            simulation.work(row.pk)
    row.refresh_from_db()
    assert (row.done, row.state, row.error) == (1, "running", "OperationalError: gone")
    assert list(simulation.due()) == [row]

    assert (worked(row).result, row.error) == (undisturbed, "")


def break_at(monkeypatch: pytest.MonkeyPatch, *, step: int) -> None:
    """The database goes away at a step."""
    for name in ("_simulated", "_backtested"):
        right = getattr(runs, name)

        def wrong(row: Simulation, at: list[datetime], right: Any = right) -> Any:
            if row.done >= step:
                raise OperationalError("gone")
            return right(row, at)

        monkeypatch.setattr(runs, name, wrong)


def test_what_always_breaks_is_given_up(candidate: PolicyVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    row = asked(candidate)
    break_at(monkeypatch, step=0)
    for _ in range(runs.ATTEMPTS):
        with pytest.raises(OperationalError):
            simulation.work(row.pk)
    assert not simulation.work(row.pk)
    row.refresh_from_db()

    assert row.state == "failed"
    assert row.error == "given up after 5 attempts at one moment. OperationalError: gone"
    assert not simulation.work(row.pk)


def test_two_are_never_at_it(candidate: PolicyVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    row = asked(candidate)
    right, at_once = runs._simulated, []

    def meanwhile(own: Simulation, at: list[datetime]) -> Any:
        at_once.append((simulation.work(row.pk), list(simulation.due())))
        return right(own, at)

    monkeypatch.setattr(runs, "_simulated", meanwhile)
    assert worked(row).state == "done"
    assert at_once == [(False, [])] * 3


def test_a_step_that_somebody_else_did_meanwhile_is_not_done_twice(
    candidate: PolicyVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was taken for dead comes back, and finds its step done."""
    row = asked(candidate)
    right = runs._simulated

    def slowly(own: Simulation, at: list[datetime]) -> Any:
        monkeypatch.setattr(runs, "_simulated", right)
        Simulation.objects.update(due_at=clock.real_now())
        simulation.work(row.pk)
        return right(own, at)

    monkeypatch.setattr(runs, "_simulated", slowly)
    assert not simulation.work(row.pk)
    row.refresh_from_db()
    assert (row.state, row.done, len(row.result["moments"])) == ("done", 3, 3)


def test_the_sweep_takes_up_what_nobody_is_at(
    candidate: PolicyVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, held, done = asked(candidate), asked(candidate), asked(candidate)
    Simulation.objects.filter(pk=held.pk).update(due_at=clock.real_now() + timedelta(minutes=5))
    Simulation.objects.filter(pk=done.pk).update(state="done")
    sent: list[int] = []
    monkeypatch.setattr(tasks.run_simulation, "delay", sent.append)
    tasks.sweep()

    assert sent == [left.pk]


def test_a_task_asks_for_its_next_turn_until_it_is_done(
    candidate: PolicyVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = asked(candidate)
    sent: list[int] = []
    monkeypatch.setattr(tasks.run_simulation, "delay", sent.append)
    monkeypatch.setattr(runs, "BUDGET", timedelta(0))
    for _ in range(3):
        tasks.run_simulation(row.pk)

    assert sent == [row.pk] * 2
    assert timedelta(seconds=tasks.run_simulation.time_limit) < runs.LEASE


def test_more_than_one_row_can_bear_is_refused(
    candidate: PolicyVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "MOST", 89)
    with pytest.raises(ValueError, match="3 moments of 30 services are more than 89 judgements"):
        asked(candidate)
    assert not Simulation.objects.exists()


def test_a_simulation_whose_baseline_is_gone_fails_in_the_end(candidate: PolicyVersion) -> None:
    row = SimulationFactory.create(policy=candidate, baseline=None, attempts=runs.ATTEMPTS - 1)
    with pytest.raises(ValueError, match="needs a policy to compare with"):
        simulation.work(row.pk)
    simulation.work(row.pk)
    row.refresh_from_db()
    assert row.state == "failed"

"""Simulations that people asked for: rows, worked moment by moment, taken up again wherever they stopped."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, QuerySet

from readiness import clock, evaluation
from readiness.models import PolicyVersion, Service, Simulation
from readiness.policy import PolicyError
from readiness.simulation.backtesting import moments_before, observed, packed, report, unpacked
from readiness.simulation.reasons import Trial
from readiness.simulation.simulating import advanced, begun, moments
from readiness.simulation.trial import Fleet

LEASE = timedelta(minutes=15)
"""A simulation that somebody works on is left alone for so long after each moment it judged."""
BUDGET = timedelta(seconds=30)
"""A worker turns to other work after about so long; what is left is taken up anew."""
ATTEMPTS = 5
MOST = 50_000
"""Judgements, services times moments, that one row may ask for; the command line knows no limit."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What to try, and as of when: ``until``, and every so many days before it back to ``since``."""

    policy: PolicyVersion
    since: datetime
    until: datetime
    every_days: int
    horizon_days: int | None = None
    """Of a backtest."""


def request(ask: Ask, *, requested_by: str) -> Simulation:
    """Ask for a simulation against the policy in force, or for a backtest where there is a horizon.

    Nothing is judged yet: the row is what :func:`work`, a task or the sweep takes up. Raises ``ValueError``
    in words.
    """
    baseline = evaluation.in_force() if ask.horizon_days is None else None
    _refuse_unreadable(ask.policy, baseline)
    every = timedelta(days=ask.every_days)
    at = (
        moments(ask.since, ask.until, every)
        if ask.horizon_days is None
        else moments_before(ask.since, ask.until, every, horizon=timedelta(days=ask.horizon_days))
    )
    services = Service.objects.count()
    if services * len(at) > MOST:
        raise ValueError(
            f"{len(at)} moments of {services} services are more than {MOST:,} judgements: take fewer moments,"
            " or the command line"
        )
    now = clock.real_now()
    return Simulation.objects.create(
        kind=Simulation.Kind.SIMULATION if ask.horizon_days is None else Simulation.Kind.BACKTEST,
        policy=ask.policy,
        baseline=baseline,
        since=ask.since,
        until=at[-1],
        every_days=ask.every_days,
        horizon_days=ask.horizon_days,
        steps=len(at),
        requested_by=requested_by,
        started_at=now,
        due_at=now,
    )


def _refuse_unreadable(*versions: PolicyVersion | None) -> None:
    """What another release stored would fail in each attempt, out of sight of the one who asked."""
    for version in filter(None, versions):
        try:
            evaluation.parsed(version)
        except PolicyError as error:
            raise ValueError(f"{version} cannot judge any more: {error}") from error


def due() -> "QuerySet[Simulation]":
    """What the sweep takes up: what is not done and nobody is at, oldest first."""
    waiting = Simulation.objects.filter(state=Simulation.State.RUNNING, due_at__lte=clock.real_now())
    return waiting.order_by("due_at", "pk")


def work(simulation_id: int) -> bool:
    """Judge moments for a while, unless somebody else is at it; whether there is more to do."""
    now = clock.real_now()
    taken = due().filter(pk=simulation_id).order_by().update(due_at=now + LEASE, attempts=F("attempts") + 1)
    if not taken:
        return False
    row = Simulation.objects.select_related("policy", "baseline").get(pk=simulation_id)
    if row.attempts > ATTEMPTS:
        _give_up(row)
        return False
    try:
        return _work_until(row, now + BUDGET)
    except Exception as error:
        # nobody is at it any more: who tries again must not wait until the lease runs out
        _running(row).update(due_at=clock.real_now(), error=f"{type(error).__name__}: {error}")
        raise


def _work_until(row: Simulation, end: datetime) -> bool:
    step = _backtested if row.kind == Simulation.Kind.BACKTEST else _simulated
    every = timedelta(days=row.every_days)
    at = [row.since + number * every for number in range(row.steps)]
    while row.done < row.steps:
        result = step(row, at)
        if not _saved(row, result):
            return False
        if clock.real_now() > end and row.done < row.steps:
            _running(row).update(due_at=clock.real_now())
            return True
    return False


def _saved(row: Simulation, result: dict[str, Any]) -> bool:
    """Keep a step and move the lease on; not when somebody else did the same step meanwhile.

    ``attempts`` are those of one step: a long simulation may meet more trouble than a short one.
    """
    now = clock.real_now()
    last = row.done + 1 == row.steps
    ending = {"state": Simulation.State.DONE, "finished_at": now} if last else {}
    saved = (
        _running(row)
        .filter(done=row.done)
        .update(done=row.done + 1, result=result, due_at=now + LEASE, attempts=0, error="", **ending)
    )
    row.done, row.result = row.done + 1, result
    return saved == 1


def _simulated(row: Simulation, at: list[datetime]) -> dict[str, Any]:
    if row.baseline is None:
        raise ValueError("a simulation needs a policy to compare with")
    trial = Trial(evaluation.parsed(row.baseline), evaluation.parsed(row.policy))
    last = row.done + 1 == row.steps
    return advanced(row.result or begun(trial), trial, at[row.done], fleet=Fleet.of(None), last=last)


def _backtested(row: Simulation, at: list[datetime]) -> dict[str, Any]:
    """Observations are kept as they come; the last step adds them up and keeps the sum alone."""
    policy = evaluation.parsed(row.policy)
    horizon = timedelta(days=row.horizon_days or 0)
    found = observed(policy, at[row.done], horizon=horizon, fleet=Fleet.of(None))
    kept = [*row.result.get("kept", []), *packed(found)]
    if row.done + 1 < row.steps:
        return {"kept": kept}
    return report(policy, unpacked(kept), at=at, horizon=horizon)


def _running(row: Simulation) -> "QuerySet[Simulation]":
    return Simulation.objects.filter(pk=row.pk, state=Simulation.State.RUNNING)


def _give_up(row: Simulation) -> None:
    error = f"given up after {ATTEMPTS} attempts at one moment. {row.error}".strip()
    _running(row).update(state=Simulation.State.FAILED, finished_at=clock.real_now(), error=error)

"""Celery tasks: nudges. What is to do stands in rows; a lost message is made good by the sweep."""

from celery import Task, shared_task
from django.db import Error as DatabaseError

from readiness import alerting, clock, evaluation, retention, simulation
from readiness.models import Evaluation, Team
from readiness.reclassify import reclassify_team as reclassify

SWEEP_LIMIT = 500
"""Batches one sweep nudges; the next minute's takes the rest."""


class Nudge(Task):  # type: ignore[type-arg]  # celery's Task is no generic when the program runs
    """What every task of ours is: limited in time, and tried again after a while when the database fails."""

    autoretry_for = (DatabaseError,)
    retry_backoff = True
    retry_backoff_max = 300
    retry_jitter = True
    max_retries = 5
    soft_time_limit = 600
    time_limit = 660


@shared_task(base=Nudge)
def evaluate_nightly() -> int:
    """Ask for a live evaluation of the fleet as of now, and nudge its batches."""
    run = evaluation.request(clock.now(), requested_by="nightly schedule")
    run_evaluation(run.pk)
    return run.pk


@shared_task(base=Nudge)
def run_evaluation(evaluation_id: int) -> None:
    """Nudge every batch of an evaluation that is not done."""
    run = Evaluation.objects.get(pk=evaluation_id)
    for pk in run.batches.filter(done=False).values_list("pk", flat=True):
        run_batch.delay(pk)


@shared_task(base=Nudge)
def run_batch(batch_id: int) -> bool:
    """Do one batch, unless somebody else is at it."""
    return evaluation.run_batch(batch_id)


@shared_task(base=Nudge)
def sweep() -> int:
    """Take up what is due: services whose evidence changed, and what a broker or a worker forgot."""
    try:
        return _take_up()
    finally:  # whatever broke above is what somebody must hear of
        alerting.watch()


def _take_up() -> int:
    evaluation.close_finished()
    evaluation.rejudge_due()
    batches = list(evaluation.due_batches().values_list("pk", flat=True)[:SWEEP_LIMIT])
    for pk in batches:
        run_batch.delay(pk)
    teams = list(Team.objects.filter(hours_changed_at__isnull=False).values_list("pk", flat=True))
    for pk in teams:
        reclassify_team.delay(pk)
    simulations = list(simulation.due().values_list("pk", flat=True)[:SWEEP_LIMIT])
    for pk in simulations:
        run_simulation.delay(pk)
    return len(batches) + len(teams) + len(simulations)


@shared_task(base=Nudge)
def reclassify_team(team_id: int) -> int:
    """Decide again which pages and incidents of a team's services were after hours; how many changed."""
    return reclassify(team_id)


@shared_task(base=Nudge)
def run_simulation(simulation_id: int) -> None:
    """Judge a simulation's next moments; what is left gets a turn behind what waits."""
    if simulation.work(simulation_id):
        run_simulation.delay(simulation_id)


@shared_task(base=Nudge)
def purge() -> int:
    """Delete what retention does not keep; how many rows."""
    return sum(share.rows for share in retention.purge())

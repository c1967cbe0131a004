"""An evaluation that is killed with -9 at any moment is taken up again, and comes to the same judgements."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.own_database import WAIT, OwnDatabase, own_name

pytestmark = pytest.mark.needs_database

KILLS = 20
LONG = ("--from", "2025-01-01T00:00:00Z", "--to", "2026-07-01T00:00:00Z", "--every", "9w")
"""9 moments of 6 batches: longer than a process takes to start, so that kills land anywhere."""
UNFINISHED = "SELECT count(*) FROM readiness_evaluationbatch WHERE NOT done"
HALF_DONE = """
    SELECT evaluation_id FROM readiness_evaluationbatch GROUP BY evaluation_id
    HAVING min(CASE WHEN done THEN 1 ELSE 0 END) < max(CASE WHEN done THEN 1 ELSE 0 END)
"""
JUDGEMENTS = "SELECT service_id, kind, revision, digest FROM readiness_scorecard"


@pytest.fixture
def databases(worked_database: OwnDatabase, tmp_path: Path) -> Iterator[tuple[OwnDatabase, OwnDatabase]]:
    """The worked fleet twice, to be disturbed and to be left in peace; five services make a batch."""
    pair = tuple(
        OwnDatabase(own_name(name), tmp_path, {"EVALUATION_BATCH_SIZE": "5"}).create(worked_database)
        for name in ("disturbed", "undisturbed")
    )
    yield pair[0], pair[1]
    for each in pair:
        each.drop()


def evaluate(database: OwnDatabase) -> "subprocess.Popen[bytes]":
    """Start judging the worked fleet as of many moments."""
    return database.start("manage.py", "evaluate", *LONG)


def judgements(database: OwnDatabase) -> list[tuple[Any, ...]]:
    """What was judged, and what each came to."""
    return sorted(database.rows(JUDGEMENTS))


def killed_after(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Kill a process that still runs after so many seconds; whether it did."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(WAIT)
        return True
    return False


def test_killed_twenty_times_it_comes_to_what_an_undisturbed_run_comes_to(
    databases: tuple[OwnDatabase, OwnDatabase],
) -> None:
    disturbed, undisturbed = databases
    begun = time.monotonic()
    assert evaluate(undisturbed).wait(WAIT) == 0
    whole = time.monotonic() - begun

    random = Random(9)
    kills, half_done = 0, set()
    while kills < KILLS:
        begun = time.monotonic()
        if killed_after(evaluate(disturbed), random.uniform(0.25, 0.85) * whole):
            kills += 1
        else:
            # the machine has less else to do than at first, and a run takes less: aim by this one from now on
            whole = time.monotonic() - begun
        half_done |= set(disturbed.rows(HALF_DONE))
    assert evaluate(disturbed).wait(WAIT) == 0

    assert judgements(disturbed) == judgements(undisturbed)
    assert disturbed.rows(UNFINISHED) == [(0,)]
    assert disturbed.rows("SELECT DISTINCT state FROM readiness_evaluation") == [("done",)]
    # a kill that lands before the first batch, or between two runs, proves little
    assert len(half_done) >= 3


def test_two_commands_at_once_write_each_judgement_once(databases: tuple[OwnDatabase, OwnDatabase]) -> None:
    both, alone = databases
    processes = [evaluate(both), evaluate(both), evaluate(alone)]
    assert [process.wait(WAIT) for process in processes] == [0, 0, 0]

    assert judgements(both) == judgements(alone)

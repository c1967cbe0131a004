"""An evaluation that is killed with -9 at any moment is taken up again, and comes to the same judgements."""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from signal import SIGKILL
from typing import Any

import pytest
from django.core.management import execute_from_command_line
from django.db import connection

from tests.own_database import WAIT, OwnDatabase, own_name

pytestmark = pytest.mark.needs_database

KILLS = 20
SPAN = ("--from", "2025-01-01T00:00:00Z", "--to", "2026-07-01T00:00:00Z", "--every")
FEW, MANY = (*SPAN, "27w"), (*SPAN, "9w")
"""3 and 9 moments of 6 batches."""
UNFINISHED = "SELECT count(*) FROM readiness_evaluationbatch WHERE NOT done"
HALF_DONE = """
    SELECT evaluation_id FROM readiness_evaluationbatch GROUP BY evaluation_id
    HAVING min(CASE WHEN done THEN 1 ELSE 0 END) < max(CASE WHEN done THEN 1 ELSE 0 END)
"""
JUDGEMENTS = "SELECT service_id, kind, revision, digest FROM readiness_scorecard"

Evaluate = Callable[[OwnDatabase, tuple[str, ...]], BaseProcess]


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


@pytest.fixture
def evaluate(databases: tuple[OwnDatabase, OwnDatabase], monkeypatch: pytest.MonkeyPatch) -> Evaluate:
    """Starts judging the worked fleet: forks of a process that has loaded everything, and is at no database.

    A kill lands in the work, where it may do harm, and not in the second that Python takes to load modules.
    """
    for name, value in databases[0].process_environment().items():
        monkeypatch.setenv(name, value)
    loaded = multiprocessing.get_context("forkserver")
    loaded.set_forkserver_preload(["config.wsgi", __name__])

    def start(database: OwnDatabase, moments: tuple[str, ...]) -> BaseProcess:
        process = loaded.Process(target=judge, args=(database.name_in_settings, moments))
        process.start()
        return process

    start(databases[0], ("--service=nobody",)).join(WAIT)  # the first one waits for the modules
    return start


def judge(database: str, moments: tuple[str, ...]) -> None:
    """What a process does, from its start to its exit status."""
    connection.settings_dict["NAME"] = database
    execute_from_command_line(["manage.py", "evaluate", *moments])


def ended(process: BaseProcess) -> int | None:
    """The exit status of a process that is left in peace."""
    process.join(WAIT)
    return process.exitcode


def killed_after(process: BaseProcess, seconds: float) -> bool:
    """Kill a process that still runs after so many seconds; whether it did."""
    process.join(seconds)
    process.kill()
    status = ended(process)
    assert status in (0, -SIGKILL)
    return status != 0


def judgements(database: OwnDatabase) -> list[tuple[Any, ...]]:
    """What was judged, and what each came to."""
    return sorted(database.rows(JUDGEMENTS))


def test_killed_twenty_times_it_comes_to_what_an_undisturbed_run_comes_to(
    databases: tuple[OwnDatabase, OwnDatabase], evaluate: Evaluate
) -> None:
    disturbed, undisturbed = databases
    begun = time.monotonic()
    assert ended(evaluate(undisturbed, FEW)) == 0
    whole = time.monotonic() - begun

    random = Random(9)
    kills, half_done = 0, set()
    while kills < KILLS:
        begun = time.monotonic()
        if killed_after(evaluate(disturbed, FEW), random.uniform(0.05, 0.85) * whole):
            kills += 1
        else:
            # the machine has less else to do than at first, and a run takes less: aim by this one from now on
            whole = time.monotonic() - begun
        half_done |= set(disturbed.rows(HALF_DONE))
    assert ended(evaluate(disturbed, FEW)) == 0

    assert judgements(disturbed) == judgements(undisturbed)
    assert disturbed.rows(UNFINISHED) == [(0,)]
    assert disturbed.rows("SELECT DISTINCT state FROM readiness_evaluation") == [("done",)]
    # a kill that lands before the first batch, or between two runs, proves little
    assert len(half_done) >= 3


def test_two_commands_at_once_write_each_judgement_once(
    databases: tuple[OwnDatabase, OwnDatabase], evaluate: Evaluate
) -> None:
    both, alone = databases
    processes = [evaluate(each, MANY) for each in (both, both, alone)]
    assert [ended(process) for process in processes] == [0, 0, 0]

    assert judgements(both) == judgements(alone)

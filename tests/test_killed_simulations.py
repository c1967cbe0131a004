"""A simulation whose worker is killed with -9 in the middle is taken up, and ends with the same result."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from readiness import tasks
from tests.candidates import shorter_window, text_with
from tests.own_database import WAIT, OwnDatabase, own_name
from tests.workers import send, wait_for, workers_of

pytestmark = pytest.mark.needs_database

MOMENTS = 12
ROW = (
    "INSERT INTO readiness_simulation (kind, policy_id, baseline_id, since, until, every_days, state, steps,"
    " done, result, error, requested_by, started_at, due_at, attempts) SELECT 'simulation', new.id, old.id,"
    " '2026-04-15 00:00:00+00:00', '2026-07-01 00:00:00+00:00', 7, 'running', {moments}, 0, '{{}}', '', '',"
    " '2026-07-01 00:00:00+00:00', '2026-07-01 00:00:00+00:00', 0"
    " FROM readiness_policyversion new, readiness_policyversion old WHERE new.version = 2 AND old.version = 1"
)
STATES = "SELECT state, done FROM readiness_simulation ORDER BY id"
RESULTS = "SELECT result FROM readiness_simulation ORDER BY id"


@pytest.fixture
def fleet(broker: str, tmp_path: Path, worked_database: OwnDatabase) -> Iterator[OwnDatabase]:
    """The worked fleet with a draft, in a database that workers share."""
    told = {"CELERY_BROKER_URL": broker}
    database = OwnDatabase(own_name("simulated"), tmp_path, told).create(worked_database)
    draft = tmp_path / "draft.yaml"
    draft.write_text(text_with(shorter_window))
    database.manage("policy", "apply", str(draft), "--author", "ada", "--note", "A test.")
    yield database
    database.drop()


@pytest.fixture
def start_worker(fleet: OwnDatabase) -> "Iterator[Callable[[], subprocess.Popen[bytes]]]":
    """Starts a worker; all of them are ended afterwards."""
    with workers_of(fleet) as start:
        yield start


def results(database: OwnDatabase) -> list[Any]:
    """What each simulation found."""
    return [json.loads(each) if isinstance(each, str) else each for (each,) in database.rows(RESULTS)]


def test_killed_in_the_middle_it_ends_as_an_undisturbed_one(
    fleet: OwnDatabase, broker: str, start_worker: "Callable[[], subprocess.Popen[bytes]]"
) -> None:
    fleet.change(ROW.format(moments=MOMENTS))
    first = start_worker()
    send(tasks.sweep, broker)
    wait_for(lambda: fleet.rows(STATES)[0][1] >= 3)
    first.kill()
    first.wait(WAIT)
    state, done = fleet.rows(STATES)[0]
    assert state == "running"
    assert 3 <= done < MOMENTS
    # what the dead one was at is held for a while: the test does not wait for it
    fleet.change("UPDATE readiness_simulation SET due_at = '2026-07-01 00:00:00+00:00'")

    fleet.change(ROW.format(moments=MOMENTS))
    start_worker()
    start_worker()
    send(tasks.sweep, broker)
    wait_for(lambda: fleet.rows(STATES) == [("done", MOMENTS)] * 2)
    disturbed, undisturbed = results(fleet)
    assert disturbed == undisturbed
    assert len(disturbed["moments"]) == MOMENTS

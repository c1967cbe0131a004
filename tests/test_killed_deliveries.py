"""A receiver hangs, a worker is killed with -9: every message arrives, in order, and nobody else waits."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from handoff import tasks_notifications
from tests.own_database import WAIT, OwnDatabase, own_name
from tests.receivers import Talk, hangs, receiving, takes
from tests.workers import send, wait_for, workers_of

pytestmark = pytest.mark.needs_database

MESSAGES = 5
LONG_AGO = "2026-01-01 00:00:00+00:00"
SUBSCRIPTION = (
    "INSERT INTO handoff_subscription"
    " (topics, channel, address, secret, urgency, active, made_by, made_at, due_at, failures)"
    " VALUES ('[\"consultant\"]', 'webhook', '{}', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'at_once', true,"
    " '1 Ada', '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00', 0)"
)
MESSAGE = (
    "INSERT INTO handoff_message (event, topic, service_id, facts, at, written_at)"
    " SELECT 'alert_raised', 'consultant', id, '{{\"about\": \"{}\"}}',"
    " '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00' FROM readiness_service ORDER BY id LIMIT 1"
)
WAITING = "SELECT count(*) FROM handoff_delivery WHERE state <> 'sent'"
SENT = "SELECT count(*) FROM handoff_delivery WHERE state = 'sent'"


@pytest.fixture
def fleet(broker: str, tmp_path: Path, worked_database: OwnDatabase) -> Iterator[OwnDatabase]:
    """The worked fleet, in a database that workers share; receivers on loopback are meant."""
    told = {"CELERY_BROKER_URL": broker, "ALLOW_PRIVATE_WEBHOOKS": "true"}
    database = OwnDatabase(own_name("told"), tmp_path, told).create(worked_database)
    yield database
    database.drop()


@pytest.fixture
def start_worker(fleet: OwnDatabase) -> "Iterator[Callable[[], subprocess.Popen[bytes]]]":
    """Starts a worker; all of them are ended afterwards."""
    with workers_of(fleet) as start:
        yield start


def hangs_once(talk: Talk, number: int) -> None:
    """The first request gets no answer, the others do."""
    hangs(talk, number) if number == 1 else takes(talk, number)


def test_every_message_arrives_in_order_and_the_other_receiver_does_not_wait(
    fleet: OwnDatabase, broker: str, start_worker: "Callable[[], subprocess.Popen[bytes]]"
) -> None:
    with receiving(hangs_once) as hanging, receiving(takes) as other:
        fleet.change(SUBSCRIPTION.format(hanging.address))
        fleet.change(SUBSCRIPTION.format(other.address))
        for number in range(MESSAGES):
            fleet.change(MESSAGE.format(number))
        everything = list(map(str, range(MESSAGES)))
        first = start_worker()
        send(tasks_notifications.tell, broker)
        wait_for(lambda: fleet.rows(SENT) == [(MESSAGES,)])
        assert other.about == everything  # while the first one hangs
        assert len(hanging.heard) == 1
        first.kill()
        first.wait(WAIT)
        assert fleet.rows(WAITING) == [(MESSAGES,)]

        # the dead worker's lease holds for a while: the test does not wait for it
        fleet.change(f"UPDATE handoff_subscription SET due_at = '{LONG_AGO}'")
        start_worker()
        start_worker()
        send(tasks_notifications.tell, broker)
        send(tasks_notifications.tell, broker)
        wait_for(lambda: fleet.rows(WAITING) == [(0,)])
        assert hanging.about == ["0", *everything]
        assert {each.headers["webhook-id"] for each in hanging.heard[:2]} == {
            hanging.heard[0].headers["webhook-id"]
        }
        assert other.about == everything

"""Real workers on a database of their own, and what tests tell them through a broker."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kombu import Connection

from config import celery_app
from readiness import tasks
from tests.own_database import WAIT, OwnDatabase

SOLO = ("--pool", "solo", "--concurrency", "1", "--loglevel", "INFO")


@contextmanager
def workers_of(database: OwnDatabase) -> "Iterator[Callable[[], subprocess.Popen[bytes]]]":
    """Starts workers on a database; all of them are ended afterwards."""
    workers: list[subprocess.Popen[bytes]] = []

    def start() -> "subprocess.Popen[bytes]":
        name = f"worker-{len(workers)}@%h"
        workers.append(database.start("-m", "celery", "-A", "config", "worker", "-n", name, *SOLO))
        return workers[-1]

    try:
        yield start
    finally:
        for worker in workers:
            worker.kill()
            worker.wait(WAIT)


def send(task: tasks.Nudge, broker: str) -> None:
    """``task.delay()``, through this broker."""
    with Connection(broker) as connection:
        celery_app.send_task(task.name, connection=connection)


def wait_for(holds: Callable[[], bool]) -> None:
    """Wait until something holds, and no longer than ``WAIT`` seconds."""
    end = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)

"""Many who do the same at the same moment, each on a connection of its own. PostgreSQL."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Barrier, BrokenBarrierError
from typing import TypeVar

import psycopg
import pytest
from django.db import connection, connections

from handoff import actions

MANY, WAIT = 50, 60
APART = 0.5
"""Seconds in which another would have come, were it not held apart."""
Row = TypeVar("Row")
_LOCK = 50_000
"""Of the server: test processes beside this one would need as many connections, which it does not have."""


def require_postgresql() -> None:
    """Skips the test elsewhere."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite in memory is one connection's")


def at_once(act: Callable[[int], object], *, many: int = MANY, met: Barrier | None = None) -> list[str]:
    """What became of each of so many, in order: done, or the kind of refusal.

    All begin once each is connected; where the test makes them meet later, ``met`` is where.
    """
    start = met or Barrier(many)

    def one(number: int) -> str:
        try:
            connection.ensure_connection()
            if met is None:
                start.wait(WAIT)
            act(number)
        except actions.RefusedError as refused:
            return type(refused).__name__
        finally:
            connections.close_all()
        return "done"

    with _alone(), ThreadPoolExecutor(many) as threads:
        return sorted(threads.map(one, range(many)))


def halting(write: Callable[..., Row]) -> Callable[..., Row]:
    """The same, after which two wait for each other: what holds them apart lets only one come.

    Where nothing does, both have written before either looks at what the other one did.
    """
    halt = Barrier(2)

    def written(**told: object) -> Row:
        row = write(**told)
        with suppress(BrokenBarrierError):  # nobody else came, and nobody else waits any more
            halt.wait(APART)
        return row

    return written


@contextmanager
def _alone() -> Iterator[None]:
    server = os.environ["DATABASE_URL"].rpartition("/")[0]
    with psycopg.connect(f"{server}/postgres") as held:  # locks are a database's, and this one all share
        held.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        yield

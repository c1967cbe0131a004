"""Is this installation ready: database, migrations, broker, and how old the last evaluation is."""

import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Timer
from typing import Any, NamedTuple

from django.conf import settings
from django.core.cache import cache
from django.db import Error as AnyDatabaseError
from django.db import connection, connections, transaction
from django.db.migrations.executor import MigrationExecutor

from readiness import alerting, clock
from readiness.evaluation.runs import FLEET
from readiness.models import Evaluation
from readiness.models.scorecard import Kind
from readiness.monitoring import broker

logger = logging.getLogger(__name__)

KEPT = 5
"""Seconds for which an answer serves whoever asks: many probes must not be a load."""
PATIENCE = 2.0
"""Seconds for a statement of ours on PostgreSQL."""
HANG_UP = 3.0
"""Seconds for a check, after which we hang up: what stands between us and PostgreSQL may never answer."""
CACHE_KEY = "readiness.monitoring"


class Check(NamedTuple):
    """What was looked at, in words for people; never an error's own text, which may hold an address."""

    ok: bool
    says: str


def report() -> dict[str, Check]:
    """Every check by name, a few seconds old at most."""
    found: dict[str, Check] | None = cache.get(CACHE_KEY)
    if found is None:
        found = _report()
        cache.set(CACHE_KEY, found, KEPT)
    return found


def _report() -> dict[str, Check]:
    asked = {"database": _guarded(_database)}
    needing: Mapping[str, Callable[[], Check]] = {"migrations": _migrations, "evaluation": _evaluation}
    for name, check in needing.items():
        if asked["database"].ok:
            asked[name] = _guarded(check)
        else:
            asked[name] = Check(ok=False, says="not looked at: the database does not answer")
    asked["broker"] = _broker()
    if asked["migrations"].ok:
        _guarded(_watched)
    return asked


def _guarded(check: Callable[[], Check]) -> Check:
    try:
        with _hurried():
            return check()
    except AnyDatabaseError as error:
        logger.warning("the database does not answer: %s", error)
        return Check(ok=False, says="does not answer")


@contextmanager
def _hurried() -> Iterator[None]:
    """Nothing within takes longer than a few seconds on PostgreSQL.

    SQLite needs no hurry, and no transaction: ours would wait there for whoever writes, and reading does not.
    """
    if connection.vendor != "postgresql":
        yield
        return
    timer = Timer(HANG_UP, _hang_up, [connections[connection.alias]])
    timer.daemon = True
    timer.start()
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE * 1_000:.0f}")
            yield
    finally:
        timer.cancel()


def _hang_up(database: Any) -> None:
    """End a connection under the one who waits for it, who then hears of an error."""
    if database.connection is None or database.connection.closed:
        return
    with socket.socket(fileno=os.dup(database.connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def _watched() -> Check:
    """See to the alerts about evaluations too: the sweep does, but only while a worker and beat run."""
    alerting.watch_evaluations()
    return Check(ok=True, says="watched")


def _database() -> Check:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return Check(ok=True, says="answers")


def _migrations() -> Check:
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    return Check(ok=not missing, says=f"{missing} not applied" if missing else "all applied")


def _evaluation() -> Check:
    done = Evaluation.objects.filter(state=Evaluation.State.DONE, kind=Kind.LIVE, scope=FLEET)
    last = done.order_by("-at").values_list("at", flat=True).first()
    if last is None:
        return Check(ok=True, says="none yet")
    hours = clock.age(last).total_seconds() / 3_600
    allowed = settings.SCORECARD_STALE_AFTER.total_seconds() / 3_600
    return Check(
        ok=not clock.is_stale(last), says=f"the fleet's last is {hours:.1f} h old, {allowed:.0f} are allowed"
    )


def _broker() -> Check:
    try:
        broker.waiting()
    except broker.BrokerAwayError as error:
        logger.warning("the broker does not answer: %s", error)
        return Check(ok=False, says="does not answer")
    return Check(ok=True, says="answers")

"""Alive and ready: what probes are told, how fast, and that nobody hears secrets."""

import datetime as dt
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from amqp.exceptions import AccessRefused
from celery import Celery
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from config.celery import app
from readiness import clock
from readiness.models import Alert
from readiness.monitoring import broker, checks
from tests.command_line import shell
from tests.factories import EvaluationFactory, ServiceFactory
from tests.own_database import OwnDatabase

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def ask(query: str = "") -> tuple[int, dict[str, Any]]:
    response = Client().get(f"/readyz{query}")
    return response.status_code, response.json()


def use(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Have the application use another broker."""
    monkeypatch.setattr(app, "connection_for_write", partial(Celery.connection_for_write, app, address))


@pytest.fixture
def redis_broker(request: pytest.FixtureRequest) -> str:
    """A database of Redis that nobody uses; `broker` is the module here."""
    address: str = request.getfixturevalue("broker")
    return address


def failing(answer: dict[str, Any]) -> list[str]:
    return [name for name, check in answer["checks"].items() if not check["ok"]]


def test_a_fresh_installation_is_ready_and_says_that_nothing_was_evaluated() -> None:
    status, answer = ask()

    assert status == 200
    assert answer["ready"] is True
    assert set(answer["checks"]) == {"database", "migrations", "evaluation", "broker"}
    assert answer["checks"]["evaluation"]["says"] == "none yet"


@pytest.mark.parametrize(("hours", "status"), [(47, 200), (49, 503)])
def test_the_fleets_last_live_evaluation_may_not_be_too_old(hours: int, status: int) -> None:
    age = dt.timedelta(hours=hours)
    EvaluationFactory.create(state="done", at=clock.now() - age)
    EvaluationFactory.create(state="done", at=clock.now(), kind="replay")
    EvaluationFactory.create(state="done", at=clock.now(), scope="a few services")
    EvaluationFactory.create(state="running", at=clock.now())
    found, answer = ask()

    assert found == status
    assert failing(answer) == ([] if status == 200 else ["evaluation"])
    assert answer["checks"]["evaluation"]["says"].startswith(f"the fleet's last is {hours}")
    assert ask("?exclude=evaluation")[0] == 200


def test_a_migration_that_is_not_applied_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda self, targets: [("one", False)])
    status, answer = ask()

    assert status == 503
    assert failing(answer) == ["migrations"]
    assert answer["checks"]["migrations"]["says"] == "1 not applied"


def test_a_dead_database_is_told_without_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> checks.Check:
        raise DatabaseError("connection to postgres://handoff:hunter2@db failed")

    monkeypatch.setattr(checks, "_database", fails)
    status, answer = ask()

    assert status == 503
    assert failing(answer) == ["database", "migrations", "evaluation"]
    assert "hunter2" not in str(answer)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_keeps_silent_is_told_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite is no server that could keep silent")
    monkeypatch.setattr(checks, "HANG_UP", 0.5)
    with Line(connection.settings_dict) as line:
        monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        monkeypatch.setitem(connection.settings_dict, "PORT", line.port)
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "connect_timeout", 2)
        connection.close()
        well = checks.report()["database"]
        cache.clear()
        line.silent = True
        began = time.monotonic()
        found = checks.report()
        took = time.monotonic() - began
        connection.close()

    assert well.ok
    assert failing({"checks": {name: check._asdict() for name, check in found.items()}}) == [
        "database",
        "migrations",
        "evaluation",
    ]
    assert took < 4  # to hang up, and to find that nobody takes a new call


class Line:
    """A line to the database through which nothing comes any more once it is ``silent``."""

    def __init__(self, database: Mapping[str, Any]) -> None:
        self.silent = False
        self._server = socket.create_server(("127.0.0.1", 0))
        self._database = (database["HOST"] or "127.0.0.1", int(database["PORT"] or 5432))
        self.port = self._server.getsockname()[1]

    def __enter__(self) -> "Line":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            server = socket.create_connection(self._database)
            for ends in ((client, server), (server, client)):
                threading.Thread(target=self._hand_on, args=ends, daemon=True).start()

    def _hand_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                if not self.silent:
                    other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)


@pytest.mark.sqlite_only
def test_on_sqlite_it_does_not_wait_for_whoever_writes(
    tmp_path: Path, migrated_database: OwnDatabase
) -> None:
    busy = OwnDatabase("busy", tmp_path).create(migrated_database)
    code = (
        "from readiness.monitoring.checks import report; "
        "print(*(name for name, check in report().items() if check.ok))"
    )
    with closing(sqlite3.connect(busy.file, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        said = shell("shell", "--no-imports", "-c", code, database=busy.address)

    assert said.stdout.split() == ["database", "migrations", "evaluation", "broker"], said.stderr
    assert time.monotonic() - began < 20


def test_who_asks_sees_to_the_alerts_of_evaluations_for_no_sweep_tells_that_none_runs() -> None:
    ServiceFactory.create()
    EvaluationFactory.create(state="failed", failed=1, at=clock.now(), errors=[])
    status, _ = ask()

    assert status == 200
    assert Alert.objects.open().get().kind == Alert.Kind.EVALUATION_FAILED


def test_the_folder_of_the_broker_of_files_must_be_writable(settings: Settings, tmp_path: Path) -> None:
    settings.BROKER_DIR = tmp_path
    (tmp_path / "messages").mkdir()
    there = ask()[0]
    cache.clear()
    (tmp_path / "messages").rmdir()
    status, answer = ask()

    assert (there, status) == (200, 503)
    assert failing(answer) == ["broker"]


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where somebody listens and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_is_away_or_hangs_is_told_soon(
    monkeypatch: pytest.MonkeyPatch, silent_port: int, scheme: str
) -> None:
    for port in (1, silent_port):
        address = f"{scheme}://guest:hunter2@127.0.0.1:{port}//"
        use(monkeypatch, address)
        cache.clear()
        began = time.monotonic()
        status, answer = ask()

        assert time.monotonic() - began < 4 * broker.PATIENCE
        assert status == 503
        assert failing(answer) == ["broker"]
        assert "hunter2" not in str(answer)


def test_a_broker_that_will_not_have_us_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object) -> None:
        raise AccessRefused(reply_text="ACCESS_REFUSED - guest:hunter2", reply_code=403)

    monkeypatch.setattr("amqp.connection.Connection.connect", refuse)
    use(monkeypatch, "amqp://guest:hunter2@127.0.0.1:1//")
    status, answer = ask()

    assert status == 503
    assert failing(answer) == ["broker"]
    assert "hunter2" not in str(answer)


def test_messages_that_wait_are_counted(monkeypatch: pytest.MonkeyPatch, redis_broker: str) -> None:
    use(monkeypatch, redis_broker)
    assert broker.waiting() == 0

    for _ in range(3):
        app.send_task("readiness.tasks.sweep", connection=app.connection_for_write())

    assert broker.waiting() == 3


def test_many_probes_share_one_answer(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    ask()

    with django_assert_num_queries(0):
        assert ask()[0] == 200


def test_alive_asks_nobody(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert Client().get("/healthz").content == b"ok\n"

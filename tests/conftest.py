"""What all tests share: which of them need a database, and the services that a laptop may lack."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import TransactionTestCase
from pytest_django.plugin import DjangoDbBlocker
from redis import Redis

from handoff import guards
from tests.own_database import OwnDatabase, own_name
from tests.worked_fleet import FOLDER

REDIS = "redis://127.0.0.1:6379/1"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ON_POSTGRESQL = "postgres" in os.environ.get("DATABASE_URL", "")
BY_MIGRATIONS = dict.fromkeys(
    ("auth_group", "auth_group_permissions", "auth_permission", "django_content_type"), ""
)
"""Tables that migrations fill and no test that commits may change; and what they hold, in short."""


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what touches a database, so that `-m needs_database` runs that part again on another one."""
    for item in items:
        if ON_POSTGRESQL and item.get_closest_marker("sqlite_only"):
            item.add_marker(pytest.mark.skip("about SQLite, or what keeps to it"))
        if uses_the_suites_database(item):
            item.add_marker(pytest.mark.needs_database)
        elif "migrated_database" in getattr(item, "fixturenames", ()):
            # what is copied must be there: pytest-django makes it only where a test that was chosen says so
            item.add_marker(pytest.mark.django_db)


def uses_the_suites_database(item: pytest.Item) -> bool:
    """Whether a test works in the database that all tests share."""
    fixtures = {"db", "transactional_db"}.intersection(getattr(item, "fixturenames", ()))
    return bool(fixtures or item.get_closest_marker("django_db"))


def require_service(name: str, *, found: bool) -> None:
    """Skips the test when a service is missing; fails it where CI=true, which promises to have them all."""
    if found:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{name} is missing, and with CI=true it must not be", pytrace=False)
    pytest.skip(f"{name} is missing")


def answers(address: str) -> bool:
    """Whether something listens at the host and port of an address such as redis://127.0.0.1:6379/1."""
    parts = urlsplit(address)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 0), timeout=2):
            return True
    except OSError:
        return False


@pytest.fixture(autouse=True, scope="session")
def _flushed() -> Iterator[None]:
    """Tests that commit empty all tables at their end; what is written once would refuse that."""
    flush: Any = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]  # not in the stubs

    def unguarded(case: TransactionTestCase) -> None:
        guards.take_away()
        flush(case)
        guards.put_back()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", emptied if ON_POSTGRESQL else unguarded)
        yield


def emptied(_: TransactionTestCase) -> None:
    """Deletes what a test committed: to truncate every table, as Django does, takes a second here."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    filled = (
        f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in {*tables} - {*BY_MIGRATIONS}
    )
    with transaction.atomic(), connection.cursor() as cursor:
        guards.take_away()
        cursor.execute(" UNION ALL ".join(filled))
        for (table,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        guards.put_back()
    assert by_migrations() == BY_MIGRATIONS, "a test that commits changed what all others need"


def by_migrations() -> dict[str, str]:
    """What is in each table of ``BY_MIGRATIONS``, in short."""
    said = "SELECT md5(string_agg(row::text, ',' ORDER BY row::text)) FROM {} row"
    with connection.cursor() as cursor:
        return {table: str(cursor.execute(said.format(table)).fetchone()[0]) for table in BY_MIGRATIONS}


@pytest.fixture(autouse=True, scope="module")
def _swept(request: pytest.FixtureRequest) -> None:
    """What tests took back lies about in PostgreSQL's tables until it is swept up, and slows what follows."""
    own = [item for item in request.session.items if item.path == request.path]
    if not ON_POSTGRESQL or not any(map(uses_the_suites_database, own)):
        return
    request.getfixturevalue("django_db_setup")
    with request.getfixturevalue("django_db_blocker").unblock(), connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE readiness_deployment, readiness_incident, readiness_page")


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OwnDatabase]:
    """The suite's database as ever, and a copy of it from before any test."""
    copy = OwnDatabase(own_name("migrated"), tmp_path_factory.mktemp("migrated"))
    with django_db_blocker.unblock():
        if ON_POSTGRESQL:
            BY_MIGRATIONS.update(by_migrations())
        copy.create_as_migrated()
    yield copy
    copy.drop()


@pytest.fixture(scope="session")
def migrated_database(django_db_setup: OwnDatabase) -> OwnDatabase:
    """A database to copy, with what migrations make and nothing else: to run them takes ten seconds."""
    return django_db_setup


@pytest.fixture(scope="session")
def worked_database(
    migrated_database: OwnDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OwnDatabase]:
    """A database to copy, with the worked fleet in it, not judged yet."""
    database = OwnDatabase(own_name("worked"), tmp_path_factory.mktemp("worked")).create(migrated_database)
    try:
        database.manage("import_fleet", str(FOLDER))
        yield database
    finally:
        database.drop()


@pytest.fixture(scope="module")
def worked_fleet_once(django_db_setup: OwnDatabase, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The worked fleet in the suite's own database, for a whole module: what each test does is taken back."""
    block = transaction.atomic()
    with django_db_blocker.unblock():
        block.__enter__()
        call_command("import_fleet", FOLDER, verbosity=0)
    yield
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        block.__exit__(None, None, None)


@pytest.fixture(scope="session")
def redis_url() -> str:
    """A Redis that a real worker may use: the configured broker, else the one on this machine."""
    configured = os.environ.get("CELERY_BROKER_URL", "")
    address = configured if configured.startswith("redis") else REDIS
    require_service(f"Redis at {urlsplit(address).netloc}", found=answers(address))
    return address


@pytest.fixture
def broker(redis_url: str) -> Iterator[str]:
    """A database of Redis that nobody uses, emptied afterwards."""
    server = redis_url.rpartition("/")[0]
    # test processes beside this one look among other numbers, so that two never take the same
    beside = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    own = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for number in range(15 - own, 1, -beside):
        database = Redis.from_url(f"{server}/{number}")
        if not database.dbsize():
            yield f"{server}/{number}"
            database.flushdb()
            return
    pytest.fail("every database of this Redis is in use")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium that Playwright may drive."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), "")
    require_service("Chromium", found=bool(found))
    return found

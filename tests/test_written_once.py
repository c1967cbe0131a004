"""Rows that are written once: the database itself refuses edits and deletions, also after a migration."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from handoff import actions, guards
from handoff.models import AppliedDecision, LookBack, OverrideEnd, ReviewComment, Transition, VerdictOverride
from readiness.models import ManagementChange, PolicyActivation
from tests.command_line import shell
from tests.factories import NOW, AdviceNoteFactory, ExclusionFactory, ServiceFactory
from tests.handing_off import Handover
from tests.own_database import OwnDatabase

pytestmark = pytest.mark.django_db
TABLES = [model._meta.db_table for model in guards.guarded()]


@pytest.fixture
def adopted() -> Transition:
    """A service that was adopted, which leaves a change and a transition."""
    service = ServiceFactory.create()
    actions.adopt(service, state="ops_managed", effective_at=NOW, actor="1 Ada", reason="it ran already")
    return Transition.objects.get()


@pytest.fixture
def rows_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handed-off service, and a row of each table that its story does not write."""
    place = Handover(monkeypatch)
    case = place.moved()
    said = {"actor": "1 Ada", "reason": "It cannot wait.", "at": place.now}
    review, card = case.review, case.moved_card
    assert review is not None
    assert card is not None
    override = VerdictOverride.objects.create(
        review=review, service=place.service, verdict="not_ready", scorecard=card, **said
    )
    OverrideEnd.objects.create(override=override, **said)
    ReviewComment.objects.create(review=review, author="1 Ada", text="Hm.", at=place.now)
    LookBack.objects.create(case=case, days=30, scorecard=card, numbers={}, at=place.now)
    PolicyActivation.objects.create(policy=card.policy, **said)
    AppliedDecision.objects.create(fleet="shop", digest="0" * 64, applied_at=place.now)
    AdviceNoteFactory.create()
    ExclusionFactory.create(service=place.service)


def refused(statement: str) -> bool:
    """Whether the database refuses a statement."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError as error:
        return guards.REFUSAL in str(error)
    return False


@pytest.mark.usefixtures("adopted")
@pytest.mark.parametrize("model", [Transition, ManagementChange])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET reason = 'it was I'", "DELETE FROM {}", "UPDATE {} SET id = id + 1"]
)
def test_raw_sql_cannot_change_or_delete_a_row(
    model: type[Transition] | type[ManagementChange], statement: str
) -> None:
    assert refused(statement.format(model._meta.db_table))
    assert model.objects.get().reason == "it ran already"


def open_to(statement: str) -> list[str]:
    """Tables in which a statement is not refused."""
    return [table for table in TABLES if not refused(statement.format(table))]


@pytest.mark.usefixtures("rows_of_each")
def test_rows_of_no_table_can_be_changed_or_deleted_also_after_a_later_migration() -> None:
    statements = ("UPDATE {} SET id = id + 1000", "UPDATE {} SET id = id", "DELETE FROM {}")
    assert [each for statement in statements for each in open_to(statement)] == []
    _by_altering()
    assert [each for statement in statements for each in open_to(statement)] == []


@pytest.mark.parametrize("table", TABLES)
def test_each_table_is_guarded(table: str) -> None:
    if connection.vendor == "postgresql":
        assert refused(f"TRUNCATE {table} CASCADE")
    assert guards.check(["default"]) == []
    guards.take_away()
    assert len(guards.check(["default"])) == len(TABLES)
    assert table in " ".join(error.msg for error in guards.check(["default"]))
    guards.put_back()
    assert guards.check(["default"]) == []


def _by_migrate() -> None:
    call_command("migrate", "handoff", verbosity=0)


def _by_altering() -> None:
    """As a later migration does on SQLite: the table is made anew, and its triggers are gone."""
    connection.check_constraints()
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} ADD COLUMN later integer")
    guards.take_away()
    call_command("migrate", "handoff", verbosity=0)


@pytest.mark.parametrize("migrated", [_by_migrate, _by_altering])
def test_they_are_put_back_after_a_migration(adopted: Transition, migrated: Callable[[], None]) -> None:
    migrated()
    assert refused(f"DELETE FROM {adopted._meta.db_table}")


def test_an_adoption_is_on_record_with_who_when_and_why(adopted: Transition) -> None:
    assert (adopted.subject, adopted.move) == ("management", "adopt as ops_managed")
    assert (adopted.from_state, adopted.to_state, adopted.at) == ("", "ops_managed", NOW)
    assert (adopted.actor, adopted.reason) == ("1 Ada", "it ran already")


@pytest.mark.sqlite_only
def test_a_database_without_triggers_is_mended_by_the_command_that_people_use(
    tmp_path: Path, migrated_database: OwnDatabase
) -> None:
    """Through a shell: only there do checks run before the migration."""
    copy = OwnDatabase("unguarded", tmp_path).create(migrated_database)
    database = copy.address
    with closing(sqlite3.connect(copy.file)) as unguarded:
        for (name,) in unguarded.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            unguarded.execute(f"DROP TRIGGER {name}")
        unguarded.commit()

    told = shell("check", "--database=default", database=database)
    mended = shell("migrate", "--verbosity=0", database=database)
    again = shell("check", "--database=default", database=database)

    assert "handoff.W001" in told.stderr
    assert (mended.returncode, again.returncode) == (0, 0)
    assert "handoff.W001" not in again.stderr

"""Triggers that refuse edits and deletions of append-only rows, on both databases.

SQLite drops a table's triggers when Django alters the table, so they are put back after each migration; a
system check says which are missing.
"""

from collections.abc import Iterable
from typing import Any, Final

from django.apps import apps
from django.core import checks
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

APPEND_ONLY: Final = (
    "handoff.Transition",
    "handoff.TransitionScorecard",
    "handoff.AdviceNote",
    "handoff.AppliedDecision",
    "handoff.CaseComment",
    "handoff.CaseScorecard",
    "handoff.ItemOutcome",
    "handoff.LookBack",
    "handoff.OverrideEnd",
    "handoff.PageAssessment",
    "handoff.ReviewComment",
    "handoff.ShadowConfirmation",
    "handoff.SignOff",
    "handoff.VerdictOverride",
    "readiness.ManagementChange",
    "readiness.PolicyActivation",
    "readiness.Exclusion",
)
REFUSAL: Final = "rows of this table are written once: they are neither changed nor deleted"


def guarded() -> list[type[Model]]:
    """The models whose rows are written once."""
    return [apps.get_model(label) for label in APPEND_ONLY]


def put_back(using: str = "default") -> None:
    """Make the triggers that are missing."""
    connection = connections[using]
    there = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_FUNCTION)
        for table in _missing(connection):
            if table in there:
                for statement in _statements(connection.vendor, table):
                    cursor.execute(statement)


def take_away(using: str = "default") -> None:
    """Drop the triggers: for tests, which empty all tables."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for table in set(_tables()) - set(_missing(connection)):
            for name in _names(connection.vendor, table):
                place = f" ON {table}" if connection.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER {name}{place}")


def check(databases: Iterable[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """Which tables anybody could edit; told by ``migrate`` and ``check --database``.

    As warnings: an error would stop the very ``migrate`` that mends it.
    """
    return [
        checks.Warning(
            f"Rows of {table} can be changed: its triggers are missing.",
            hint="Run manage.py migrate, which puts them back.",
            id="handoff.W001",
        )
        for using in databases or ()
        for table in _missing(connections[using])
        if table in connections[using].introspection.table_names()
    ]


def _tables() -> list[str]:
    return [model._meta.db_table for model in guarded()]  # noqa: SLF001 - Django documents it


def _missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Tables without all of their triggers."""
    with connection.cursor() as cursor:
        cursor.execute(_THERE[connection.vendor])
        there = {name for (name,) in cursor.fetchall()}
    return [table for table in _tables() if not set(_names(connection.vendor, table)) <= there]


def _names(vendor: str, table: str) -> list[str]:
    kinds = ("row", "truncate") if vendor == "postgresql" else ("update", "delete")
    return [f"{table}_once_{kind}" for kind in kinds]


def _statements(vendor: str, table: str) -> list[str]:
    first, second = _names(vendor, table)
    if vendor == "postgresql":
        run = "EXECUTE FUNCTION handoff_written_once()"
        return [
            f"CREATE OR REPLACE TRIGGER {first} BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {run}",
            f"CREATE OR REPLACE TRIGGER {second} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {run}",
        ]
    refuse = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    return [
        f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {verb} ON {table} {refuse}"
        for name, verb in ((first, "UPDATE"), (second, "DELETE"))
    ]


_FUNCTION = f"""
CREATE OR REPLACE FUNCTION handoff_written_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation';
END $$
"""
_THERE: Final = {
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'",
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
}

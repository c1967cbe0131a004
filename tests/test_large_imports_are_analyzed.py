"""PostgreSQL learns at once what a large import brought, so that the evaluation after it is planned well."""

import datetime as dt
from collections.abc import Iterator

import pytest
from django.db import connection

from readiness.evidence import Kind, Record, Rejection, parse_object
from readiness.ingest import Ingest, store
from tests.factories import NOW, ServiceFactory

pytestmark = pytest.mark.django_db


def defects(number: int) -> Iterator[tuple[int, Record | Rejection]]:
    """So many records of one service."""
    for index in range(number):
        stated = {
            "service": "pay",
            "source": "tracker",
            "id": f"D-{index}",
            "severity": 3,
            "title": "wrong",
            "opened_at": (NOW - dt.timedelta(days=3)).isoformat(),
        }
        yield index, parse_object(Kind.DEFECT, stated, NOW)


def taken(number: int, rejection: Rejection) -> None:
    """Every row of these tests is good."""
    pytest.fail(str(rejection))


def known_rows() -> float:
    """How many defects the planner believes in; below 0 it never looked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'readiness_defect'")
        return float(cursor.fetchone()[0])


def test_the_planner_knows_the_rows_of_a_large_import_and_is_not_asked_after_a_small_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite plans by its indexes alone; CI runs this on PostgreSQL")
    monkeypatch.setattr(store, "MANY", 500)
    ServiceFactory.create(slug="pay")
    before = known_rows()

    Ingest(NOW).store(Kind.DEFECT, defects(499), refuse=taken)
    assert known_rows() == before

    Ingest(NOW).store(Kind.DEFECT, defects(1_200), refuse=taken)
    assert known_rows() == 1_200

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


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite plans by its indexes alone; CI runs this on PostgreSQL")
    monkeypatch.setattr(store, "MANY", 50)
    ServiceFactory.create(slug="pay")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE readiness_defect")


def test_the_planner_knows_the_rows_of_a_large_import() -> None:
    Ingest(NOW).store(Kind.DEFECT, defects(120), refuse=taken)

    assert known_rows() == 120


def test_it_is_not_asked_after_a_small_one() -> None:
    Ingest(NOW).store(Kind.DEFECT, defects(49), refuse=taken)

    assert known_rows() == 0


def test_nor_after_one_that_adds_little_to_the_table() -> None:
    Ingest(NOW).store(Kind.DEFECT, defects(1_000), refuse=taken)
    Ingest(NOW).store(Kind.DEFECT, defects(1_060), refuse=taken)

    assert known_rows() == 1_000

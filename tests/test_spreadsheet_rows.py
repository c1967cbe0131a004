"""A sheet's row becomes the record that REST would take, or everything that is wrong with it."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.evidence import Kind, Record, Rejection, parse_object
from readiness.spreadsheets import COLUMNS, Cell, Row, read_record

NOW = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
KINDS = list(COLUMNS)
INCIDENT: Mapping[str, Cell] = {
    "service": "pay",
    "source": "pager",
    "id": "17",
    "severity": "2",
    "title": "down",
    "started_at": "2026-06-01 10:00",
}

naive = dt.datetime.fromisoformat
"""A time without offset, as a workbook keeps it."""


def read(cells: Mapping[str, Cell], kind: Kind = Kind.INCIDENT, zone: ZoneInfo = UTC) -> Record | Rejection:
    return read_record(kind, Row(2, cells), zone=zone, now=NOW)


def taken(field: str, cell: Cell, kind: Kind = Kind.INCIDENT, zone: ZoneInfo = UTC) -> Any:
    """What a field holds when its cell holds this, in a row that is right otherwise."""
    record = read(_right(kind) | {field: cell}, kind, zone)
    assert isinstance(record, Record), str(record)
    return getattr(record, field)


def refused(field: str, cell: Cell, kind: Kind = Kind.INCIDENT, zone: ZoneInfo = UTC) -> str:
    rejection = read(_right(kind) | {field: cell}, kind, zone)
    assert isinstance(rejection, Rejection), "taken"
    return str(rejection)


def _right(kind: Kind) -> dict[str, Cell]:
    if kind is Kind.INCIDENT:
        return dict(INCIDENT)
    return {column.name: column.example for column in COLUMNS[kind] if column.required}


@pytest.mark.parametrize("kind", KINDS)
def test_the_examples_of_the_templates_are_records(kind: Kind) -> None:
    record = read({column.name: column.example for column in COLUMNS[kind]}, kind)

    assert isinstance(record, Record), str(record)


@pytest.mark.parametrize("kind", KINDS)
def test_the_manual_names_every_column(kind: Kind) -> None:
    manual = (Path(__file__).parent.parent / "docs/spreadsheets.md").read_text()

    for column in COLUMNS[kind]:
        assert f"| `{column.name}` | {'yes' if column.required else 'no'} | {column.hint} |" in manual


def test_a_row_is_the_record_that_rest_takes() -> None:
    as_json = {**INCIDENT, "severity": 2, "started_at": "2026-06-01T10:00:00Z"}

    assert read(INCIDENT) == parse_object(Kind.INCIDENT, as_json, NOW)


def test_an_empty_cell_says_nothing_and_does_not_clear() -> None:
    record = read({**INCIDENT, "resolved_at": "", "cause": None, "url": "  "})

    assert isinstance(record, Record)
    assert record.model_fields_set == set(INCIDENT)


@pytest.mark.parametrize(
    ("field", "cell", "value"),
    [
        ("severity", "2", 2),
        ("severity", 2, 2),
        ("severity", 2.0, 2),
        ("drill", "yes", True),
        ("drill", "FALSE", False),
        ("drill", True, True),
        ("id", 4711, "4711"),
        ("id", 4711.0, "4711"),
        ("title", 1.5, "1.5"),
        ("title", "=1+1", "=1+1"),
        ("title", "'=1+1", "=1+1"),
        ("title", "'tis down", "'tis down"),
        ("cause", "Code", "code"),
        ("caused_by", "4711", "4711"),
    ],
)
def test_cells_are_read_as_what_they_mean(field: str, cell: Cell, value: Any) -> None:
    assert taken(field, cell) == value


def test_a_reference_may_name_another_source() -> None:
    named = taken("caused_by", "ci:build:4711")

    assert (named.source, named.id) == ("ci", "build:4711")


def test_lists_are_separated_by_commas() -> None:
    assert list(taken("services", "pay, ledger ,", Kind.FEED)) == ["pay", "ledger"]


def test_hours_may_have_decimals() -> None:
    assert taken("effort_hours", "1.5", Kind.WORK_ITEM) == taken("effort_hours", 1.5, Kind.WORK_ITEM) == 1.5
    assert refused("effort_hours", "1,5", Kind.WORK_ITEM) == "effort_hours must be a number such as 1.5"


@pytest.mark.parametrize(
    ("cell", "zone", "moment"),
    [
        ("2026-06-01 10:00", UTC, "2026-06-01T10:00+00:00"),
        ("2026-06-01 10:00", BERLIN, "2026-06-01T08:00+00:00"),
        (naive("2026-06-01 10:00"), BERLIN, "2026-06-01T08:00+00:00"),
        ("2026-06-01T10:00:00+05:00", BERLIN, "2026-06-01T05:00+00:00"),
        ("2026-06-01T10:00Z", BERLIN, "2026-06-01T10:00+00:00"),
        ("2026-06-01", UTC, "2026-06-01T00:00+00:00"),
        (dt.date(2026, 6, 1), UTC, "2026-06-01T00:00+00:00"),
    ],
)
def test_times_without_offset_are_of_the_zone_that_was_chosen(
    cell: Cell, zone: ZoneInfo, moment: str
) -> None:
    assert taken("started_at", cell, zone=zone) == dt.datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    ("field", "cell", "said"),
    [
        ("severity", "two", "must be a whole number"),
        ("severity", True, "must be a whole number"),
        ("severity", 2.5, "must be a whole number"),
        ("severity", "9", "is more than 5"),
        ("drill", "maybe", "must be yes or no"),
        ("title", True, "format the column as text"),
        ("title", naive("2026-01-02"), "was turned into a date"),
        ("id", 1e16, "lost digits"),
        ("title", "#REF!", "holds an error of the spreadsheet, #REF!"),
        ("started_at", "01.06.2026 10:00", "is no time: write it like"),
        ("started_at", 46000.5, "is no time: write it like"),
        ("started_at", "2026-13-01", "is no time: write it like"),
        ("started_at", "2027-06-01", "lies too far in the future"),
        ("started_at", "1980-06-01", "lies before 1990"),
        ("resolved_at", "2026-05-01", "is before started_at"),
        ("cause", "gossip", "must be 'design', 'code'"),
        ("url", "javascript:alert(1)", "is not an http or https address"),
        ("caused_by", "ci:", "is neither an id nor"),
    ],
)
def test_what_cannot_be_is_said_with_its_column(field: str, cell: Cell, said: str) -> None:
    assert refused(field, cell).startswith(f"{field} ")
    assert said in refused(field, cell)


def test_hours_that_clocks_skip_or_repeat_need_an_offset() -> None:
    skipped = refused("started_at", "2026-03-29 02:30", zone=BERLIN)
    repeated = refused("started_at", naive("2025-10-26 02:30"), zone=BERLIN)

    assert "never was in Europe/Berlin" in skipped
    assert "was twice in Europe/Berlin" in repeated
    assert taken("started_at", "2025-10-26 02:30+02:00", zone=BERLIN)


def test_everything_that_is_wrong_with_a_row_is_said_at_once() -> None:
    rejection = read({**INCIDENT, "severity": "two", "title": None, "drill": "maybe"})

    assert str(rejection) == "severity must be a whole number; drill must be yes or no; title is missing"


def test_a_cell_beyond_the_header_is_a_mistake() -> None:
    rejection = read_record(Kind.INCIDENT, Row(2, INCIDENT, beyond=True), zone=UTC, now=NOW)

    assert str(rejection) == "has more cells than the header has columns"


ANY_CELL = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.datetimes(),
    st.datetimes(timezones=st.timezones()),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.dates().map(str),
    st.datetimes(timezones=st.timezones()).map(str),
)


@given(
    kind=st.sampled_from(KINDS),
    zone=st.sampled_from([UTC, BERLIN, ZoneInfo("Pacific/Apia"), ZoneInfo("America/New_York")]),
    data=st.data(),
)
def test_no_cell_whatever_makes_the_reading_fail(kind: Kind, zone: ZoneInfo, data: st.DataObject) -> None:
    names = [column.name for column in COLUMNS[kind]]
    cells = _right(kind) | data.draw(st.dictionaries(st.sampled_from(names), ANY_CELL, max_size=6))

    assert isinstance(read(cells, kind, zone), Record | Rejection)


@given(cell=st.datetimes(naive("1995-01-01"), naive("2026-01-01")), zone=st.timezones())
def test_a_time_that_is_taken_is_what_the_clocks_of_the_zone_showed(
    cell: dt.datetime, zone: ZoneInfo
) -> None:
    record = read({**INCIDENT, "started_at": cell}, zone=zone)

    if isinstance(record, Rejection):
        assert "for clocks were put" in str(record)
    else:
        assert record.started_at.astimezone(zone).replace(tzinfo=None, fold=0) == cell  # type: ignore[attr-defined]

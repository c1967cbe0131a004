"""Reads rows: cells find their columns by the header, and become a record or everything that is wrong."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from readiness.evidence import Kind, Problem, Record, Rejection, parse_object
from readiness.spreadsheets.archive import SheetError
from readiness.spreadsheets.cells import Cell, CellError, is_empty, tidy
from readiness.spreadsheets.columns import COLUMNS, Column
from readiness.spreadsheets.files import RawSheet


@dataclass(frozen=True, slots=True)
class Row:
    """A row's cells by their columns' names, and its number as a spreadsheet shows it."""

    number: int
    cells: Mapping[str, Cell]
    beyond: bool = False
    """It holds something to the right of the last column."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns a sheet may have: other names of them, and names that are known and not read."""

    columns: Sequence[Column]
    also: Mapping[str, str] = field(default_factory=dict)
    skipped: frozenset[str] = frozenset()


def match(sheet: RawSheet, layout: Layout) -> list[Row]:
    """Give every row's cells their names. Raises ``SheetError`` for unknown, missing or repeated ones."""
    names = [_column_name(cell, layout.also) for cell in sheet.header]
    while names and not names[-1]:
        names.pop()
    problems = _header_problems([name for name in names if name not in layout.skipped], layout.columns)
    if problems:
        raise SheetError(" ".join(problems))
    return [
        Row(number, dict(zip(names, cells, strict=False)), beyond=not all(map(is_empty, cells[len(names) :])))
        for number, cells in sheet.rows
    ]


def _column_name(cell: Cell, also: Mapping[str, str]) -> str:
    written = "" if cell is None else str(cell).strip().lower()
    name = "_".join(written.replace("-", " ").split())
    return also.get(name, name)


def _header_problems(names: Sequence[str], columns: Sequence[Column]) -> list[str]:
    known = {column.name: column for column in columns}
    unknown = [name for name in names if name and name not in known]
    missing = [column.name for column in columns if column.required and column.name not in names]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    blank = [str(at) for at, name in enumerate(names, start=1) if not name]
    said = (
        (unknown, "No such column: {}. Known are " + ", ".join(known) + "."),
        (missing, "Missing column: {}."),
        (twice, "Column given twice: {}."),
        (blank, "Column without a name: number {}."),
    )
    return [words.format(", ".join(which)) for which, words in said if which]


def read_values(
    cells: Mapping[str, Cell], columns: Iterable[Column], zone: tzinfo
) -> tuple[dict[str, Any], list[Problem]]:
    """What a row's cells say, by column, and what cannot be read. An empty cell says nothing."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for column in columns:
        try:
            cell = tidy(cells.get(column.name))
            if cell is not None:
                values[column.name] = column.read(cell, zone)
        except CellError as error:
            problems.append(Problem(column.name, str(error)))
    return values, problems


def read_record(kind: Kind, row: Row, *, zone: tzinfo, now: datetime) -> Record | Rejection:
    """Read one row as REST would read the same values. ``now`` is the real time; raises nothing."""
    values, problems = read_values(row.cells, COLUMNS[kind], zone)
    if row.beyond:
        problems.append(Problem("", "has more cells than the header has columns"))
    record = parse_object(kind, values, now)
    if isinstance(record, Rejection):
        said = {problem.field for problem in problems}
        problems += [problem for problem in record.problems if problem.field.split(".")[0] not in said]
    return Rejection(tuple(problems)) if problems or isinstance(record, Rejection) else record

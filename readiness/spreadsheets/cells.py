"""Reads one cell: text from CSV; text, numbers, booleans and times without offset from XLSX.

A reader returns what a JSON object would hold there, or raises ``CellError`` with words that read on from the
column's name. Whether the value is a possible one is for the record to say.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any

Cell = object
"""What a file holds in a cell; ``None`` when nothing."""
Reader = Callable[[Cell, tzinfo], Any]
"""Reads a cell that is not empty; times without an offset are of the time zone."""

ERRORS = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"})
"""What a spreadsheet writes where a formula failed."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""Exports put an apostrophe before a text that begins so."""
EXACT = 10**15
"""Spreadsheets keep fifteen digits of a number; of a longer one the rest is made up."""
PLACED = range(1901, 2300)
"""Years in which a time zone is asked; a record refuses all others anyway."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}($|[T ])")
_FLAGS = {"yes": True, "true": True, "no": False, "false": False}


class CellError(ValueError):
    """A cell that cannot be read, and why."""


def is_empty(cell: Cell) -> bool:
    """Whether it holds nothing, or blanks."""
    return not cell.strip() if isinstance(cell, str) else cell is None


def tidy(cell: Cell) -> Cell:
    """The cell without blanks around it, ``None`` when empty. Raises ``CellError`` for a failed formula."""
    if not isinstance(cell, str):
        return cell
    text = cell.strip()
    if text in ERRORS:
        raise CellError(f"holds an error of the spreadsheet, {text}")
    if text.startswith("'") and text[1:].startswith(FORMULA_STARTS):
        return text[1:]
    return text or None


def text(cell: Cell, zone: tzinfo) -> str:
    """Text as it stands, and a number as it is written; nothing is computed."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        raise CellError("is TRUE or FALSE; format the column as text")
    if isinstance(cell, int | float):
        return _digits(cell)
    raise CellError("was turned into a date or time by the spreadsheet; format the column as text")


def _digits(number: float) -> str:
    if not abs(number) < EXACT:  # nor what is no number at all
        raise CellError("is a number so long that the spreadsheet lost digits; format the column as text")
    return str(int(number)) if number == int(number) else str(number)


def word(cell: Cell, zone: tzinfo) -> str:
    """One of a closed list of words, in capitals or not."""
    return text(cell, zone).lower()


def flag(cell: Cell, zone: tzinfo) -> bool:
    """Yes or no."""
    if isinstance(cell, bool):
        return cell
    known = _FLAGS.get(cell.lower()) if isinstance(cell, str) else None
    if known is None:
        raise CellError("must be yes or no")
    return known


def whole(cell: Cell, zone: tzinfo) -> int:
    """A whole number."""
    if isinstance(cell, str) and _WHOLE.fullmatch(cell):
        return int(cell)
    if isinstance(cell, int | float) and not isinstance(cell, bool) and cell == cell // 1:
        return int(cell)
    raise CellError("must be a whole number")


def number(cell: Cell, zone: tzinfo) -> float:
    """A number, with a point before its decimals."""
    if isinstance(cell, str) and _NUMBER.fullmatch(cell):
        return float(cell)
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return float(cell)
    raise CellError("must be a number such as 1.5")


def moment(cell: Cell, zone: tzinfo) -> str:
    """A time as ISO-8601 with offset. A date is its first moment; a time without offset is of the zone."""
    found = _time_of(cell)
    return (found if found.tzinfo is not None else _placed(found, zone)).isoformat()


def _time_of(cell: Cell) -> datetime:
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime.combine(cell, time())
    if isinstance(cell, str) and _TIME.match(cell):
        try:
            return datetime.fromisoformat(cell)
        except ValueError:
            pass
    raise CellError(
        "is no time: write it like 2026-01-31 09:00 or 2026-01-31T09:00+01:00, or format the cell as a date"
    )


def _placed(naive: datetime, zone: tzinfo) -> datetime:
    """The moment at which the zone's clocks showed this; refused when they never did, or did twice."""
    if naive.year not in PLACED:
        return naive.replace(tzinfo=UTC)
    local = naive.replace(tzinfo=zone, fold=0)
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) != naive.replace(fold=0):
        raise CellError(f"never was in {zone}, for clocks were put forward; write the offset, as in +01:00")
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise CellError(f"was twice in {zone}, for clocks were put back; write the offset, as in +01:00")
    return local.astimezone(UTC)


def day(cell: Cell, zone: tzinfo) -> date:
    """A date."""
    if isinstance(cell, datetime):
        if cell.time() == time():
            return cell.date()
    elif isinstance(cell, date):
        return cell
    elif isinstance(cell, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", cell):
        try:
            return date.fromisoformat(cell)
        except ValueError:
            pass
    raise CellError("is no date: write it like 2026-01-31")


def reference(cell: Cell, zone: tzinfo) -> str | dict[str, str]:
    """An id of the row's own source, or ``source:id``; what follows the first colon is the id."""
    written = text(cell, zone)
    source, colon, named = written.partition(":")
    return {"source": source.strip(), "id": named.strip()} if colon else written


def names(cell: Cell, zone: tzinfo) -> list[str]:
    """Names separated by commas."""
    parts = (part.strip() for part in text(cell, zone).split(","))
    return [part for part in parts if part]

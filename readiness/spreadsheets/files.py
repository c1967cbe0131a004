"""Opens an uploaded file: CSV or XLSX, told apart by its first bytes, into rows of cells within limits."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import openpyxl

from readiness.spreadsheets.archive import SheetError, looked_through
from readiness.spreadsheets.cells import Cell, is_empty

MAX_BYTES = 10 * 1024 * 1024
MAX_ROWS = 20_000
LAST_ROW = 1_048_576
"""The last that a spreadsheet has; a file may claim any."""
MAX_COLUMNS = 100
DELIMITERS = (",", ";", "\t")
COMMENT = "# "
"""Rows that begin so are skipped: the templates show an example there."""

_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True)
class RawSheet:
    """The header's cells, and the rows beneath that hold anything, with the numbers a spreadsheet shows."""

    header: tuple[Cell, ...]
    rows: list[tuple[int, tuple[Cell, ...]]]

    def __len__(self) -> int:
        return len(self.rows)


def read_file(content: bytes) -> RawSheet:
    """Read the first sheet of a file. Raises ``SheetError``."""
    if len(content) > MAX_BYTES:
        raise SheetError(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB. Split it.")
    if content.startswith(_OLD_EXCEL):
        raise SheetError("This is an old Excel file or an encrypted one. Save it as XLSX or CSV.")
    rows = _xlsx_rows(content) if content.startswith(_ZIP) else _csv_rows(content)
    return _collected(rows)


def _collected(rows: Iterable[tuple[Cell, ...]]) -> RawSheet:
    header: tuple[Cell, ...] = ()
    found: list[tuple[int, tuple[Cell, ...]]] = []
    for number, cells in enumerate(rows, start=1):
        if number > LAST_ROW:
            raise SheetError(f"The file goes on below row {LAST_ROW:,}, the last that a spreadsheet has.")
        if cells.count(None) == len(cells) or not _is_told(cells):  # most of a sheet may be empty
            continue
        if not header:
            header = cells
        elif len(found) == MAX_ROWS:
            raise SheetError(f"The file has more than {MAX_ROWS:,} rows. Split it.")
        else:
            found.append((number, cells))
    if not header:
        raise SheetError("The file is empty: its first row must name the columns.")
    if not found:
        raise SheetError("The file has no rows beneath its header.")
    return RawSheet(header, found)


def _csv_rows(content: bytes) -> Iterator[tuple[Cell, ...]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SheetError(
            "The file is not UTF-8 text. Save it as “CSV UTF-8 (comma delimited)”, or as XLSX."
        ) from error
    number = 0
    try:
        for cells in _csv_reader(text, _delimiter(text)):
            number += 1
            yield tuple(cells)
    except csv.Error as error:
        raise SheetError(f"The file cannot be read as CSV after row {number}: {error}.") from error


def _csv_reader(text: str, delimiter: str, *, strict: bool = True) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict)


def _delimiter(text: str) -> str:
    """What the header is separated by: whatever makes the most columns of it."""
    headers = {each: next(filter(_is_told, _csv_reader(text, each, strict=False)), []) for each in DELIMITERS}
    return max(DELIMITERS, key=lambda each: len(headers[each]))


def _is_told(cells: Sequence[Cell]) -> bool:
    """Whether a row holds anything that is not skipped."""
    return not all(map(is_empty, cells)) and not str(cells[0]).lstrip().startswith(COMMENT)


def _xlsx_rows(content: bytes) -> Iterator[tuple[Cell, ...]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            mistakes = looked_through(archive)
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        if mistake := mistakes.get(sheet._worksheet_path):  # noqa: SLF001 - what else says which part it is
            raise SheetError(mistake)
        sheet.reset_dimensions()  # a file may claim more columns than it has
        yield from sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True)
    except SheetError:
        raise
    except Exception as error:  # a broken file makes its reader fail in many ways
        raise SheetError("The file cannot be read as XLSX. Save it anew, or as CSV.") from error

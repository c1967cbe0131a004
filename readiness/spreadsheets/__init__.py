"""Spreadsheets: CSV and XLSX files become rows, and rows become the records that REST would take."""

from readiness.spreadsheets.archive import SheetError
from readiness.spreadsheets.cells import Cell, CellError, Reader, is_empty
from readiness.spreadsheets.columns import COLUMNS, Column
from readiness.spreadsheets.files import MAX_BYTES, MAX_ROWS, RawSheet, read_file
from readiness.spreadsheets.rows import Layout, Row, match, read_record, read_values
from readiness.spreadsheets.templates import csv_template, xlsx_template

__all__ = [
    "COLUMNS",
    "MAX_BYTES",
    "MAX_ROWS",
    "Cell",
    "CellError",
    "Column",
    "Layout",
    "RawSheet",
    "Reader",
    "Row",
    "SheetError",
    "csv_template",
    "is_empty",
    "match",
    "read_file",
    "read_record",
    "read_values",
    "xlsx_template",
]

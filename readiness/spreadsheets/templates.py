"""Makes the files to start from: a header with every column, and an example that is not imported."""

import csv
import io
from collections.abc import Sequence

from openpyxl import Workbook
from openpyxl.styles import Font

from readiness.spreadsheets.columns import Column
from readiness.spreadsheets.files import COMMENT

WIDTH = 22


def csv_template(columns: Sequence[Column]) -> bytes:
    """UTF-8 with the mark by which Excel knows it; the example row is a comment."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(column.name for column in columns)
    writer.writerow([COMMENT + columns[0].example, *(column.example for column in columns[1:])])
    return file.getvalue().encode("utf-8-sig")


def xlsx_template(columns: Sequence[Column]) -> bytes:
    """The sheet to fill first; a second one says what every column holds, with an example."""
    book = Workbook()
    rows, about = book.worksheets[0], book.create_sheet("Columns")
    rows.title = "Rows"
    rows.append([column.name for column in columns])
    about.append(["column", "required", "holds", "example"])
    for column in columns:
        about.append([column.name, "yes" if column.required else "no", column.hint, column.example])
    for sheet in (rows, about):
        sheet.freeze_panes = "A2"
        for cell in sheet[1]:
            cell.font = Font(bold=True)
            sheet.column_dimensions[cell.column_letter].width = WIDTH
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()

"""Imports a spreadsheet as a person does in the admin: upload, look at the preview, confirm."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import Workbook

from tests.admin_pages import Visitor, text

Rows = Sequence[Mapping[str, Any]]


def _table(rows: Rows) -> Iterable[list[Any]]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [names, *([row.get(name) for name in names] for row in rows)]


def as_csv(rows: Rows) -> bytes:
    """The rows beneath a header of all their names."""
    file = io.StringIO(newline="")
    csv.writer(file).writerows(_table(rows))
    return file.getvalue().encode()


def as_xlsx(rows: Rows) -> bytes:
    """The same as a workbook; text stays text, whatever it begins with."""
    book = Workbook()
    sheet = book.worksheets[0]
    for at, row in enumerate(_table(rows), start=1):
        for column, value in enumerate(row, start=1):
            cell = sheet.cell(at, column, value)
            if isinstance(value, str):
                cell.data_type = "s"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


class Import:
    """A preview that a visitor was shown. ``said`` is its text."""

    def __init__(self, visitor: Visitor, model: str, content: bytes, **fields: str) -> None:
        self.visitor = visitor
        self.path = f"/admin/readiness/{model}/"
        file = SimpleUploadedFile("rows.csv", content)
        asked = {"format": "0", "resource": "0", "time_zone": "UTC", "import_file": file, **fields}
        answer: Any = visitor.client.post(f"{self.path}import/", asked)
        assert answer.status_code == 200
        self.said = text(answer)
        self.result = answer.context.get("result")
        self.form = answer.context.get("confirm_form")

    @property
    def outcomes(self) -> list[str]:
        """What would become of each row."""
        return [row.outcome.value for row in self.result.rows]

    @property
    def mistakes(self) -> dict[int, str]:
        """What is wrong with which rows."""
        return {row.number: "; ".join(map(str, row.problems)) for row in self.result.wrong}

    @property
    def changes(self) -> list[dict[str, tuple[Any, Any]]]:
        """The fields of each row that would change, from what to what."""
        return [{each.field: (each.before, each.after) for each in row.changes} for row in self.result.rows]

    def confirm(self) -> str:
        """Import what was previewed; the text of the page that comes after."""
        assert self.form is not None, self.said
        return self.visitor.post(f"{self.path}process_import/", **self.form.initial)

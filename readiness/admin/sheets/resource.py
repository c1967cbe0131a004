"""What django-import-export calls a resource: stores a sheet's rows in one transaction, reports on each."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from import_export.resources import Resource

from readiness.ingest import Outcome, RowReport
from readiness.spreadsheets import Layout, RawSheet, Row, SheetError, match

NO_ROWS: list[RowReport] = []
NOT_PREVIEWED = "The import would do something else than you were shown."
TAKEN = "Somebody wrote one of these names just now."


@dataclass(frozen=True, slots=True)
class Asked:
    """Who imports, and what the form said beside the file."""

    actor: str
    zone: ZoneInfo
    file: str
    said: Mapping[str, Any]


class SheetResult:
    """What became of a sheet: its rows, or why none was stored. The library and our page read it."""

    def __init__(self, rows: Sequence[RowReport], *, error: str = "") -> None:
        self.rows = rows
        self.error = error
        self.counts = Counter(row.outcome for row in rows)

    def has_errors(self) -> bool:
        """Whether nothing may be imported."""
        return bool(self.error or self.counts[Outcome.REJECTED])

    def has_validation_errors(self) -> bool:
        """Mistakes in rows are errors already."""
        return False

    def digest(self, actor: str) -> str:
        """Stands for all that this person is shown, so that nothing else is written than was previewed."""
        shown = f"{actor}\n{self.rows}"
        return hashlib.sha256(shown.encode(errors="backslashreplace")).hexdigest()

    @property
    def wrong(self) -> list[RowReport]:
        """The rows with mistakes."""
        return [row for row in self.rows if row.outcome is Outcome.REJECTED]

    @property
    def changing(self) -> list[RowReport]:
        """The rows that make or change something."""
        return [row for row in self.rows if row.outcome in {Outcome.CREATED, Outcome.UPDATED}]

    @property
    def first_mistake(self) -> str:
        """The first thing that is wrong, in words."""
        if self.error or not self.wrong:
            return self.error
        row = self.wrong[0]
        return f"Row {row.number}: {row.problems[0]}."


class SheetResource(Resource):
    """Stores all rows of a sheet or none. A kind says which columns there are and how rows are stored."""

    def __init__(self, *, layout: Layout, asked: Asked) -> None:
        super().__init__()
        self.layout = layout
        self.asked = asked

    @classmethod
    def get_display_name(cls) -> str:
        """What the library calls it where a person could choose among several."""
        return cls.__name__

    def store(self, rows: Sequence[Row]) -> list[RowReport]:
        """Store rows in the transaction that is open; a report of each, in order."""
        raise NotImplementedError

    def import_data(self, dataset: RawSheet, dry_run: bool = False, **_: Any) -> SheetResult:
        """Store the rows; take all back where one is wrong, or where it is not what was previewed.

        ``dry_run`` asks what would happen, which is the preview.
        """
        try:
            rows = match(dataset, self.layout)
            with transaction.atomic():
                result = SheetResult(self.store(rows))
                if dry_run or result.has_errors():
                    transaction.set_rollback(True)
                elif result.digest(self.asked.actor) != self.asked.said["previewed"]:
                    transaction.set_rollback(True)
                    return SheetResult(NO_ROWS, error=NOT_PREVIEWED)
        except SheetError as error:
            return SheetResult(NO_ROWS, error=str(error))
        except IntegrityError:  # two people at once
            return SheetResult(NO_ROWS, error=TAKEN)
        return result

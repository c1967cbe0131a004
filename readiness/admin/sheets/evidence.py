"""Evidence and feeds from sheets: the records, the store and the rules of every other way in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.http import HttpRequest

from readiness import clock
from readiness.admin.exports import evidence_columns
from readiness.admin.sheets.forms import (
    EvidenceSheetConfirmForm,
    EvidenceSheetForm,
    FeedSheetConfirmForm,
    FeedSheetForm,
)
from readiness.admin.sheets.imports import SheetImports
from readiness.admin.sheets.resource import SheetResource
from readiness.evidence import Kind, Record, Rejection
from readiness.ingest import HEARD, Ingest, Origin, RowByRow, RowReport, declarable
from readiness.ingest.tables import TABLES, Model
from readiness.models import Feed
from readiness.spreadsheets import COLUMNS, Layout, Row, is_empty, read_record

KINDS: Mapping[Model, Kind] = {table.model: kind for kind, table in TABLES.items()}

Read = list[tuple[int, Record | Rejection]]


class EvidenceSheet(SheetResource):
    """Rows of one kind of evidence."""

    def __init__(self, *, kind: Kind, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind

    def store(self, rows: Sequence[Row]) -> list[RowReport]:
        """Read every row and store them in bulk."""
        return self.stored(self.read(rows), HEARD)

    def read(self, rows: Iterable[Row]) -> Read:
        """The record of each row, or what is wrong with it."""
        now = clock.real_now()
        return [(row.number, read_record(self.kind, row, zone=self.asked.zone, now=now)) for row in rows]

    def stored(self, read: Read, origin: Origin) -> list[RowReport]:
        """What became of records that are received now."""
        ingest = Ingest(clock.real_now(), origin=origin)
        if self.kind is Kind.FEED:
            read = list(declarable(read, ingest.services, until=clock.now()))
        return RowByRow(self.kind, ingest).store(read)


class FeedSheet(EvidenceSheet):
    """Spans that somebody vouches for."""

    def store(self, rows: Sequence[Row]) -> list[RowReport]:
        """Store them as declared, with who says so and why; the link stands where a row has none."""
        link = self.asked.said["link"]
        linked = [
            replace(row, cells={**row.cells, "url": link}) if is_empty(row.cells.get("url")) else row
            for row in rows
        ]
        origin = Origin(Feed.DECLARED, declared_by=self.asked.actor[:200], reason=self.asked.said["reason"])
        return self.stored(self.read(linked), origin)


class EvidenceImports(SheetImports):
    """Imports of a kind of evidence."""

    sheet_resource = EvidenceSheet
    import_form_class = EvidenceSheetForm
    confirm_form_class = EvidenceSheetConfirmForm
    sheet_says = (
        "Each row is one thing that happened, named by its source and its id there. A row that is known is "
        "updated where it says something else; an empty cell says nothing and changes nothing."
    )

    def sheet_layout(self) -> Layout:
        """The fields of the kind's record. What our exports say of a row beside them is not read."""
        kind = KINDS[self.model]
        exported = frozenset(evidence_columns(kind, self.model))
        return Layout(COLUMNS[kind], skipped=exported - {column.name for column in COLUMNS[kind]})

    def get_import_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        """The kind, too."""
        return {**super().get_import_resource_kwargs(request, **kwargs), "kind": KINDS[self.model]}


class FeedImports(EvidenceImports):
    """Imports of feeds: declared spans."""

    sheet_resource = FeedSheet
    import_form_class = FeedSheetForm
    confirm_form_class = FeedSheetConfirmForm
    sheet_says = (
        "You vouch that these sources reported these kinds of evidence, for these services, during all of "
        "each past period: so that silence in it means that nothing happened. Your name, the reason and the "
        "link are kept and shown wherever a span carries a score."
    )

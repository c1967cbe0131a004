"""Exports of every list, as filtered and ordered there: CSV, XLSX or JSON, written row by row."""

import csv
import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Field, ForeignKey, Model, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from import_export import fields
from import_export.admin import ExportMixin
from import_export.formats.base_formats import CSV, JSON, XLSX
from import_export.resources import Resource
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from unfold.contrib.import_export.forms import ExportForm

from readiness import clock
from readiness.evidence import RECORDS, REFERENCES, Kind
from readiness.exclusions import kind_of

LIMIT = 200_000
"""Rows of one file. Larger lists are filtered first, or read over REST, page by page."""
XLSX_LIMIT = 25_000
"""A workbook is packed before its first byte is sent: it must be done before a web server loses patience."""
CHUNK = 2_000
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
SECRET = frozenset({"password", "token_key", "session_hash", "get_data", "post_data"})
PERSONAL = frozenset({"email"})
"""Shown to those who may view people."""
NAMES_FIRST = ("service", "services", "source", "id", "kind")
"""What names a row of evidence stands first."""

Read = Callable[[Any], Any]
Columns = Mapping[str, Read]
Rows = Iterable[Sequence[Any]]


class FormatForm(ExportForm):
    """Which kind of file."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[
            "format"
        ].help_text = (
            "CSV and XLSX open in spreadsheets, JSON is for programs. Times are ISO-8601 with offset."
        )


class Exports(ExportMixin):
    """Gives a list its export. Who may view the list may export it."""

    export_form_class = FormatForm
    export_template_name = "readiness/export.html"
    export_formats = (CSV, XLSX, JSON)
    export_without: Sequence[str] = ()
    """Columns of the model that its export leaves out."""
    export_names: Mapping[str, str] = {}
    """What REST calls a column otherwise than the model does."""

    def exported(self) -> Columns:
        """The columns by name, and how each is read from a row. By default those of the model."""
        return columns_of(self.model, without=self.export_without, names=self.export_names)

    def has_export_permission(self, request: HttpRequest) -> bool:
        """An export says no more than its list."""
        may: bool = self.has_view_permission(request)
        return may

    def get_export_resource_classes(self, request: HttpRequest) -> list[type[Resource]]:
        """The one way in which rows are exported, as the library wants it told."""
        shown = request.user.has_perm("readiness.view_person")
        columns = {name: read for name, read in self.exported().items() if shown or name not in PERSONAL}
        # Titled by position: names such as "fields" or "export" are the library's own.
        told = {f"column_{number}": _Column(*each) for number, each in enumerate(columns.items())}
        return [type("Exported", (_Rows,), told)]

    def get_export_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        """The list's rows in its order, with what their columns read of other tables."""
        rows: QuerySet[Any] = super().get_export_queryset(request)
        related = [
            field.name
            for field in _columns_of(self.model)
            if isinstance(field, ForeignKey) and not _by_key(field) and field.name not in self.export_without
        ]
        return rows.select_related(*related) if related else rows

    def export_action(self, request: HttpRequest) -> HttpResponseBase:
        """The form, and the file that it asks for."""
        if not self.has_export_permission(request):
            raise PermissionDenied("You may not view this list.")
        try:
            answer: HttpResponseBase = super().export_action(request)
        except IncorrectLookupParameters:
            messages.error(request, "The list cannot be filtered by that.")
            return self._to_list("")
        return answer

    def get_export_filename(self, request: HttpRequest, queryset: "QuerySet[Any]", file_format: Any) -> str:
        """``incident-2026-07-01.csv``, the day by the clock."""
        return f"{self.opts.model_name}-{clock.now():%Y-%m-%d}.{file_format.get_extension()}"

    def init_request_context_data(self, request: HttpRequest, form: Any) -> dict[str, Any]:
        """What the form's page says."""
        told: dict[str, Any] = super().init_request_context_data(request, form)
        return {
            **told,
            "title": f"Export {self.opts.verbose_name_plural}",
            "limit": f"{LIMIT:,}",
            "xlsx_limit": f"{XLSX_LIMIT:,}",
        }

    def _do_file_export(
        self, file_format: Any, request: HttpRequest, queryset: "QuerySet[Any]", **_: Any
    ) -> HttpResponseBase:
        """Written row by row: the library would hold all rows, and their cells, at once."""
        limit = min(LIMIT, XLSX_LIMIT) if isinstance(file_format, XLSX) else LIMIT
        if queryset.order_by()[: limit + 1].count() > limit:
            messages.error(request, _too_many(limit, file_format.get_title().upper()))
            return self._to_list(request.GET.urlencode())
        [resource] = (each() for each in self.get_export_resource_classes(request))
        # Asked once: for each row the library would look all its columns up again.
        headers, columns = resource.get_export_headers(), resource.get_export_fields()
        rows = ([column.read(row) for column in columns] for row in queryset.iterator(chunk_size=CHUNK))
        answer = _WRITERS[type(file_format)](headers, rows)
        name = self.get_export_filename(request, queryset, file_format)
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer

    def _to_list(self, query: str) -> HttpResponse:
        page = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        return HttpResponseRedirect(f"{page}?{query}" if query else page)


def _too_many(limit: int, title: str) -> str:
    said = (
        f"These are more than {limit:,} rows, too many for one {title} file: filter the list, by time or by "
        "service, then export what is left."
    )
    return f"{said} CSV and JSON hold up to {LIMIT:,}." if limit < LIMIT else said


class _Rows(Resource):
    """What the library needs to know of rows that are only exported."""

    @classmethod
    def get_display_name(cls) -> str:
        return "rows"


class _Column(fields.Field):
    """A column whose value a function reads."""

    def __init__(self, name: str, read: Read) -> None:
        super().__init__(column_name=name)
        self.read = read


def columns_of(
    model: type[Model], *, without: Iterable[str] = (), names: Mapping[str, str] | None = None
) -> Columns:
    """A model's columns. Secrets never leave; what is related is named by its slug, where it has one."""
    return {
        (names or {}).get(field.name, field.name): _reading(field)
        for field in _columns_of(model)
        if field.name not in {*without, "statements"}
    }


def _columns_of(model: type[Model]) -> "list[Field[Any, Any]]":
    found = model._meta.concrete_fields  # noqa: SLF001 - documented by Django
    secret = {*SECRET, "digest", "user"} if any(field.name == "token_key" for field in found) else SECRET
    return [field for field in found if field.name not in secret]


def _by_key(field: "ForeignKey[Any, Any]") -> bool:
    """Whether what a column refers to has no name that would last."""
    return not any(hasattr(field.related_model, name) for name in ("slug", "version"))


def _reading(field: "Field[Any, Any]") -> Read:
    if not isinstance(field, ForeignKey) or _by_key(field):
        return lambda row: getattr(row, field.attname)
    return lambda row: _name(getattr(row, field.name))


def _name(related: Any) -> str | None:
    return None if related is None else getattr(related, "slug", None) or str(related)


def evidence_columns(kind: Kind, model: type[Model]) -> Columns:
    """A kind's columns named as its record's fields, so that a sheet of them can be imported again.

    ``updated_at`` is the moment of the row's newest statement. Beside them stands what we know of the row.
    """
    names = sorted(RECORDS[kind].model_fields, key=lambda name: _place(NAMES_FIRST, name))
    beside = ("target", "excluded", "after_hours", "night", "origin", "declared_by", "reason")
    own = {field.name for field in _columns_of(model)}
    received = ("first_received_at", "last_received_at", "changed_at")
    return {
        **{name: _stated(name) for name in names},
        **{name: _reading(_field(model, name)) for name in (*beside, *received) if name in own},
    }


def _place(order: Sequence[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


def _field(model: type[Model], name: str) -> "Field[Any, Any]":
    return next(field for field in _columns_of(model) if field.name == name)


def _stated(name: str) -> Read:
    if name in REFERENCES:
        return lambda row: _reference(row, name)
    return _STATED.get(name) or (lambda row: getattr(row, name))


class _RowName(NamedTuple):
    """A row of another source."""

    source: str
    id: str


def _reference(row: Any, name: str) -> str | _RowName | None:
    """An id of the row's own source alone, of another's with the source beside it."""
    source, key = getattr(row, f"{name}_source"), getattr(row, f"{name}_id")
    # a bare id with a colon in it would be read as one of another source
    return key if key is None or (source == row.source and ":" not in key) else _RowName(source, key)


_STATED: Mapping[str, Read] = {
    "service": lambda row: row.service.slug,
    "services": lambda row: [row.service.slug],
    "id": lambda row: row.external_id,
    "updated_at": lambda row: row.stated_at,
}
"""The fields of records that tables keep under another name."""


_AS_IS = frozenset({str, int, float, bool, type(None)})
"""Most values: told apart first, since a file has millions."""


def _plain(value: Any) -> Any:
    """A value as JSON has it: moments with offset, lengths of time in seconds."""
    if type(value) in _AS_IS:
        return value
    if isinstance(value, _RowName):
        return value._asdict()
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    return value.total_seconds() if isinstance(value, dt.timedelta) else value


def _cell(value: Any) -> Any:
    """A value as a spreadsheet has it: lists of words with commas between them, what is deeper as JSON."""
    if type(value) in _AS_IS:
        return value
    if isinstance(value, _RowName):
        return f"{value.source}:{value.id}"
    if isinstance(value, list | tuple) and all(isinstance(each, str | int) for each in value):
        return ", ".join(map(str, value))
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, default=_plain, ensure_ascii=False)
    return _plain(value)


def _harmless(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula gets an apostrophe; numbers stay numbers."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


class _Line:
    """A file that hands each line on as it is written."""

    def write(self, line: str) -> str:
        return line


def _csv(headers: Sequence[str], rows: Rows) -> HttpResponseBase:
    writer = csv.writer(_Line())
    lines = (writer.writerow([_harmless(_cell(value)) for value in row]) for row in rows)
    return StreamingHttpResponse(
        _joined(writer.writerow(headers), lines), content_type="text/csv; charset=utf-8"
    )


def _json(headers: Sequence[str], rows: Rows) -> HttpResponseBase:
    return StreamingHttpResponse(_json_lines(headers, rows), content_type="application/json")


def _json_lines(headers: Sequence[str], rows: Rows) -> Iterator[str]:
    """One array, a row in each line."""
    before = "[\n"
    for row in rows:
        yield before + json.dumps(dict(zip(headers, map(_plain, row), strict=True)), ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _joined(first: str, rest: Iterable[str]) -> Iterator[str]:
    """In pieces of many lines, since each piece of an answer costs."""
    piece = [first]
    for line in rest:
        piece.append(line)
        if len(piece) == CHUNK:
            yield "".join(piece)
            piece = []
    yield "".join(piece)


def _xlsx(headers: Sequence[str], rows: Rows) -> HttpResponseBase:
    """Written to a file beside, for a workbook is packed when it is whole."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(list(headers))
    for row in rows:
        sheet.append([_worksheet_cell(sheet, _cell(value)) for value in row])
    file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - the answer closes it
    book.save(file)
    file.seek(0)
    return FileResponse(file, content_type=XLSX().get_content_type())


def _worksheet_cell(sheet: WriteOnlyWorksheet, value: Any) -> Any:
    """Text stays text, whatever it begins with; characters that no workbook may hold are left out."""
    if not isinstance(value, str):
        return value
    text = ILLEGAL_CHARACTERS_RE.sub("", value)
    if not text.startswith("="):
        return text
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    return cell


_WRITERS: Mapping[type, Callable[[Sequence[str], Rows], HttpResponseBase]] = {
    CSV: _csv,
    XLSX: _xlsx,
    JSON: _json,
}


def kind_of_list(model: type[Model]) -> Kind:
    """The kind of evidence that a list is of."""
    return Kind(kind_of(model))

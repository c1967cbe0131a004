"""Ordering and cursor pages: a page begins behind the last row of the one before, whatever was added since.

The cursor holds the values of all ordering keys, the primary key last, so that ties, however many, neither
lose nor double a row (REST framework's own cursor counts ties, up to a thousand, and loses null keys).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.core import signing
from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import OrderBy
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

PAGE_SIZE = 100
PAGE_SIZE_MAX = 500
PARAMETERS = frozenset({"ordering", "cursor", "page_size"})

STRANGE_CURSOR = "is no cursor of this list in this ordering; take it from `next` or `previous` as it is"


@dataclass(frozen=True, slots=True)
class Key:
    """One ordering key: a path of fields to one value, and whether that may be null (nulls come last)."""

    path: str
    descending: bool
    nullable: bool

    def expression(self, *, backwards: bool) -> OrderBy:
        """For ``order_by``; backwards is the exact reverse."""
        down = self.descending != backwards
        # Where nulls cannot be, nothing is said about them: it would keep PostgreSQL from using an index.
        last = True if self.nullable and not backwards else None
        first = True if self.nullable and backwards else None
        return OrderBy(F(self.path), descending=down, nulls_first=first, nulls_last=last)

    def equals(self, value: Any) -> Q:
        """Rows that tie with this value."""
        return Q(**{f"{self.path}__isnull": True}) if value is None else Q(**{self.path: value})

    def beyond(self, value: Any, *, backwards: bool) -> Q | None:
        """Rows that come after this value, or ``None`` where none can."""
        if value is None:
            return Q(**{f"{self.path}__isnull": False}) if backwards else None
        comparison = "lt" if self.descending != backwards else "gt"
        rows = Q(**{f"{self.path}__{comparison}": value})
        if self.nullable and not backwards:
            rows |= Q(**{f"{self.path}__isnull": True})
        return rows

    def bound(self, value: Any, *, backwards: bool) -> Q:
        """A bound that all rows beyond this value keep, tied ones too; an index can be entered by it."""
        if self.nullable or value is None:
            return Q()
        comparison = "lte" if self.descending != backwards else "gte"
        return Q(**{f"{self.path}__{comparison}": value})

    def value(self, row: Any) -> Any:
        """The row's value; ``None`` too where the path leads to no other row."""
        for step in self.path.split("__"):
            row = getattr(row, step, None)
        return row


class Position(NamedTuple):
    """Where a page begins: behind the row of these values, looking forwards or backwards."""

    values: tuple[Any, ...]
    backwards: bool


def keys(model: type[Model], names: Sequence[str], orderings: Mapping[str, str]) -> tuple[Key, ...]:
    """The keys behind the names of an ordering, with the primary key as tie-break. Raises ``KeyError``."""
    paths = [(orderings[name.removeprefix("-")], name.startswith("-")) for name in names]
    descending = paths[0][1] if paths else False
    paths.append(("pk", descending))
    return tuple(Key(path, down, _nullable(model, path)) for path, down in paths)


def _nullable(model: type[Model], path: str) -> bool:
    """Whether any step of the path may lead to nothing."""
    return any(getattr(field, "null", True) for field in _fields(model, path))


def _fields(model: type[Model], path: str) -> list[Any]:
    found = []
    current: Any = model
    for step in path.split("__"):
        field = current._meta.pk if step == "pk" else current._meta.get_field(step)  # noqa: SLF001 - public in all but name
        found.append(field)
        current = field.related_model
    return found


class CursorPages(BasePagination):
    """Pages of a view with ``orderings`` (public name to path) and an ``ordering`` (the default)."""

    request: Request
    next: str | None = None
    previous: str | None = None

    def paginate_queryset(self, queryset: QuerySet[Any], request: Request, view: Any = None) -> list[Any]:
        """One page of rows. Raises ``ValidationError`` for a bad size, ordering or cursor."""
        self.request = request
        self.names = _ordering(request, view)
        self.keys = keys(queryset.model, self.names, view.orderings)
        self.salt = f"{queryset.model._meta.label}:{','.join(self.names)}"  # noqa: SLF001 - public in all but name
        size, position = _page_size(request), self._position()
        backwards = position is not None and position.backwards
        rows = self._rows(queryset, position)[: size + 1]
        page = list(rows)
        more, page = len(page) > size, page[:size]
        if backwards:
            page.reverse()
        if page and (more or backwards):
            self.next = self._link(page[-1], backwards=False)
        if page and (more if backwards else position is not None):
            self.previous = self._link(page[0], backwards=True)
        return page

    def get_paginated_response(self, data: Any) -> Response:
        """The page with links to its neighbours."""
        return Response({"next": self.next, "previous": self.previous, "results": data})

    def _rows(self, queryset: QuerySet[Any], position: Position | None) -> QuerySet[Any]:
        backwards = position is not None and position.backwards
        rows = queryset.order_by(*[key.expression(backwards=backwards) for key in self.keys])
        if position is None:
            return rows
        found = Q(pk__in=[])
        tied = Q()
        for key, value in zip(self.keys, position.values, strict=True):
            beyond = key.beyond(value, backwards=backwards)
            if beyond is not None:
                found |= tied & beyond
            tied &= key.equals(value)
        return rows.filter(self.keys[0].bound(position.values[0], backwards=backwards), found)

    def _position(self) -> Position | None:
        text = self.request.query_params.get("cursor")
        if not text:
            return None
        try:
            backwards, *values = signing.loads(text, salt=self.salt)
        except signing.BadSignature:
            raise ValidationError({"cursor": [STRANGE_CURSOR]}) from None
        return Position(tuple(values), backwards)

    def _link(self, row: Any, *, backwards: bool) -> str:
        values = [_plain(key.value(row)) for key in self.keys]
        cursor = signing.dumps([backwards, *values], salt=self.salt)
        return replace_query_param(self.request.build_absolute_uri(), "cursor", cursor)

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """The query parameters, for the OpenAPI document."""
        names = list(getattr(view, "orderings", {}))
        return [
            _parameter("cursor", {"type": "string"}, "From `next` or `previous` of another page."),
            _parameter(
                "page_size",
                {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MAX, "default": PAGE_SIZE},
                "Rows on a page.",
            ),
            _parameter(
                "ordering",
                {"type": "string", "default": ",".join(getattr(view, "ordering", ()))},
                f"Comma-separated, with - for descending: {', '.join(names)}. Nulls come last, ties by key.",
            ),
        ]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A page, for the OpenAPI document."""
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }


def _ordering(request: Request, view: Any) -> list[str]:
    text = request.query_params.get("ordering", "")
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name.removeprefix("-") not in view.orderings:
            raise ValidationError(
                {"ordering": [f"{name!r} is no ordering of this list; there are {', '.join(view.orderings)}"]}
            )
    return names or list(view.ordering)


def _page_size(request: Request) -> int:
    text = request.query_params.get("page_size") or str(PAGE_SIZE)
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= PAGE_SIZE_MAX:
        raise ValidationError({"page_size": [f"is not a whole number from 1 to {PAGE_SIZE_MAX}"]})
    return int(text)


def _plain(value: Any) -> Any:
    """As JSON can hold it without loss; the database reads it back."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}

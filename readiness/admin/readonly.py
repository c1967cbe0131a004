"""What lists of imported or computed rows share: nobody edits them, and nobody counts millions of them."""

from typing import Any

from django.contrib.admin import ShowFacets
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from readiness.admin.exports import Exports

COUNTED = 10_000


class CappedPaginator(Paginator[Any]):
    """Pages through the first ``COUNTED`` rows and counts no further; a filter brings the others near."""

    template_name = "readiness/fragments/capped_pagination.html"

    @cached_property
    def _found(self) -> int:
        # Limited inside: a count of millions of rows would take longer than the page. By their keys alone:
        # what a list works out for each row that it shows is not worked out for all that are counted.
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]  # lists are made of querysets
        return rows.order_by().values("pk")[: COUNTED + 1].count()

    @property
    def count(self) -> int:
        """How many rows can be paged through."""
        return min(self._found, COUNTED)

    @property
    def capped(self) -> bool:
        """Whether there are more rows than can be paged through."""
        return self._found > COUNTED


class CappedChangeList(ChangeList):
    """A list that tells how many were found only when something was asked for."""

    queryset: "QuerySet[Any]"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._addresses: dict[tuple[Any, ...], str] = {}
        super().__init__(*args, **kwargs)

    def get_query_string(
        self, new_params: dict[str, Any] | None = None, remove: list[str] | None = None
    ) -> str:
        """Django's, each worked out once: the look asks anew for every heading's in every row."""
        asked = (*sorted((new_params or {}).items()), *(remove or []))
        if asked not in self._addresses:
            self._addresses[asked] = super().get_query_string(new_params, remove)
        return self._addresses[asked]

    def get_results(self, request: HttpRequest) -> None:
        """Without a search or filter, all is what was found."""
        super().get_results(request)
        if not self.query and not self.has_active_filters:
            self.full_result_count = self.result_count


class ReadOnlyAdmin(Exports, ModelAdmin):
    """Rows that people look at and export, and sources or judgement write."""

    show_full_result_count = False
    paginator = CappedPaginator
    actions = None
    list_filter_submit = True
    list_fullwidth = True
    compressed_fields = True
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    empty_says = "Nothing has been received yet."

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[CappedChangeList]:
        """The list that counts no further than it pages."""
        return CappedChangeList

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes."""
        return False

"""The rows of a list as the look lays them out, with the headings worked out once instead of in every row."""

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.admin.utils import display_for_field
from django.db.models import ForeignKey, Model
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.templatetags.unfold_list import LINK_CLASSES, ROW_CLASSES, result_headers

from readiness.admin.readonly import CappedChangeList

Cell = Callable[[Model], SafeString]
NO_VALUE = "-"


class LeanChangeList(CappedChangeList):
    """A list of rows that nobody ticks or edits in place; the first column links to the row's page."""

    @cached_property
    def headings(self) -> list[dict[str, Any]]:
        """What stands above each column, as the look has it."""
        return list(result_headers(self))

    @property
    def sorted_columns(self) -> int:
        """By how many columns the rows are sorted."""
        return sum(bool(each.get("sorted")) for each in self.headings)

    def rows(self) -> Iterator[SafeString]:
        """The cells of each row."""
        cells = [
            self._cell(name, str(heading["text"]), first=number == 0)
            for number, (name, heading) in enumerate(zip(self.list_display, self.headings, strict=True))
        ]
        for row in self.result_list:
            yield mark_safe("".join(cell(row) for cell in cells))  # noqa: S308 - each cell is escaped

    def _cell(self, name: Any, heading: str, *, first: bool) -> Cell:
        """How a column's cell is made from a row."""
        opened = format_html(
            '<{} class="field-{} {}" data-label="{}">',
            "th" if first else "td",
            name,
            " ".join(ROW_CLASSES),
            heading,
        )
        read = self._reader(name)
        if not first:
            return lambda row: format_html("{}{}</td>", opened, read(row))
        page = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=["ROW"])
        before, after = page.split("ROW")
        opened = format_html('{}<a class="{}" href="{}', opened, " ".join(LINK_CLASSES), before)
        return lambda row: format_html('{}{}{}">{}</a></th>', opened, row.pk, after, read(row))

    def _reader(self, name: str) -> Callable[[Any], Any]:
        """What a column says of a row: a method of the admin, which answers with text, or a field."""
        method: Callable[[Any], Any] | None = getattr(self.model_admin, name, None)
        if method:
            return method
        field = self.opts.get_field(name)
        if isinstance(field, ForeignKey):
            return lambda row: getattr(row, name) or NO_VALUE
        return lambda row: display_for_field(getattr(row, name), field, NO_VALUE)

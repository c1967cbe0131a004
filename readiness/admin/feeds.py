"""Feeds as a list: who was heard, and which spans somebody declared, with reason."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, FieldTextFilter

from readiness.admin.exports import Columns, evidence_columns, kind_of_list
from readiness.admin.filters import BetweenFilter
from readiness.admin.labels import label, yes
from readiness.admin.readonly import ReadOnlyAdmin
from readiness.admin.sheets import FeedImports
from readiness.models import Feed


def origin_label(feed: Feed) -> SafeString:
    """Heard or declared."""
    declared = feed.origin == Feed.DECLARED
    return label("declared", "warn", title=feed.reason) if declared else label("heard", "good")


@admin.register(Feed)
class FeedAdmin(FeedImports, ReadOnlyAdmin):
    """Spans in which sources reported; a span is declared on its service's page."""

    list_display = (
        "service",
        "kind",
        "source",
        "came_by",
        "since",
        "last_seen_at",
        "failures",
        "declared_by",
        "why",
    )
    list_select_related = ("service",)
    list_filter = (
        ("service", AutocompleteSelectFilter),
        ("kind", ChoicesDropdownFilter),
        ("origin", ChoicesDropdownFilter),
        ("source", FieldTextFilter),
        ("last_seen_at", BetweenFilter),
    )
    search_fields = ("service__slug__startswith", "source__startswith")
    search_help_text = "The beginning of a service's slug or of a source"
    exclude = ("statements",)
    ordering = ("service_id", "kind", "since", "pk")
    empty_says = (
        "No source was ever heard. Without feeds silence is no evidence: feeds.jsonl of a fleet folder "
        "declares them, and so can an SRE lead on a service's page."
    )

    def exported(self) -> Columns:
        """As a feed's record names them, a service in each row."""
        return evidence_columns(kind_of_list(self.model), self.model)

    @admin.display(description="origin", ordering="origin")
    def came_by(self, feed: Feed) -> SafeString:
        """Heard or declared."""
        return origin_label(feed)

    @admin.display(description="reports failures")
    def failures(self, feed: Feed) -> str:
        """Whether the source marks what it rolled back."""
        return yes(feed.reports_failures) if feed.kind == "deployment" else "–"

    @admin.display(description="reason")
    def why(self, feed: Feed) -> SafeString | str:
        """Why it was declared, linked to what shows it."""
        if not feed.url or not feed.url.startswith(("http://", "https://")):
            return feed.reason
        return format_html(
            '<a class="rd-link" href="{}" rel="noreferrer noopener">{} ↗</a>',
            feed.url,
            feed.reason or feed.url,
        )

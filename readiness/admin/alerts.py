"""Alerts: what is wrong now, since when, and who should act; open ones first, alike ones in one line."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Count, F, Max, Min, QuerySet
from django.db.models.fields.json import KT
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, FieldTextFilter

from readiness import clock
from readiness.admin.filters import BetweenFilter, OpenFilter
from readiness.admin.labels import label, moment, span
from readiness.admin.readonly import ReadOnlyAdmin
from readiness.models import Alert, Service

LINES = 12
"""Groups shown on top; the list has them all."""
LEADS = "SRE leads"


@dataclass(frozen=True, slots=True)
class Group:
    """Open alerts of one reason: of one service, or of many that one silent source feeds."""

    title: str
    what: str
    who: str
    since: str
    url: str


def list_url(**query: str) -> str:
    """The list, filtered."""
    return f"{reverse('admin:readiness_alert_changelist')}?{urlencode(query)}"


def groups() -> dict[str, Any]:
    """The open alerts for the top of a page, by kind, subject and source, in one query."""
    rows = list(
        Alert.objects.open()
        .order_by()
        .values("kind", "subject", source=KT("numbers__source"))
        .annotate(
            number=Count("pk"),
            since=Min("began_at"),
            text=Max("text"),
            first_service=Min("service__slug"),
            first_team=Min("team__slug"),
            teams=Count("team", distinct=True),
        )
        .order_by("-number", "kind", "subject", "source")
    )
    return {
        "alert_groups": [_group(row) for row in rows[:LINES]],
        "alert_groups_more": max(0, len(rows) - LINES),
        "alerts_open": sum(row["number"] for row in rows),
        "alerts_url": list_url(open="yes"),
    }


def _group(row: Mapping[str, Any]) -> Group:
    kind, subject, source = row["kind"], row["subject"], row["source"]
    title = Alert.Kind(kind).label + (f": {subject.replace('_', ' ')}" if subject else "")
    query = {"open": "yes", "kind__exact": kind}
    query |= {"subject__icontains": subject} if subject else {}
    query |= {"q": source} if source else {}
    one = row["number"] == 1
    service = f"{row['first_service']}: " if row["first_service"] else ""
    many = f"{row['number']} services" + (f" fed by {source}" if source else "")
    teams = row["first_team"] or LEADS if row["teams"] < 2 else f"{row['teams']} teams"
    return Group(
        title=title,
        what=f"{service}{row['text']}" if one else many,
        who=teams,
        since=f"{moment(row['since'])} ({span(clock.age(row['since']))})",
        url=list_url(**query),
    )


def open_of(service: Service) -> "QuerySet[Alert]":
    """What is wrong with a service now, for its page."""
    return service.alerts.open().select_related("team").order_by("began_at", "pk")


class StillOpenFilter(OpenFilter):
    """Whether the reason still holds."""

    title = "whether it still holds"
    options = [("yes", "open"), ("no", "ended")]
    ended = "ended_at"


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """Every alert; each ends by itself when its reason does."""

    list_display = ("what", "service", "who", "says", "began_at", "until")
    list_select_related = ("service", "team")
    list_filter = (
        StillOpenFilter,
        ("kind", ChoicesDropdownFilter),
        ("subject", FieldTextFilter),
        ("team", AutocompleteSelectFilter),
        ("service", AutocompleteSelectFilter),
        ("began_at", BetweenFilter),
    )
    search_fields = ("service__slug__startswith", "text")
    search_help_text = "The beginning of a service's slug, or words of what it says"
    list_before_template = "readiness/fragments/open_alerts.html"
    fields = ("what", "service", "who", "text", "began_at", "until", "numbers")
    readonly_fields = ("what", "who", "until")
    ordering = (F("ended_at").desc(nulls_first=True), "-began_at", "-pk")
    empty_says = "Nothing was ever wrong: no evaluation was missed or failed, and no feed fell silent."

    def changelist_view(
        self, request: HttpRequest, extra_context: "dict[str, Any] | None" = None
    ) -> HttpResponse:
        """The list, with what is open above it."""
        response: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **groups()})
        return response

    @admin.display(description="alert", ordering="kind")
    def what(self, alert: Alert) -> SafeString:
        """Which kind, and what of the service."""
        return label(str(alert), "plain" if alert.ended_at else "bad")

    @admin.display(description="who should act", ordering="team__slug")
    def who(self, alert: Alert) -> str:
        """A team, or the SRE leads."""
        return str(alert.team or LEADS)

    @admin.display(description="what is wrong, and what to do")
    def says(self, alert: Alert) -> SafeString:
        """The whole sentence, however narrow the column is."""
        return format_html('<span class="rd-wrap" title="{}">{}</span>', alert.text, alert.text)

    @admin.display(description="ended", ordering="ended_at")
    def until(self, alert: Alert) -> str:
        """When its reason ended, or for how long it has held."""
        if alert.ended_at:
            return moment(alert.ended_at)
        age: dt.timedelta = clock.age(alert.began_at)
        return f"open for {span(age)}"

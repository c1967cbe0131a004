"""The fleet: every service with its current judgement in one row, filtered, sorted, exported."""

from typing import Any

from django.contrib import admin
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from readiness.admin import changes, declared_spans, on_demand, service_page
from readiness.admin.charts import Event
from readiness.admin.evaluations import range_cell
from readiness.admin.exports import Columns, Read
from readiness.admin.filters import (
    BelowFilter,
    FleetFilter,
    LevelFilter,
    MadeUpFilter,
    SilentFilter,
    StateFilter,
    TierFilter,
    VerdictFilter,
)
from readiness.admin.labels import (
    NOT_JUDGED,
    age_label,
    label,
    level_label,
    made_up_label,
    state_words,
    trend_label,
    verdict_label,
)
from readiness.admin.readonly import ReadOnlyAdmin
from readiness.admin.rows import LeanChangeList
from readiness.models import CurrentScore, Service


class OfCurrent(F):
    """A column of the current score to sort by; services without one come last, either way."""

    def __init__(self, column: str) -> None:
        super().__init__(f"current__{column}")

    def asc(self, **_: Any) -> Any:
        """Least first."""
        return super().asc(nulls_last=True)

    def desc(self, **_: Any) -> Any:
        """Greatest first."""
        return super().desc(nulls_last=True)


def current(service: Service) -> CurrentScore | None:
    """The service's current score, unless it was never judged; no query after ``select_related``."""
    return getattr(service, "current", None)


def _of_current(column: str) -> Read:
    return lambda service: getattr(current(service), column, None)


def _words_of_current(column: str) -> Read:
    """Names that the column keeps between blanks."""
    return lambda service: getattr(current(service), column, "").strip() or None


def _slug(column: str) -> Read:
    return lambda service: getattr(getattr(service, column), "slug", None)


EXPORTED: Columns = {
    "service": lambda service: service.slug,
    "title": lambda service: service.title,
    **{
        name: _of_current(name)
        for name in (
            "verdict_of",
            "verdict",
            "score",
            "possible",
            "evidence",
            "level",
            "management_state",
        )
    },
    "tier": lambda service: service.tier,
    "owner": _slug("owner"),
    "ops_team": _slug("ops_team"),
    "trend": _of_current("trend"),
    "judged_as_of": _of_current("at"),
    "blockers": _of_current("blockers"),
    "below": _words_of_current("below"),
    "silent": _words_of_current("silent"),
    "lifecycle": lambda service: service.lifecycle,
    "system": _slug("system"),
    "fleet": lambda service: service.fleet,
    "made_up": lambda service: service.made_up,
}


SHOWN = (
    *("slug", "title", "lifecycle", "deprecated", "tier", "fleet", "made_up", "owner", "ops_team", "current"),
    *(f"{team}__{column}" for team in ("owner", "ops_team") for column in ("slug", "title")),
    *("current__verdict_of", "current__verdict", "current__score", "current__possible", "current__evidence"),
    *("current__level", "current__blockers", "current__trend", "current__at", "current__management_state"),
)
"""What a row of the list shows; sorting a fleet by it is cheap as long as the rest is left out."""


class FleetList(LeanChangeList):
    """The list whose rows are cheap: everybody opens it first."""

    def get_results(self, request: HttpRequest) -> None:
        """The page's rows, without the columns that no row shows."""
        self.queryset = self.queryset.only(*SHOWN)
        super().get_results(request)


@admin.register(Service)
class ServiceAdmin(ReadOnlyAdmin):
    """The fleet list, and the page of each service."""

    change_list_template = "readiness/fleet.html"
    list_display = (
        "name",
        "verdict",
        "extent",
        "known",
        "reached",
        "blocked",
        "trend",
        "judged",
        "state",
        "tier",
        "owner",
        "ops_team",
        "fleet",
    )
    list_select_related = ("current", "owner", "ops_team")
    list_filter = (
        VerdictFilter,
        StateFilter,
        LevelFilter,
        TierFilter,
        ("owner", AutocompleteSelectFilter),
        ("ops_team", AutocompleteSelectFilter),
        BelowFilter,
        SilentFilter,
        ("lifecycle", ChoicesDropdownFilter),
        FleetFilter,
        MadeUpFilter,
        ("system", AutocompleteSelectFilter),
    )
    search_fields = ("slug", "title", "aliases__name")
    search_help_text = "Slug, title or alias"
    ordering = (OfCurrent("score").desc(),)
    empty_says = (
        "No service yet. Import a fleet folder with manage.py import_fleet DIR: its catalog-info.yaml names "
        "the services, the files beside it bring their evidence."
    )

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[FleetList]:
        """The fleet as a list."""
        return FleetList

    def get_urls(self) -> list[URLPattern]:
        """The list's and the service page's own addresses, before Django's."""
        wrap = self.admin_site.admin_view
        own = [
            path("evaluate/", wrap(on_demand.fleet_now), name="readiness_service_evaluate_fleet"),
            path("<int:pk>/evaluate/", wrap(on_demand.service_now), name="readiness_service_evaluate"),
            path("<int:pk>/declare-span/", wrap(self.declare_span), name="readiness_service_declare_span"),
            path(
                "<int:pk>/evidence-links/", wrap(self.evidence_links), name="readiness_service_evidence_links"
            ),
            path("<int:pk>/changes/", wrap(self.changes), name="readiness_service_changes"),
            path("<int:pk>/compare/", wrap(self.compare), name="readiness_service_compare"),
        ]
        urls: list[URLPattern] = super().get_urls()
        return own + urls

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with the rights that its buttons depend on."""
        may = request.user.has_perm("readiness.add_evaluation")
        answer: HttpResponse = super().changelist_view(
            request, {**(extra_context or {}), "may_evaluate": may}
        )
        return answer

    def events(self, request: HttpRequest, service: Service) -> list[Event]:
        """What to mark in the picture of a service's history: nothing, as far as facts go."""
        return []

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """The service page."""
        service = self._service(request, object_id)
        return service_page.show(self, request, service, events=self.events(request, service))

    def evidence_links(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The rows that weigh most: into the service page, or as a page of their own."""
        return service_page.show_evidence_links(self, request, self._service(request, pk))

    def changes(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What changed since the scorecard before, and why: into the service page, or as a page."""
        return changes.show_changes(self, request, self._service(request, pk))

    def compare(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Two moments of the service beside each other."""
        return changes.show_comparison(self, request, self._service(request, pk))

    def declare_span(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form that declares a span of a feed."""
        return declared_spans.show(self, request, self._service(request, pk))

    def _service(self, request: HttpRequest, pk: str | int) -> Service:
        return service_page.found(self, request, pk)

    def exported(self) -> Columns:
        """What a row of the list says, and the standing of its service."""
        return EXPORTED

    @admin.display(description="service", ordering="slug")
    def name(self, service: Service) -> SafeString:
        """Title and slug, and whether it is made up."""
        below = "" if not service.title or service.title == service.slug else service.slug
        life = "" if service.lifecycle == "live" else service.get_lifecycle_display()
        beneath = " · ".join(filter(None, (below, life, "deprecated" if service.deprecated else "")))
        return format_html(
            '<strong class="rd-name">{}</strong>{}{}',
            str(service),
            format_html(" {}", made_up_label()) if service.made_up else "",
            format_html('<small class="rd-faint">{}</small>', beneath) if beneath else "",
        )

    @admin.display(description="verdict", ordering=OfCurrent("verdict"))
    def verdict(self, service: Service) -> SafeString:
        """The one that applies, or that there is no judgement."""
        score = current(service)
        return label(NOT_JUDGED, "warn") if score is None else verdict_label(score.verdict_of, score.verdict)

    @admin.display(description="score – possible", ordering=OfCurrent("score"))
    def extent(self, service: Service) -> SafeString | str:
        """From what is known to what is possible."""
        score = current(service)
        return "–" if score is None else range_cell(score.score, score.possible)

    @admin.display(description="evidence", ordering=OfCurrent("evidence"))
    def known(self, service: Service) -> str:
        """The share of the criteria's weight that has a score."""
        score = current(service)
        return "–" if score is None else f"{score.evidence:.0%}"

    @admin.display(description="level", ordering=OfCurrent("level"))
    def reached(self, service: Service) -> SafeString | str:
        """The level."""
        score = current(service)
        return "–" if score is None else level_label(score.level)

    @admin.display(description="blockers", ordering=OfCurrent("blockers"))
    def blocked(self, service: Service) -> SafeString | str:
        """How many blockers stand, waived ones not counted."""
        score = current(service)
        if score is None:
            return "–"
        return label(str(score.blockers), "bad") if score.blockers else "0"

    @admin.display(description="trend", ordering=OfCurrent("trend"))
    def trend(self, service: Service) -> SafeString | str:
        """Which way the score went in four weeks."""
        score = current(service)
        return "–" if score is None else trend_label(score.trend)

    @admin.display(description="run by", ordering=OfCurrent("management_state"))
    def state(self, service: Service) -> str:
        """Who runs it."""
        score = current(service)
        return "–" if score is None else state_words(score.management_state)

    @admin.display(description="judged", ordering=OfCurrent("at"))
    def judged(self, service: Service) -> SafeString:
        """How old the judgement is, loud when too old."""
        score = current(service)
        return age_label(None if score is None else score.at)

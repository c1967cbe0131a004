"""Simulations and backtests: a form to ask for one, how far it is, and what it found."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from readiness.admin import simulation_form
from readiness.admin.charts import share_bar
from readiness.admin.evaluations import STATE_TONES, beside
from readiness.admin.filters import BetweenFilter
from readiness.admin.labels import label, span
from readiness.admin.policy_page import is_key
from readiness.admin.readonly import ReadOnlyAdmin
from readiness.admin.simulation_page import found
from readiness.models import PolicyVersion, Simulation

REFRESH_SECONDS = 5


@admin.register(Simulation)
class SimulationAdmin(ReadOnlyAdmin):
    """What candidates would change, and what verdicts foretold; no scorecard comes of it."""

    list_display = (
        "kind_label",
        "policy",
        "baseline",
        "state_label",
        "progress",
        "since",
        "until",
        "every",
        "horizon",
        "started_at",
        "took",
        "requested_by",
    )
    list_select_related = ("policy", "baseline")
    list_filter = (
        ("kind", ChoicesDropdownFilter),
        ("state", ChoicesDropdownFilter),
        ("policy", AutocompleteSelectFilter),
        ("started_at", BetweenFilter),
    )
    search_fields = ("requested_by", "policy__name")
    search_help_text = "Who asked, or the policy's name"
    ordering = ("-started_at", "-pk")
    export_without = ("result",)
    empty_says = "Nothing was simulated yet: “Simulate” and “Backtest” stand on the page of a policy."

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Simulation]":
        """Without what was found, which only the page of one reads."""
        rows: QuerySet[Simulation] = super().get_queryset(request)
        return rows.defer("result", "policy__text", "baseline__text")

    def get_urls(self) -> list[URLPattern]:
        """The form, before Django's."""
        wrap = self.admin_site.admin_view
        own = [path("ask/<int:pk>/<str:kind>/", wrap(self.ask), name="readiness_simulation_ask")]
        urls: list[URLPattern] = super().get_urls()
        return own + urls

    def ask(self, request: HttpRequest, pk: int, kind: str) -> HttpResponse:
        """The form that asks for one of a policy version."""
        return simulation_form.show(self, request, get_object_or_404(PolicyVersion, pk=pk), kind=kind)

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """How far it is, and what it found; loaded anew by itself while it runs."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not is_key(object_id):
            raise Http404
        row = get_object_or_404(Simulation.objects.select_related("policy", "baseline"), pk=object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": f"{row.get_kind_display()} of {row.policy}",
            "row": row,
            "title": f"{row.get_kind_display().capitalize()} of {row.policy}",
            "bar": self.progress(row),
            "state": self.state_label(row),
            "took": self.took(row),
            "refresh": REFRESH_SECONDS if row.state == Simulation.State.RUNNING else None,
            **found(row),
        }
        return TemplateResponse(request, "readiness/simulation.html", context)

    @admin.display(description="kind", ordering="kind")
    def kind_label(self, row: Simulation) -> str:
        """Simulation or backtest."""
        return str(row.get_kind_display())

    @admin.display(description="state", ordering="state")
    def state_label(self, row: Simulation) -> SafeString:
        """Running, done or failed."""
        return label(row.state, STATE_TONES[row.state], title=row.error)

    @admin.display(description="progress")
    def progress(self, row: Simulation) -> SafeString:
        """How many moments are judged."""
        said = f"{row.done} of {row.steps} moments"
        return beside(share_bar(row.done / row.steps if row.steps else 1, said), said)

    @admin.display(description="every", ordering="every_days")
    def every(self, row: Simulation) -> str:
        """Days between moments."""
        return f"{row.every_days} d" if row.steps > 1 else "–"

    @admin.display(description="horizon", ordering="horizon_days")
    def horizon(self, row: Simulation) -> str:
        """How far after a judgement a backtest looks."""
        return f"{row.horizon_days} d" if row.horizon_days else "–"

    @admin.display(description="took")
    def took(self, row: Simulation) -> str:
        """From asking to the end."""
        if row.finished_at is None:
            return "–"
        length = row.finished_at - row.started_at
        return f"{length.total_seconds():.1f} s" if length.total_seconds() < 60 else span(length)

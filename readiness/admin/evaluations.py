"""Evaluations with their progress and errors, and the scorecards that they wrote."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from readiness.admin.charts import range_bar, share_bar
from readiness.admin.filters import BetweenFilter
from readiness.admin.labels import Tone, label, level_label, offset_words, span, verdict_label
from readiness.admin.readonly import ReadOnlyAdmin
from readiness.models import Evaluation, EvaluationBatch, Scorecard

STATE_TONES: dict[str, Tone] = {"running": "unknown", "done": "good", "failed": "bad"}


def _batches(**conditions: bool) -> Coalesce:
    """How many batches an evaluation has; counted for the rows of a page, not joined."""
    counted = EvaluationBatch.objects.filter(evaluation=OuterRef("pk"), **conditions).order_by()
    number = counted.values("evaluation").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(number, output_field=IntegerField()), 0)


def progress_bar(done: int, total: int) -> SafeString:
    """How many batches are done."""
    said = f"{done} of {total} batches"
    return beside(share_bar(done / total if total else 1, said), said)


@admin.register(Evaluation)
class EvaluationAdmin(ReadOnlyAdmin):
    """Runs over the fleet, or parts of it."""

    list_display = (
        "at",
        "kind",
        "state_label",
        "progress",
        "services",
        "written",
        "unchanged",
        "failures",
        "policy",
        "started_at",
        "took",
        "requested_by",
    )
    list_select_related = ("policy",)
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("at", BetweenFilter),
    )
    search_fields = ("requested_by",)
    ordering = ("-at", "-pk")
    fields = (
        ("at", "kind", "state_label"),
        ("progress", "services"),
        ("written", "unchanged", "failures"),
        ("started_at", "finished_at", "took"),
        ("policy", "scope"),
        ("requested_by", "offset"),
        "error_table",
    )
    export_without = ("cycles",)
    readonly_fields = ("state_label", "progress", "failures", "took", "offset", "error_table")
    empty_says = "Nothing was evaluated yet: “Evaluate the fleet now” stands on the dashboard."

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Evaluation]":
        """With the number of batches, without what only evaluating reads."""
        rows: QuerySet[Evaluation] = super().get_queryset(request)
        rows = rows.defer("cycles", "policy__text")
        return rows.annotate(batches_all=_batches(), batches_done=_batches(done=True))

    @admin.display(description="state", ordering="state")
    def state_label(self, run: Evaluation) -> SafeString:
        """Running, done or failed."""
        return label(run.state, STATE_TONES[run.state])

    @admin.display(description="progress")
    def progress(self, run: Any) -> SafeString:
        """How many batches are done."""
        return progress_bar(run.batches_done, run.batches_all)

    @admin.display(description="not judged", ordering="failed")
    def failures(self, run: Evaluation) -> SafeString | str:
        """How many services could not be judged."""
        return label(str(run.failed), "bad") if run.failed else "0"

    @admin.display(description="took")
    def took(self, run: Evaluation) -> str:
        """From start to end."""
        if run.finished_at is None:
            return "–"
        length = run.finished_at - run.started_at
        return f"{length.total_seconds():.1f} s" if length.total_seconds() < 60 else span(length)

    @admin.display(description="clock offset then")
    def offset(self, run: Evaluation) -> str:
        """How far the clock stood from the real time."""
        return offset_words(run.clock_offset) or "none"

    @admin.display(description="errors")
    def error_table(self, run: Evaluation) -> SafeString | str:
        """Each service that could not be judged, and why."""
        if not run.errors:
            return "none"
        rows = format_html_join(
            "",
            "<tr><th>{}</th><td>{}</td></tr>",
            ((error.get("service") or "a whole batch", error.get("error")) for error in run.errors),
        )
        return format_html('<table class="rd-table">{}</table>', rows)


@admin.register(Scorecard)
class ScorecardAdmin(ReadOnlyAdmin):
    """Every judgement that was written; one alone is shown on its service's page."""

    list_display = ("service", "at", "kind", "revision", "extent", "known", "reached", "verdict", "policy")
    list_select_related = ("service", "policy")
    list_filter = (
        ("service", AutocompleteSelectFilter),
        ("kind", ChoicesDropdownFilter),
        ("at", BetweenFilter),
        ("evaluation", AutocompleteSelectFilter),
    )
    sortable_by = ()
    ordering = ("-pk",)  # newest written first: by moment there is no index over the whole fleet
    search_fields = ("service__slug__startswith",)
    search_help_text = "The beginning of a service's slug"
    export_without = ("numbers",)
    export_names = {"created_at": "judged_at"}
    empty_says = "Nothing was judged yet: “Evaluate the fleet now” stands on the dashboard."

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Scorecard]":
        """Without the numbers, which only the page of one scorecard reads."""
        rows: QuerySet[Scorecard] = super().get_queryset(request)
        return rows.defer("numbers", "policy__text")

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """Its service's page, showing this scorecard."""
        card = get_object_or_404(self.get_queryset(request), pk=object_id)
        page = reverse("admin:readiness_service_change", args=[card.service_id])
        return HttpResponseRedirect(f"{page}?scorecard={card.pk}")

    @admin.display(description="score – possible")
    def extent(self, card: Scorecard) -> SafeString:
        """From what is known to what is possible."""
        return range_cell(card.score, card.possible)

    @admin.display(description="evidence")
    def known(self, card: Scorecard) -> str:
        """The share of the criteria's weight that has a score."""
        return f"{card.evidence:.0%}"

    @admin.display(description="level")
    def reached(self, card: Scorecard) -> SafeString:
        """The level."""
        return level_label(card.level)

    @admin.display(description="verdict")
    def verdict(self, card: Scorecard) -> SafeString:
        """The one that applies."""
        return verdict_label(*applying(card))


def range_cell(score: float, possible: float) -> SafeString:
    """A bar with its two numbers."""
    return beside(range_bar(score, possible), f"{score:.0f} – {possible:.0f}")


def beside(picture: SafeString, numbers: str) -> SafeString:
    """A picture with its numbers."""
    return format_html('<span class="rd-range">{} <span>{}</span></span>', picture, numbers)


def applying(card: Scorecard) -> tuple[str | None, str | None]:
    """Which of launch, handoff and handback applies to the service's state, and what it says."""
    for of in ("launch", "handoff", "handback"):
        said: str | None = getattr(card, of)
        if said:
            return of, said
    return None, None

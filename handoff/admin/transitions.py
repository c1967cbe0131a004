"""Decisions: who moved what, when and why, as a list and on the page of a service. Nobody edits them."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, RangeDateTimeFilter

from handoff.models import Transition
from readiness import clock
from readiness.admin.charts import LONGEST, Event
from readiness.admin.labels import label
from readiness.admin.readonly import ReadOnlyAdmin
from readiness.models import Service

SHOWN = 10
DRAWN = 100
KEPT = "newest_decisions"
LIST = "admin:handoff_transition_changelist"
VIEW = "handoff.view_transition"


@admin.register(Transition)
class TransitionAdmin(ReadOnlyAdmin):
    """Every decision that was recorded."""

    list_display = ("at", "service", "subject", "about", "became", "actor", "reason")
    list_select_related = ("service",)
    list_filter = (
        ("service", AutocompleteSelectFilter),
        ("subject", ChoicesDropdownFilter),
        ("at", RangeDateTimeFilter),
    )
    search_fields = ("service__slug", "about", "actor")
    search_help_text = "Slug of a service, what was waived, or who acted"
    ordering = ("-at", "-pk")
    fields = (
        *("service", "subject", "about", "move", "from_state", "to_state", "actor", "reason"),
        *("at", "recorded_at", "relied_on"),
    )
    empty_says = "Nothing was decided yet: importing a fleet adopts its services into a state."

    @admin.display(description="what became of it", ordering="to_state")
    def became(self, transition: Transition) -> SafeString:
        """The state it went to, and from which."""
        return label(words(transition), "plain")

    @admin.display(description="scorecards it relied on")
    def relied_on(self, transition: Transition) -> str:
        """Those that were kept with the decision."""
        cards = transition.scorecards.order_by("pk").select_related("policy").defer("numbers")
        told = (f"#{card.pk} as of {card.at:%Y-%m-%d %H:%M} UTC, {card.policy}" for card in cards)
        return ", ".join(told) or "none"


def words(transition: Transition) -> str:
    """``asked → live``, ``adopted as ops-managed``."""
    reached = transition.to_state.replace("_", "-")
    if transition.subject == Transition.Subject.MANAGEMENT:
        return f"{'adopted as ' if not transition.from_state else ''}{reached}"
    return f"{transition.from_state} → {reached}" if transition.from_state else reached


def events(request: HttpRequest, service: Service) -> list[Event]:
    """The decisions of the time that a picture shows, the newest so many, for those who may view them.

    They are kept with the service, for :func:`part`.
    """
    if not request.user.has_perm(VIEW):
        return []
    newest = list(Transition.objects.filter(service=service)[:DRAWN])
    setattr(service, KEPT, newest)
    now = clock.now()
    return [
        Event(
            each.at,
            f"{each.about or each.get_subject_display()}: {words(each)}",
            reverse("admin:handoff_transition_change", args=[each.pk]),
        )
        for each in newest
        if now - LONGEST <= each.at <= now
    ]


def part(request: HttpRequest, service: Service) -> dict[str, Any]:
    """The newest decisions about a service, for its page; :func:`events` has read them."""
    newest = getattr(service, KEPT, [])
    query = urlencode({"service__id__exact": service.pk})
    return {
        "template": "handoff/fragments/transitions.html",
        "rows": [(each, words(each)) for each in newest[:SHOWN]],
        "more": f"{reverse(LIST)}?{query}" if len(newest) > SHOWN else "",
    }

"""Policies as `readiness` shows them, with what reviews missed: whether the bar is where it should be."""

from itertools import islice
from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from handoff.misses import Miss, by_criterion, misses
from readiness.admin import policies
from readiness.criteria import BY_SLUG
from readiness.models import PolicyVersion

admin.site.unregister(PolicyVersion)

SHOWN: Final = 5
"""So many handbacks are linked of each item, the newest."""


@admin.register(PolicyVersion)
class PolicyVersionAdmin(policies.PolicyVersionAdmin):
    """Versions of the policy; the page of each tells what reviews missed."""

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """What a version says, with the misses for those who may view cases."""
        page: Any = super().change_view(request, object_id)
        context = getattr(page, "context_data", None)
        if context and request.user.has_perm("handoff.view_case"):
            context["parts"] = [part()]
        answer: HttpResponse = page
        return answer


def part() -> dict[str, Any]:
    """The table of misses."""
    counted = misses()
    return {
        "template": "handoff/fragments/misses.html",
        "rows": [_row(miss) for miss in counted],
        "criteria": by_criterion(counted),
    }


def _row(miss: Miss) -> dict[str, Any]:
    return {
        "miss": miss,
        "criterion": BY_SLUG[miss.criterion].title if miss.criterion else "",
        "cases": [
            (slug, reverse("admin:handoff_case_change", args=[key]))
            for key, slug in islice(miss.cases.items(), SHOWN)
        ],
        "more": max(0, len(miss.cases) - SHOWN),
    }

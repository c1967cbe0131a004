"""Waivers: the list, the addresses of the page of one and of the form to ask, and the part on services."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from handoff.admin import waiver_form, waiver_page
from handoff.admin.waiver_words import left_label, state_label, target_words
from readiness import clock, rights
from readiness.admin.filters import ChoiceFilter
from readiness.admin.policy_page import is_key
from readiness.admin.readonly import ReadOnlyAdmin
from readiness.models import Service, Waiver


class StateFilter(ChoiceFilter):
    """What became of it, by the clock."""

    title = "state"
    parameter_name = "state"
    options = [(str(value), str(words)) for value, words in Waiver.State.choices]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        """Those in that state; an unknown one finds nothing."""
        value = self.value()
        rows: QuerySet[Any] = queryset.in_state([value], clock.now()) if value else queryset  # type: ignore[attr-defined]  # of waivers
        return rows


@admin.register(Waiver)
class WaiverAdmin(ReadOnlyAdmin):
    """Exceptions, by whom, for how long. Nobody edits one: it is asked for, decided, ended."""

    list_display = ("service", "sets_aside", "stands", "left", "reason", "author", "approver", "ends_at")
    list_select_related = ("service",)
    list_filter = (StateFilter, ("service", AutocompleteSelectFilter))
    search_fields = ("service__slug", "target", "author", "approver")
    search_help_text = "Slug of a service, what is set aside, who asked or approved"
    ordering = ("-ends_at", "-pk")
    empty_says = "No exception was ever asked for. The page of a service has the button that asks for one."

    def get_urls(self) -> list[URLPattern]:
        """The form to ask, and where decisions go, before Django's addresses."""
        wrap = self.admin_site.admin_view
        own = [
            path("ask/", wrap(self.ask_view), name="readiness_waiver_ask"),
            path("<int:pk>/decide/", wrap(self.decide_view), name="readiness_waiver_decide"),
        ]
        urls: list[URLPattern] = super().get_urls()
        return own + urls

    def ask_view(self, request: HttpRequest) -> HttpResponse:
        """The form to ask for a waiver of ``?service=``."""
        if not (self.has_view_permission(request) and rights.may_somewhere(request.user, rights.ASK_WAIVER)):
            raise PermissionDenied  # before it is told whether there is such a service
        key = request.GET.get("service", "")
        if not is_key(key):
            raise Http404
        return waiver_form.show(self, request, get_object_or_404(Service, pk=key))

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """What it sets aside, by whom and why, what came of it, and what can be done about it."""
        return waiver_page.show(self, request, self._waiver(request, object_id))

    def decide_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One move."""
        return waiver_page.decide(self, request, self._waiver(request, pk))

    def _waiver(self, request: HttpRequest, pk: str | int) -> Waiver:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not is_key(str(pk)):
            raise Http404
        return get_object_or_404(Waiver.objects.select_related("service"), pk=pk)

    @admin.display(description="sets aside", ordering="target")
    def sets_aside(self, waiver: Waiver) -> str:
        """A criterion or a blocker."""
        return target_words(waiver.target)

    @admin.display(description="now")
    def stands(self, waiver: Waiver) -> SafeString:
        """What became of it."""
        return state_label(waiver.state)

    @admin.display(description="left", ordering="ends_at")
    def left(self, waiver: Waiver) -> SafeString | str:
        """For how long it still counts."""
        return left_label(waiver)


def part(request: HttpRequest, service: Service) -> dict[str, Any]:
    """The waivers of a service that are live or asked for, and the button, for its page."""
    views = request.user.has_perm("readiness.view_waiver")
    asks = views and request.user.has_perm(rights.ASK_WAIVER, service)
    ask = f"{reverse('admin:readiness_waiver_ask')}?service={service.pk}"
    return {
        "template": "handoff/fragments/waivers.html",
        "rows": list(_rows(service)) if views else [],
        "ask": ask if asks and service.lifecycle != "retired" else "",
    }


def _rows(service: Service) -> Iterable[dict[str, Any]]:
    waivers = service.waivers.under_way().filter(ends_at__gt=clock.now()).order_by("ends_at", "pk")
    for waiver in waivers:
        yield {
            "waiver": waiver,
            "what": target_words(waiver.target),
            "state": state_label(waiver.state),
            "left": left_label(waiver),
        }

"""Policies, version by version: which is in force, who made and who activated each."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from readiness.admin import policy_activation, policy_draft, policy_page
from readiness.admin.labels import Tone, label, moment
from readiness.admin.readonly import ReadOnlyAdmin
from readiness.models import PolicyVersion

STATES: dict[str, Tone] = {"draft": "unknown", "in_force": "good", "past": "plain"}


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyAdmin):
    """Versions never change; which one is in force is what changes."""

    change_list_template = "readiness/policies.html"
    list_display = (
        "version_name",
        "state_label",
        "created_at",
        "author",
        "note",
        "times_activated",
        "last_activated",
        "short_digest",
    )
    search_fields = ("name", "author", "note")
    search_help_text = "Name, author or note"
    ordering = ("-in_force", "name", "-version")
    export_without = ("text",)
    empty_says = "No policy was stored yet: the first evaluation stores the default one."

    def get_queryset(self, request: HttpRequest) -> "QuerySet[PolicyVersion]":
        """Without the text, which only the page of one version reads."""
        rows: QuerySet[PolicyVersion] = super().get_queryset(request)
        shown = PolicyVersion.objects.with_state().filter(pk__in=rows.values("pk"))
        return shown.defer("text").annotate(times=Count("activations"), last=Max("activations__at"))

    def get_urls(self) -> list[URLPattern]:
        """The addresses that change what is in force, before Django's."""
        wrap = self.admin_site.admin_view
        own = [
            path("draft/", wrap(self.draft), name="readiness_policyversion_draft"),
            path("<int:pk>/activate/", wrap(self.activate), name="readiness_policyversion_activate"),
        ]
        urls: list[URLPattern] = super().get_urls()
        return own + urls

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with the right that its button depends on."""
        may = request.user.has_perm("readiness.add_policyversion")
        answer: HttpResponse = super().changelist_view(request, {**(extra_context or {}), "may_draft": may})
        return answer

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """What a version says, and what differs from another."""
        return policy_page.show(self, request, self._version(request, object_id))

    def draft(self, request: HttpRequest) -> HttpResponse:
        """The form that stores a draft."""
        return policy_draft.show(self, request)

    def activate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form that puts a version in force."""
        return policy_activation.show(self, request, self._version(request, pk))

    def _version(self, request: HttpRequest, pk: str | int) -> PolicyVersion:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not policy_page.is_key(str(pk)):
            raise Http404
        return get_object_or_404(PolicyVersion.objects.with_state(), pk=pk)

    @admin.display(description="policy", ordering="name")
    def version_name(self, version: PolicyVersion) -> str:
        """Name and version."""
        return str(version)

    @admin.display(description="state", ordering="in_force")
    def state_label(self, version: Any) -> SafeString:
        """Draft, in force or past."""
        return label(PolicyVersion.State(version.state).label, STATES[version.state])

    @admin.display(description="activated", ordering="times")
    def times_activated(self, version: Any) -> str:
        """How often it was put in force."""
        return f"{version.times} times" if version.times > 1 else "once" if version.times else "never"

    @admin.display(description="last activated", ordering="last")
    def last_activated(self, version: Any) -> str:
        """When it was put in force, the last time."""
        return moment(version.last)

    @admin.display(description="digest")
    def short_digest(self, version: PolicyVersion) -> str:
        """The beginning of the digest."""
        return version.digest[:12]

"""The fleet list and the pages of services, with what writes the catalogue: sheets, and forms by hand."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from handoff.admin import (
    cases,
    consultants,
    overrides,
    reviews,
    service_forms,
    service_naming,
    transitions,
    waivers,
)
from handoff.admin.service_columns import LAYOUT
from handoff.admin.service_sheets import ServiceSheet, ServiceSheetConfirmForm, ServiceSheetForm
from readiness.admin import fleet
from readiness.admin.charts import Event
from readiness.admin.exports import Columns
from readiness.admin.sheets import SheetImports
from readiness.models import Service
from readiness.spreadsheets import Layout

admin.site.unregister(Service)

PARTS = (cases.part, reviews.part, waivers.part, consultants.part, transitions.part)
"""What `handoff` adds to a service's page: each answers what its ``template`` needs, under ``part``."""


@admin.register(Service)
class ServiceAdmin(SheetImports, fleet.ServiceAdmin):
    """As `readiness` shows it; it may not write states, so what writes services stands here."""

    sheet_resource = ServiceSheet
    import_form_class = ServiceSheetForm
    confirm_form_class = ServiceSheetConfirmForm
    sheet_says = (
        "Each row is a service, named by its slug: new ones are made, known ones are changed where the row "
        "says something else; an empty cell changes nothing. A live service without a state is adopted into "
        "the one that the row says, developer_managed where it says none, from its launch date on. A state "
        "that is set changes by review, not by spreadsheet."
    )

    list_filter: Any = (
        *fleet.ServiceAdmin.list_filter,
        consultants.AdvisedFilter,
        overrides.OverriddenFilter,
    )
    empty_says = (
        "No service yet. Import a fleet folder with manage.py import_fleet DIR: its catalog-info.yaml names "
        "the services, the files beside it bring their evidence. Or import a spreadsheet of services, or add "
        "one by hand."
    )

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Service]":
        """With the overrides that carry them, in the same query."""
        return overrides.with_overrides(super().get_queryset(request))

    def exported(self) -> Columns:
        """With the reason of the override, where one carries the service."""
        return {**super().exported(), "overridden": lambda service: service.overridden}

    @admin.display(description="run by", ordering=fleet.OfCurrent("management_state"))
    def state(self, service: Service) -> SafeString | str:
        """Who runs it, and whether that, or the review of the next step, rests on an override."""
        return overrides.marked(super().state(service), service)

    def sheet_layout(self) -> Layout:
        """The catalogue's fields and the state."""
        return LAYOUT

    def get_urls(self) -> list[URLPattern]:
        """With the forms that edit a service and that name it anew."""
        edit, naming = (self.admin_site.admin_view(view) for view in (self.edit_view, self.naming_view))
        urls: list[URLPattern] = super().get_urls()
        return [
            path("<int:pk>/edit/", edit, name="readiness_service_edit"),
            path("<int:pk>/naming/", naming, name="readiness_service_naming"),
            *urls,
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """SRE leads add services."""
        return request.user.has_perm("readiness.add_service")

    def events(self, request: HttpRequest, service: Service) -> list[Event]:
        """What was decided about it."""
        return transitions.events(request, service)

    def add_view(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        """The form for a new service."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return service_forms.show(self, request, None)

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form that corrects what the catalogue says."""
        if not request.user.has_perm("readiness.change_service"):
            raise PermissionDenied
        return service_forms.show(self, request, self._service(request, pk))

    def naming_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The form that renames a service, or merges it into another."""
        if not request.user.has_perm("readiness.change_service"):
            raise PermissionDenied
        return service_naming.show(self, request, self._service(request, pk))

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """The service page, with what was decided, and the way to the form for those who may use it."""
        page: Any = super().change_view(request, object_id)
        context = getattr(page, "context_data", None)
        if context:
            context["parts"] = [part(request, context["service"]) for part in PARTS]
        if context and context["judgement"]:
            shown = context["judgement"]
            shown["state"] = overrides.marked(shown["state"], context["service"])
        if context and request.user.has_perm("readiness.change_service"):
            context["edit_url"] = reverse("admin:readiness_service_edit", args=[context["service"].pk])
        answer: HttpResponse = page
        return answer

"""The list of management changes: read here, written by decisions alone."""

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from readiness.admin.readonly import ReadOnlyAdmin
from readiness.models import ManagementChange


@admin.register(ManagementChange)
class ManagementChangeAdmin(ReadOnlyAdmin):
    """Who ran which service since when."""

    list_display = ("service", "state", "effective_at", "way", "actor", "reason")
    list_select_related = ("service",)
    list_filter = (
        ("service", AutocompleteSelectFilter),
        ("state", ChoicesDropdownFilter),
        ("way", ChoicesDropdownFilter),
    )
    search_fields = ("service__slug", "actor")
    ordering = ("-effective_at", "-pk")
    empty_says = "No service has a management state yet: importing a fleet adopts its services into one."

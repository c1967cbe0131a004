"""Lists of management changes and waivers: read here, written by decisions alone."""

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from readiness import clock
from readiness.admin.labels import label
from readiness.admin.readonly import ReadOnlyAdmin
from readiness.models import ManagementChange, Waiver


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


@admin.register(Waiver)
class WaiverAdmin(ReadOnlyAdmin):
    """Exceptions, by whom, for how long."""

    list_display = ("service", "target", "standing", "reason", "author", "approver", "approved_at", "ends_at")
    list_select_related = ("service",)
    list_filter = (("service", AutocompleteSelectFilter),)
    search_fields = ("service__slug", "target", "author", "approver")
    ordering = ("-ends_at", "-pk")
    empty_says = "No exception was ever approved."

    @admin.display(description="now")
    def standing(self, waiver: Waiver) -> SafeString:
        """Whether it counts at the clock's moment."""
        now = clock.now()
        if waiver.revoked_at is not None and waiver.revoked_at <= now:
            return label("revoked", "plain")
        if waiver.ends_at <= now:
            return label("expired", "plain")
        return label("live", "warn") if waiver.approved_at <= now else label("not yet", "plain")

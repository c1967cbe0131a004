"""Teams, people and systems: imported, but for a team's hours, which SRE leads may correct."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, IntegerField, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, BooleanRadioFilter, FieldTextFilter
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from readiness import clock
from readiness.admin.exports import Columns, columns_of
from readiness.admin.labels import label
from readiness.admin.readonly import ReadOnlyAdmin
from readiness.models import Person, Service, System, Team
from readiness.nudging import nudge
from readiness.tasks import reclassify_team

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOURS = ("time_zone", "country", "subdivision", "business_hours", "weekend")


class TeamForm(forms.ModelForm[Team]):
    """A team's hours, with the days off as boxes to tick."""

    weekend = forms.TypedMultipleChoiceField(
        choices=list(enumerate(DAYS)),
        coerce=int,
        required=False,
        label="Days off",
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    class Meta:
        model = Team
        fields = HOURS


def _services_by(field: str) -> Coalesce:
    """How many services name the row; counted for the rows of a page, not joined."""
    counted = Service.objects.filter(**{field: OuterRef("pk")}).order_by()
    number = counted.values(field).annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(number, output_field=IntegerField()), 0)


@admin.register(Team)
class TeamAdmin(ReadOnlyAdmin):
    """Teams, placeholders first: they were named as owners and nobody described them."""

    form = TeamForm
    list_display = ("name", "slug", "kind", "owned", "operated", "hours_in_words", "zone", "waiting")
    list_display_links = ("name",)
    list_filter = (("placeholder", BooleanRadioFilter), ("time_zone", FieldTextFilter))
    search_fields = ("slug", "title")
    ordering = ("-placeholder", "slug")
    readonly_fields = ("slug", "title", "placeholder", "hours_changed_at")
    fieldsets = (
        (None, {"fields": ("title", "slug", "placeholder")}),
        ("Hours", {"fields": (*HOURS, "hours_changed_at")}),
    )
    empty_says = "No team yet: import a fleet folder with manage.py import_fleet DIR."

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Hours may be corrected by those who have the right to change teams, as SRE leads have."""
        return request.user.has_perm("readiness.change_team")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Team]":
        """With the number of services of each."""
        rows: QuerySet[Team] = super().get_queryset(request)
        return rows.annotate(owns=_services_by("owner"), operates=_services_by("ops_team"))

    def save_model(  # noqa: PLR0917 - Django calls it so
        self, request: HttpRequest, obj: Team, form: TeamForm, change: bool
    ) -> None:
        """Changed hours make stored rows wrong: mark the team, and have them decided again."""
        changed = [name for name in HOURS if name in form.changed_data]
        if not changed:
            return
        obj.hours_changed_at = clock.real_now()
        obj.save(update_fields=[*changed, "hours_changed_at"])
        transaction.on_commit(lambda: self._announce(request, obj.pk))

    def _announce(self, request: HttpRequest, team_id: int) -> None:
        when = "now" if nudge(reclassify_team, team_id) else "when the worker's broker answers again"
        said = f"What was after hours is decided again {when}; then its services are judged anew."
        messages.info(request, said)

    @admin.display(description="team", ordering="title")
    def name(self, team: Team) -> str:
        """The title, else the slug."""
        return str(team)

    @admin.display(description="described by", ordering="-placeholder")
    def kind(self, team: Team) -> SafeString | str:
        """Whether anything but its name is known."""
        why = "A service named it as owner, no file describes it: its hours are a guess."
        return label("nobody: placeholder", "warn", title=why) if team.placeholder else "catalogue"

    @admin.display(description="owns", ordering="owns")
    def owned(self, team: Any) -> str:
        """How many services it owns."""
        return str(team.owns)

    @admin.display(description="runs", ordering="operates")
    def operated(self, team: Any) -> str:
        """How many services it is the ops team of."""
        return str(team.operates)

    @admin.display(description="hours")
    def hours_in_words(self, team: Team) -> str:
        """When it works, and which days it does not."""
        off = ", ".join(DAYS[day][:3] for day in sorted(team.weekend) if day in range(7))
        return f"{team.business_hours}, off {off or 'never'}"

    @admin.display(description="zone and holidays", ordering="time_zone")
    def zone(self, team: Team) -> str:
        """Time zone, country and part of it."""
        return " ".join(filter(None, (team.time_zone, team.country, team.subdivision)))

    @admin.display(description="reclassification")
    def waiting(self, team: Team) -> SafeString | str:
        """Whether stored rows still have flags of other hours."""
        return label("waits", "warn") if team.hours_changed_at else "up to date"


@admin.register(Person)
class PersonAdmin(ReadOnlyAdmin):
    """People with role, teams and who they are elsewhere."""

    list_display = ("name", "role", "team_names", "identity_names", "email")
    list_filter = (("teams", AutocompleteSelectFilter), ("role", FieldTextFilter))
    search_fields = ("slug", "name", "email")
    empty_says = "No person yet: people.jsonl of a fleet folder names them."

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Person]":
        """With teams and identities, by two queries for all."""
        people: QuerySet[Person] = super().get_queryset(request)
        return people.prefetch_related("teams", "identities")

    def exported(self) -> Columns:
        """As a person's record names them."""
        return {
            **columns_of(self.model, without=("id",)),
            "teams": lambda person: [team.slug for team in person.teams.all()],
            "identities": lambda person: {each.source: each.external_id for each in person.identities.all()},
        }

    @admin.display(description="teams")
    def team_names(self, person: Person) -> str:
        """The teams of a person."""
        return ", ".join(str(team) for team in person.teams.all())

    @admin.display(description="known as")
    def identity_names(self, person: Person) -> str:
        """Who the person is in each source."""
        return ", ".join(str(identity) for identity in person.identities.all())


@admin.register(System)
class SystemAdmin(ReadOnlyAdmin):
    """Systems and who owns them."""

    list_display = ("name", "slug", "owner", "services_of_it")
    list_select_related = ("owner",)
    list_filter = (("owner", AutocompleteSelectFilter),)
    search_fields = ("slug", "title")
    empty_says = "No system yet: the catalogue of a fleet folder names them."

    def get_queryset(self, request: HttpRequest) -> "QuerySet[System]":
        """With the number of services of each."""
        rows: QuerySet[System] = super().get_queryset(request)
        return rows.annotate(holds=_services_by("system"))

    @admin.display(description="system", ordering="title")
    def name(self, system: System) -> str:
        """The title, else the slug."""
        return str(system)

    @admin.display(description="services", ordering="holds")
    def services_of_it(self, system: Any) -> SafeString:
        """How many services belong to it, as a link to them."""
        return format_html(
            '<a class="rd-link" href="../service/?system__id__exact={}">{}</a>', system.pk, system.holds
        )

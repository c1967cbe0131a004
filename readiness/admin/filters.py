"""Filters of the lists: what current scores say of services, which evidence rows count, and between days."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib.admin import ModelAdmin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.dateparse import parse_date
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter
from unfold.widgets import UnfoldAdminTextInputWidget

from readiness.criteria import CRITERIA
from readiness.models import CurrentScore, Service
from readiness.models.evidence import KINDS
from readiness.models.scorecard import VERDICTS

NEVER = "never"
Choices = list[tuple[str, str]]
Rows = QuerySet[Any]


class ChoiceFilter(DropdownFilter):
    """A drop-down list whose chosen value becomes a condition."""

    options: Choices = []

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> Choices:
        """What can be chosen."""
        return self.options

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Rows that meet what was chosen; an unknown value finds nothing."""
        value = self.value()
        if not value:
            return queryset
        condition = self.condition(value)
        return queryset.none() if condition is None else queryset.filter(condition)

    def condition(self, value: str) -> Q | None:
        """The chosen value as a condition."""
        raise NotImplementedError


class VerdictFilter(ChoiceFilter):
    """Which verdict applies, and what it says."""

    title = "verdict"
    parameter_name = "verdict"
    options = [
        *(
            (f"{of}:{each}", f"{of}: {each.replace('_', ' ')}")
            for of in ("handoff", "launch", "handback")
            for each in VERDICTS[of]
        ),
        ("none", "no verdict applies"),
        (NEVER, "never judged"),
    ]

    def condition(self, value: str) -> Q | None:
        """``of:verdict``, or one of the two that are none."""
        if value == NEVER:
            return Q(current__isnull=True)
        if value == "none":
            return Q(current__isnull=False, current__verdict__isnull=True)
        of, _, verdict = value.partition(":")
        return Q(current__verdict_of=of, current__verdict=verdict)


class StateFilter(ChoiceFilter):
    """Who runs the service, as it was judged."""

    title = "management state"
    parameter_name = "state"
    options = [
        ("developer_managed", "developer-managed"),
        ("ops_managed", "ops-managed"),
        ("none", "nobody yet"),
    ]

    def condition(self, value: str) -> Q | None:
        """The state of the last judgement."""
        if value == "none":
            return Q(current__isnull=False, current__management_state__isnull=True)
        return Q(current__management_state=value)


class LevelFilter(ChoiceFilter):
    """Levels that services have; policies name them."""

    title = "level"
    parameter_name = "level"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> Choices:
        """Levels there are."""
        names = CurrentScore.objects.order_by("level").values_list("level", flat=True).distinct()
        return [(name, name) for name in names]

    def condition(self, value: str) -> Q | None:
        """The level of the last judgement."""
        return Q(current__level=value)


class BelowFilter(ChoiceFilter):
    """A criterion that scored below its threshold."""

    title = "criterion below its threshold"
    parameter_name = "below"
    options = [("any", "any of them"), *((each.slug, each.title) for each in CRITERIA)]

    def condition(self, value: str) -> Q | None:
        """Names stand between blanks, so that one is found whole."""
        return ~Q(current__below="") & Q(current__isnull=False) if value == "any" else _word("below", value)


class SilentFilter(ChoiceFilter):
    """A feed that fell silent."""

    title = "silent feed"
    parameter_name = "silent"
    options = [("any", "any of them"), *KINDS]

    def condition(self, value: str) -> Q | None:
        """Names stand between blanks, so that one is found whole."""
        return ~Q(current__silent="") & Q(current__isnull=False) if value == "any" else _word("silent", value)


def _word(column: str, word: str) -> Q:
    return Q(**{f"current__{column}__contains": f" {word} "})


class TierFilter(ChoiceFilter):
    """Tiers 1 to 4."""

    title = "tier"
    parameter_name = "tier"
    options = [(str(tier), f"tier {tier}") for tier in (1, 2, 3, 4)]

    def condition(self, value: str) -> Q | None:
        """The tier as the catalogue says."""
        return Q(tier=int(value)) if value in dict(self.options) else None


class FleetFilter(ChoiceFilter):
    """The folder a service was imported from."""

    title = "fleet"
    parameter_name = "fleet"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> Choices:
        """Fleets there are."""
        names = Service.objects.exclude(fleet="").order_by("fleet").values_list("fleet", flat=True).distinct()
        return [(name, name) for name in names]

    def condition(self, value: str) -> Q | None:
        """Services of that fleet."""
        return Q(fleet=value)


class MadeUpFilter(ChoiceFilter):
    """Whether a service is one, or made up for a sample fleet."""

    title = "made up"
    parameter_name = "made_up"
    options = [("yes", "made up"), ("no", "not made up")]

    def condition(self, value: str) -> Q | None:
        """As the catalogue says."""
        return Q(made_up=value == "yes") if value in dict(self.options) else None


class CountsFilter(ChoiceFilter):
    """Whether an evidence row counts, and why not."""

    title = "whether it counts"
    parameter_name = "counts"
    options = [("yes", "counts"), ("drill", "drill"), ("withdrawn", "withdrawn"), ("excluded", "excluded")]

    def condition(self, value: str) -> Q | None:
        """A row counts when it is no drill, not withdrawn and not excluded."""
        if value == "yes":
            return Q(drill=False, withdrawn=False, excluded=False)
        return Q(**{value: True}) if value in dict(self.options) else None


class SeverityFilter(ChoiceFilter):
    """Severities, 1 the worst."""

    title = "severity"
    parameter_name = "severity"
    options = [(str(severity), f"severity {severity}") for severity in (1, 2, 3, 4, 5)]

    def condition(self, value: str) -> Q | None:
        """Rows of that severity."""
        return Q(severity=int(value)) if value in dict(self.options) else None


class OpenFilter(ChoiceFilter):
    """Whether something is still open."""

    title = "whether it is open"
    parameter_name = "open"
    options = [("yes", "open"), ("no", "closed")]
    ended = "closed_at"

    def condition(self, value: str) -> Q | None:
        """Open is what has no end yet."""
        return Q(**{f"{self.ended}__isnull": value == "yes"})


class UnresolvedFilter(OpenFilter):
    """Whether an incident is still open."""

    ended = "resolved_at"


class _BetweenForm(forms.Form):
    def __init__(self, name: str, data: dict[str, str | None]) -> None:
        super().__init__(data)
        title = name.replace("_", " ")
        for end, words in (("from", "from"), ("to", "to, that day included")):
            self.fields[f"{name}_{end}"] = forms.DateField(
                label=f"By {title} {words}",
                required=False,
                widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
            )


class BetweenFilter(RangeDateFilter):
    """From one day to another, both included, in UTC."""

    form_class = _BetweenForm
    template = "unfold/filters/filters_field.html"

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Rows between the days; a day that is none is left out."""
        since, until = self._day("from"), self._day("to")
        if since:
            queryset = queryset.filter(**{f"{self.field_path}__gte": since})
        if until:
            queryset = queryset.filter(**{f"{self.field_path}__lt": until + dt.timedelta(days=1)})
        return queryset

    def _day(self, end: str) -> dt.datetime | None:
        try:
            day = parse_date(self.used_parameters.get(f"{self.field_path}_{end}") or "")
        except ValueError:
            return None
        return dt.datetime.combine(day, dt.time(), dt.UTC) if day else None

"""Filters of alerts."""

import django_filters

from readiness.api.filters.base import ChoicesFilter, FlagFilter, TimedFilter, service_filter, team_filter
from readiness.models import Alert


class AlertFilter(TimedFilter):
    """Alerts: a stretch of time asks for those that held at some moment of it."""

    begins, ends = "began_at", "ended_at"
    searched = ("text",)

    kind = ChoicesFilter(Alert.Kind.choices)
    service = service_filter()
    team = team_filter("team", "Slug of the team that should act.")
    subject = django_filters.CharFilter(help_text="What it is about: a kind of feed.")
    open = FlagFilter(field_name="ended_at", lookup_expr="isnull", help_text="Its reason still holds.")

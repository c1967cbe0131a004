"""Alerts: what is wrong now, and what was."""

from rest_framework import mixins

from readiness.api.filters.alerts import AlertFilter
from readiness.api.serializers.alerts import AlertSerializer
from readiness.api.views.base import ListViewSet
from readiness.api.views.judgement import NUMBER
from readiness.models import Alert


class AlertViewSet(mixins.RetrieveModelMixin, ListViewSet[Alert]):
    """Alerts. Each is raised by a reason, and ends by itself when that does."""

    queryset = Alert.objects.select_related("service", "team")
    serializer_class = AlertSerializer
    filterset_class = AlertFilter
    lookup_value_regex = NUMBER
    orderings = {"began_at": "began_at", "ended_at": "ended_at", "kind": "kind", "service": "service__slug"}
    ordering = ("-began_at",)

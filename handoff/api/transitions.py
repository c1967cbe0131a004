"""Decisions as they were recorded, and who ran a service at any moment."""

from typing import Any

from rest_framework import mixins, serializers

from handoff.models import Transition
from readiness.api.filters.base import ChoicesFilter, TimedFilter, service_filter
from readiness.api.views.base import ListViewSet
from readiness.api.views.judgement import NUMBER
from readiness.models import Service


class TransitionSerializer(serializers.ModelSerializer[Transition]):
    """Something of a service went from one state to another."""

    service = serializers.SlugRelatedField[Service](slug_field="slug", read_only=True)
    scorecards: Any = serializers.PrimaryKeyRelatedField(
        many=True, read_only=True, help_text="Keys of the scorecards that it relied on."
    )

    class Meta:
        model = Transition
        fields = (
            *("id", "service", "subject", "subject_id", "about", "move", "from_state", "to_state"),
            *("actor", "reason", "scorecards", "at", "recorded_at"),
        )
        read_only_fields = fields


class TransitionFilter(TimedFilter):
    """Decisions that took effect in a stretch of time."""

    begins = ends = "at"
    searched = ("about", "actor", "reason")

    service = service_filter()
    subject = ChoicesFilter(Transition.Subject.choices)


class TransitionViewSet(mixins.RetrieveModelMixin, ListViewSet[Transition]):
    """Decisions: who moved what, when and why. Nobody changes them, the database neither."""

    queryset = Transition.objects.select_related("service").prefetch_related("scorecards")
    serializer_class = TransitionSerializer
    filterset_class = TransitionFilter
    lookup_value_regex = NUMBER
    orderings = {"at": "at", "service": "service__slug", "subject": "subject"}
    ordering = ("-at",)

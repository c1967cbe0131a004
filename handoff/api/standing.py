"""Who ran a service at a moment, and since when."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from readiness.api.moments import MomentField
from readiness.api.serializers.judgement import Question
from readiness.models import ManagementChange, ManagementState, Service


class StandingQuestion(Question):
    """As of which moment."""

    at = MomentField(required=False, help_text="The state at this moment; without it, the current one.")


class StandingSerializer(serializers.Serializer[dict[str, Any]]):
    """Who ran it then; all null where nobody did."""

    service = serializers.CharField()
    at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=ManagementState.choices, allow_null=True)
    since = serializers.DateTimeField(allow_null=True)
    way = serializers.ChoiceField(choices=ManagementChange.WAYS, allow_null=True)
    actor = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_null=True)


def standing(service: Service, at: datetime) -> dict[str, Any]:
    """The management state of a service as of a moment, in one query."""
    change = service.management_changes.by(at).order_by("-effective_at", "-pk").first()
    return {
        "service": service.slug,
        "at": at,
        "state": change and change.state,
        "since": change and change.effective_at,
        "way": change and change.way,
        "actor": change and change.actor,
        "reason": change and change.reason,
    }

"""The gate: what can be asked of a service, and how it is answered."""

import datetime as dt
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from readiness import gate
from readiness.api.serializers.judgement import PolicyNameSerializer, Question
from readiness.models.scorecard import VERDICTS


@extend_schema_field(OpenApiTypes.STR)
class MaxAgeField(serializers.Field[dt.timedelta, str, str, Any]):
    """A span such as 48h."""

    def to_internal_value(self, data: Any) -> dt.timedelta:
        """Read the span; anything but text is refused too."""
        try:
            return gate.parse_max_age(str(data))
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class _GateQuestion(Question):
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raises ``ValidationError`` for what only a deployment can do."""
        if "remediates" in attrs and attrs["for"] != "deploy":
            raise serializers.ValidationError({"remediates": "goes with for=deploy alone"})
        return super().validate(attrs)


QUESTION_FIELDS = {
    "for": serializers.ChoiceField(choices=gate.QUESTIONS, help_text="What the service is to be ready for."),
    "max_age": MaxAgeField(
        required=False,
        help_text="How old the scorecard may be: 90m, 48h, 7d. Without it SCORECARD_STALE_AFTER_HOURS.",
    ),
    "remediates": serializers.CharField(
        required=False,
        max_length=401,
        help_text="With for=deploy: the failed change, incident or pipeline that the deployment is to cure, "
        "as source:id or id; it no longer stands against it.",
    ),
}
# Made by a call, for one of its fields is a word of Python's.
GateQuestion = type(
    "GateQuestion", (_GateQuestion,), {"__doc__": "What is asked of a service.", **QUESTION_FIELDS}
)


class ReliedSerializer(serializers.Serializer[Any]):
    """A waiver that an answer relied on."""

    id = serializers.IntegerField()
    target = serializers.CharField()
    text = serializers.CharField()


ANSWER_FIELDS = {
    "service": serializers.CharField(),
    "for": serializers.ChoiceField(choices=gate.QUESTIONS),
    "answer": serializers.ChoiceField(choices=VERDICTS["handoff"]),
    "exit_code": serializers.ChoiceField(
        choices=sorted(gate.EXIT_CODES.values()),
        help_text="What `manage.py gate` exits with: 0 ready, 1 not ready, 2 cannot tell.",
    ),
    "reasons": serializers.ListField(child=serializers.CharField()),
    "waivers": ReliedSerializer(many=True),
    "remediates": serializers.CharField(allow_null=True),
    "at": serializers.DateTimeField(
        allow_null=True, help_text="The moment judged; null without a scorecard."
    ),
    "age_seconds": serializers.FloatField(allow_null=True),
    "max_age_seconds": serializers.FloatField(),
    "stale": serializers.BooleanField(help_text="Older than was allowed: the answer is cannot_tell."),
    "scorecard": serializers.IntegerField(allow_null=True),
    "policy": PolicyNameSerializer(allow_null=True),
    "clock_offset": serializers.FloatField(help_text="Seconds by which the clock is ahead of the real time."),
}
GateSerializer = type(
    "GateSerializer", (serializers.Serializer,), {"__doc__": "The answer of the gate.", **ANSWER_FIELDS}
)

"""What changed between two scorecards: how the answer and its question are described."""

from typing import Any

from rest_framework import serializers

from readiness.api.moments import MomentField
from readiness.api.serializers.judgement import PolicyNameSerializer, Question
from readiness.models.scorecard import Kind
from readiness.rendering.causes import Code
from readiness.rendering.changes import Topic

# Made by calls, for one of their fields is a word of Python's.
ChangesQuestion = type(
    "ChangesQuestion",
    (Question,),
    {
        "__doc__": "Which two scorecards.",
        "from": MomentField(
            required=False,
            help_text="The newest scorecard by this moment; without it, the one before `to` that says "
            "something else, of the same kind.",
        ),
        "to": MomentField(
            required=False, help_text="The newest scorecard by this moment; without it, the current one."
        ),
    },
)


class ComparedScorecardSerializer(serializers.Serializer[Any]):
    """One of the two."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    revision = serializers.IntegerField()
    judged_at = serializers.DateTimeField()
    policy = PolicyNameSerializer()


ChangeSerializer = type(
    "ChangeSerializer",
    (serializers.Serializer,),
    {
        "__doc__": "One thing that the two say otherwise, in words.",
        "topic": serializers.ChoiceField(choices=Topic.__args__),  # type: ignore[attr-defined]  # of a Literal
        "code": serializers.CharField(
            help_text="Such as `handoff`, `open_sev1_defect`, `defects.open_load`."
        ),
        "what": serializers.CharField(),
        "from": serializers.CharField(),
        "to": serializers.CharField(),
        "better": serializers.BooleanField(allow_null=True, help_text="null where neither is better."),
    },
)


class CauseRowSerializer(serializers.Serializer[Any]):
    """A row that a cause is about."""

    kind = serializers.CharField()
    # Named as in the record; REST framework keeps where a value comes from under the same name.
    source = serializers.CharField()  # type: ignore[assignment]
    id = serializers.CharField()
    url = serializers.CharField(allow_null=True)


class CauseSerializer(serializers.Serializer[Any]):
    """What happened in between and may explain it."""

    code = serializers.ChoiceField(choices=Code.__args__)  # type: ignore[attr-defined]  # of a Literal
    text = serializers.CharField()
    kind = serializers.CharField(allow_null=True)
    count = serializers.IntegerField()
    rows = CauseRowSerializer(many=True)


ChangesSerializer = type(
    "ChangesSerializer",
    (serializers.Serializer,),
    {
        "__doc__": "What changed between two scorecards of a service, and why.",
        "service": serializers.CharField(),
        "from": ComparedScorecardSerializer(allow_null=True, help_text="null while there is only one."),
        "to": ComparedScorecardSerializer(),
        "summary": serializers.CharField(),
        "changes": ChangeSerializer(many=True),
        "causes": CauseSerializer(many=True),
    },
)

"""Scorecards, histories, evaluations and policies."""

from typing import Any

from rest_framework import serializers

from readiness import clock, evaluation
from readiness.api.ages import AgeSeconds, Seconds, Stale
from readiness.api.filters.base import refuse_unknown, services_named
from readiness.api.moments import MomentField
from readiness.models import Evaluation, PolicyActivation, PolicyVersion, Scorecard, Service
from readiness.models.scorecard import VERDICTS, Kind

SERVICES_MAX = 10_000


class PolicyNameSerializer(serializers.Serializer[PolicyVersion]):
    """Which policy version."""

    name = serializers.CharField()
    version = serializers.IntegerField()


class VerdictsSerializer(serializers.Serializer[Any]):
    """The four verdicts; one that does not apply is null."""

    handoff = serializers.ChoiceField(choices=VERDICTS["handoff"], allow_null=True)
    launch = serializers.ChoiceField(choices=VERDICTS["launch"], allow_null=True)
    deploy = serializers.ChoiceField(choices=VERDICTS["deploy"], allow_null=True)
    handback = serializers.ChoiceField(choices=VERDICTS["handback"], allow_null=True)


class ScorecardSerializer(serializers.ModelSerializer[Scorecard]):
    """A scorecard's columns; its address answers the rest."""

    service = serializers.SlugRelatedField[Service](slug_field="slug", read_only=True)
    policy = PolicyNameSerializer(read_only=True)
    evaluation = serializers.PrimaryKeyRelatedField[Evaluation](read_only=True, allow_null=True)
    judged_at = serializers.DateTimeField(source="created_at", read_only=True)
    age_seconds = AgeSeconds()
    stale = Stale()
    clock_offset = Seconds(read_only=True)
    verdicts = VerdictsSerializer(source="*", read_only=True)

    class Meta:
        model = Scorecard
        fields = (
            "id",
            "service",
            "at",
            "kind",
            "revision",
            "policy",
            "evaluation",
            "judged_at",
            "age_seconds",
            "stale",
            "clock_offset",
            "score",
            "possible",
            "evidence",
            "level",
            "management_state",
            "verdicts",
            "digest",
        )
        read_only_fields = fields


class VerdictSerializer(serializers.Serializer[Any]):
    """A verdict, why, and the waivers it relied on."""

    verdict = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())
    waivers = serializers.ListField(child=serializers.IntegerField())


class FourVerdictsSerializer(serializers.Serializer[Any]):
    """The four verdicts with their reasons; one that does not apply is null."""

    handoff = VerdictSerializer(allow_null=True)
    launch = VerdictSerializer(allow_null=True)
    deploy = VerdictSerializer(allow_null=True)
    handback = VerdictSerializer(allow_null=True)


class BlockerSerializer(serializers.Serializer[Any]):
    """A condition that no average can outweigh."""

    code = serializers.CharField()
    criterion = serializers.CharField()
    text = serializers.CharField()
    waived = serializers.BooleanField()


class ShownSerializer(serializers.Serializer[Any]):
    """A number that is shown and not scored."""

    name = serializers.CharField()
    value = serializers.JSONField(allow_null=True)
    unit = serializers.CharField(allow_null=True)


class PartSerializer(serializers.Serializer[Any]):
    """A part of a criterion; value and score are null where it is not applicable."""

    name = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    unit = serializers.CharField(allow_null=True)
    score = serializers.FloatField(allow_null=True)
    weight = serializers.FloatField()


NEXT_STEP = type(
    "NextStepSerializer",
    (serializers.Serializer,),
    {
        "__doc__": "What would bring a part to its target.",
        "text": serializers.CharField(),
        "part": serializers.CharField(allow_null=True),
        "from": serializers.FloatField(allow_null=True),
        "to": serializers.FloatField(allow_null=True),
    },
)
"""Made by a call, for one of its fields is a word of Python's."""


class EvidenceLinkSerializer(serializers.Serializer[Any]):
    """A row the criterion rests on; ``id`` and ``source`` find it in the list of its kind."""

    kind = serializers.CharField()
    # Named as in the record; REST framework keeps where a value comes from under the same name.
    source = serializers.CharField()  # type: ignore[assignment]
    id = serializers.CharField()
    url = serializers.CharField(allow_null=True)
    why = serializers.CharField()


class CriterionSerializer(serializers.Serializer[Any]):
    """One criterion's answer."""

    slug = serializers.CharField()
    title = serializers.CharField()
    status = serializers.ChoiceField(choices=("scored", "insufficient_evidence"))
    score = serializers.FloatField(allow_null=True)
    weight = serializers.FloatField()
    gated = serializers.BooleanField()
    threshold = serializers.FloatField()
    reason = serializers.CharField()
    parts = PartSerializer(many=True)
    shown = ShownSerializer(many=True)
    next_steps = NEXT_STEP(many=True)
    evidence = EvidenceLinkSerializer(many=True)


class ScorecardDocumentSerializer(serializers.Serializer[Any]):
    """The scorecard of DESIGN.md. Describes what ``readiness.reading`` renders; it renders nothing itself."""

    id = serializers.IntegerField()
    service = serializers.CharField()
    at = serializers.DateTimeField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    revision = serializers.IntegerField()
    judged_at = serializers.DateTimeField(allow_null=True)
    age_seconds = serializers.FloatField()
    stale = serializers.BooleanField()
    clock_offset = serializers.FloatField(help_text="Seconds by which the clock was ahead of the real time.")
    policy = PolicyNameSerializer()
    tier = serializers.IntegerField()
    lifecycle = serializers.CharField()
    management_state = serializers.CharField(allow_null=True)
    score = serializers.FloatField()
    possible = serializers.FloatField()
    evidence = serializers.FloatField()
    level = serializers.CharField()
    verdicts = FourVerdictsSerializer()
    blockers = BlockerSerializer(many=True)
    criteria = CriterionSerializer(many=True)


class HistoryPointSerializer(serializers.Serializer[Any]):
    """One judgement as a plot needs it; a criterion's score is null where evidence was insufficient."""

    at = serializers.DateTimeField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    revision = serializers.IntegerField()
    policy = PolicyNameSerializer()
    score = serializers.FloatField()
    possible = serializers.FloatField()
    evidence = serializers.FloatField()
    level = serializers.CharField()
    verdicts = VerdictsSerializer()
    criteria = serializers.DictField(child=serializers.FloatField(allow_null=True))


class HistorySerializer(serializers.Serializer[Any]):
    """A service's judgements in order of time. A moment judged again stands there once for each revision."""

    service = serializers.CharField()
    limit = serializers.IntegerField(help_text="At most so many points, the newest.")
    truncated = serializers.BooleanField(help_text="There are older ones that fit the question.")
    clock_offset = serializers.FloatField(help_text="Seconds by which the clock is ahead of the real time.")
    points = HistoryPointSerializer(many=True)


class Question(serializers.Serializer[dict[str, Any]]):
    """The query parameters of one resource; unknown ones are refused."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raises ``ValidationError`` that names the parameter."""
        refuse_unknown(self.initial_data, self.fields.keys())
        return attrs


class ExplainedQuestion(Question):
    """How to show a scorecard."""

    explain = serializers.BooleanField(
        default=True, help_text="false leaves out the links to evidence, which takes reading the rows."
    )


class ScorecardQuestion(ExplainedQuestion):
    """Which scorecard of a service."""

    at = MomentField(
        required=False,
        help_text="The newest judgement at or before this moment; without it, the current one.",
    )
    kind = serializers.ChoiceField(
        choices=Kind.choices,
        required=False,
        help_text="Without it: live, or a replay where there is no live one.",
    )


HISTORY_FIELDS = {
    "from": MomentField(required=False, help_text="at or after this moment."),
    "to": MomentField(required=False, help_text="at or before this moment."),
    "kind": serializers.ChoiceField(choices=Kind.choices, required=False),
}
# Made by a call, for one of its fields is a word of Python's.
HistoryQuestion = type(
    "HistoryQuestion", (Question,), {"__doc__": "Which stretch of a history.", **HISTORY_FIELDS}
)


class BatchesSerializer(serializers.Serializer[Evaluation]):
    """How far an evaluation is."""

    done = serializers.IntegerField(source="batches_done")
    all = serializers.IntegerField(source="batches_all")


class EvaluationSerializer(serializers.ModelSerializer[Evaluation]):
    """A run: what was asked, how far it is, what came of it."""

    policy = PolicyNameSerializer(read_only=True)
    clock_offset = Seconds(read_only=True)
    batches = BatchesSerializer(source="*", read_only=True)
    errors = serializers.ListField(child=serializers.JSONField(), read_only=True)  # type: ignore[assignment]  # a column of that name

    class Meta:
        model = Evaluation
        fields = (
            "id",
            "at",
            "kind",
            "policy",
            "scope",
            "state",
            "started_at",
            "finished_at",
            "clock_offset",
            "batches",
            "services",
            "written",
            "unchanged",
            "failed",
            "errors",
            "requested_by",
        )
        read_only_fields = fields


class EvaluationRequestSerializer(serializers.Serializer[dict[str, Any]]):
    """What to evaluate: without a moment now, live; without services the fleet."""

    at = MomentField(required=False, allow_null=True, help_text="Not after the clock's now.")
    services = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        allow_null=True,
        min_length=1,
        max_length=SERVICES_MAX,
        help_text="Slugs or aliases.",
    )

    def validate_at(self, at: Any) -> Any:
        """What has not happened cannot be judged."""
        if at is not None and at > clock.now():
            raise serializers.ValidationError(f"lies after the clock's now, {clock.now().isoformat()}")
        return at

    def validate_services(self, names: list[str] | None) -> list[int] | None:
        """From names to keys; all unknown ones are named at once."""
        if names is None:
            return None
        known = services_named(names)
        unknown = [name for name in names if name not in known]
        if unknown:
            raise serializers.ValidationError(f"there is no {', '.join(unknown)}")
        return sorted({known[name] for name in names})

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A misspelt field would evaluate something else than was meant."""
        refuse_unknown(self.initial_data, self.fields.keys())
        return attrs


class PolicyActivationSerializer(serializers.ModelSerializer[PolicyActivation]):
    """From when on live evaluations judged under a version, by whose decision and why."""

    class Meta:
        model = PolicyActivation
        fields = ("at", "actor", "reason")
        read_only_fields = fields


class PolicySerializer(serializers.ModelSerializer[PolicyVersion]):
    """A policy version: who made it and why, and when it was put in force."""

    state = serializers.ChoiceField(choices=PolicyVersion.State.choices, read_only=True)
    activations = PolicyActivationSerializer(many=True, read_only=True)

    class Meta:
        model = PolicyVersion
        fields = (
            "id",
            "name",
            "version",
            "digest",
            "created_at",
            "author",
            "note",
            "state",
            "in_force",
            "activations",
        )
        read_only_fields = fields


class PolicyDetailSerializer(PolicySerializer):
    """A policy version with its text and what that says."""

    rubric = serializers.SerializerMethodField()

    class Meta:
        model = PolicyVersion
        fields = (*PolicySerializer.Meta.fields, "text", "rubric")
        read_only_fields = fields

    def get_rubric(self, version: PolicyVersion) -> dict[str, Any]:
        """Criteria, weights, curves, gates, levels and thresholds, with what each tier changes."""
        return evaluation.parsed(version).model_dump(mode="json")


class DiffQuestion(Question):
    """What a policy version is compared with."""

    against = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=2**63 - 1,
        help_text="Id of another version; without it, the one in force.",
    )

    def validate_against(self, pk: int) -> PolicyVersion:
        """From the id to the version."""
        found = PolicyVersion.objects.filter(pk=pk).first()
        if found is None:
            raise serializers.ValidationError(f"there is no policy version {pk}")
        return found


class PolicyChangeSerializer(serializers.Serializer[Any]):
    """One change: where it stands in the file, from what, to what, and a sentence that says so."""

    path = serializers.ListField(child=serializers.JSONField())
    tier = serializers.IntegerField(allow_null=True, help_text="null: of all tiers.")
    criterion = serializers.CharField(allow_null=True)
    part = serializers.CharField(allow_null=True)
    old = serializers.JSONField(allow_null=True)
    new = serializers.JSONField(allow_null=True)
    text = serializers.CharField()


class PolicyDiffSerializer(serializers.Serializer[Any]):
    """Every change that leads from one version to another; none where they say the same."""

    old = PolicyNameSerializer()
    new = PolicyNameSerializer()
    changes = PolicyChangeSerializer(many=True)

"""Handbacks as REST shows them, and the bodies that their actions take."""

import datetime as dt
from typing import Any

from rest_framework import serializers

from handoff.api.acting import Said
from handoff.misses import Miss
from handoff.models import Case, CaseComment, ExitCriterion, Finding, StabilisationItem
from readiness import clock
from readiness.api.moments import MomentField
from readiness.models import Person, Service


class FindingSerializer(serializers.ModelSerializer[Finding]):
    """What was found."""

    class Meta:
        model = Finding
        fields = (
            *("id", "kind", "severity", "text", "incidents", "defects", "review_item"),
            *("author", "written_at", "closer", "closed_at"),
        )
        read_only_fields = fields


class PlanItemSerializer(serializers.ModelSerializer[StabilisationItem]):
    """Something to do."""

    owner = serializers.SlugRelatedField[Person](slug_field="slug", read_only=True)
    overdue = serializers.SerializerMethodField(help_text="Its day has passed and it is not done.")

    class Meta:
        model = StabilisationItem
        fields = ("id", "text", "owner", "due_on", "overdue", "author", "written_at", "doer", "done_at")
        read_only_fields = fields

    def get_overdue(self, item: StabilisationItem) -> bool:
        """By the clock's day."""
        return item.is_overdue(clock.now().date())


class ExitCriterionSerializer(serializers.ModelSerializer[ExitCriterion]):
    """What must be reached, and how far it is."""

    met = serializers.BooleanField(read_only=True)

    class Meta:
        model = ExitCriterion
        fields = ("measure", "threshold", "at_confirmation", "latest", "measured_at", "met")
        read_only_fields = fields


class CaseCommentSerializer(serializers.ModelSerializer[CaseComment]):
    """What was said."""

    class Meta:
        model = CaseComment
        fields = ("id", "text", "author", "written_at")
        read_only_fields = fields


class HandbackSerializer(serializers.ModelSerializer[Case]):
    """A handback, whole."""

    service = serializers.SlugRelatedField[Service](slug_field="slug", read_only=True)
    kind = serializers.ChoiceField(
        source="handback_kind",
        choices=Case.HandbackKind.choices,
        read_only=True,
        help_text="repair or release.",
    )
    repair_owner = serializers.SlugRelatedField[Person](slug_field="slug", read_only=True, allow_null=True)
    scorecards: Any = serializers.PrimaryKeyRelatedField(
        many=True, read_only=True, help_text="Keys of the scorecards that justified it."
    )
    findings = FindingSerializer(many=True, read_only=True)
    plan = PlanItemSerializer(many=True, read_only=True)
    exit_criteria = ExitCriterionSerializer(many=True, read_only=True)
    comments = CaseCommentSerializer(many=True, read_only=True)

    class Meta:
        model = Case
        fields = (
            *("id", "service", "kind", "state", "trigger", "verdict", "reason", "proposer", "proposer_side"),
            *("opened_at", "repair_plan", "repair_owner", "repair_began_at", "repair_ends_at"),
            *("decider", "confirmed_at", "ended_at"),
            *("scorecards", "findings", "plan", "exit_criteria", "comments"),
        )
        read_only_fields = fields


class MissSerializer(serializers.Serializer[Miss]):
    """A review item, and what it should have caught."""

    item = serializers.CharField(help_text="Its slug.")
    text = serializers.CharField(help_text="What it asks.")
    criterion = serializers.CharField(help_text="The criterion that measures it; empty where none does.")
    findings = serializers.IntegerField()
    open = serializers.IntegerField(help_text="Findings that nobody closed.")
    handbacks: Any = serializers.ListField(
        source="cases", child=serializers.IntegerField(), help_text="Keys of the handbacks, the newest first."
    )


class MissesSerializer(serializers.Serializer[dict[str, list[Miss]]]):
    """What reviews missed, the most missed item first."""

    results = MissSerializer(many=True)


def _person() -> Any:
    return serializers.SlugRelatedField[Person](slug_field="slug", queryset=Person.objects.all())


class ReasonBody(Said):
    """Why."""

    reason = serializers.CharField()


class StabiliseBody(Said):
    """A word, perhaps."""

    reason = serializers.CharField(required=False, default="", allow_blank=True)


class ProposeBody(ReasonBody):
    """A service that should go back to its developers."""

    service = serializers.SlugRelatedField[Service](slug_field="slug", queryset=Service.objects.all())
    kind = serializers.ChoiceField(choices=Case.HandbackKind.choices, default=Case.HandbackKind.REPAIR)


class ConfirmBody(ReasonBody):
    """Why, and who advises the developers."""

    consultants: Any = serializers.SlugRelatedField(
        slug_field="slug", queryset=Person.objects.all(), many=True, required=False, default=list
    )


class JointRepairBody(Said):
    """What both sides repair, who leads, until when."""

    plan = serializers.CharField()
    owner = _person()
    ends_at = MomentField(help_text="At most 28 days away.")


class FindingBody(Said):
    """What was found."""

    kind = serializers.ChoiceField(choices=Finding.Kind.choices)
    severity = serializers.IntegerField(min_value=1, max_value=4)
    text = serializers.CharField()
    incidents = serializers.ListField(
        child=serializers.CharField(max_length=500), default=list, max_length=50
    )
    defects = serializers.ListField(child=serializers.CharField(max_length=500), default=list, max_length=50)
    review_item = serializers.CharField(
        max_length=100,
        default="",
        allow_blank=True,
        help_text="Slug of the review item that should have caught it.",
    )


class PlanBody(Said):
    """What is to do, by whom and when."""

    text = serializers.CharField()
    owner = _person()
    due_on = serializers.DateField()

    def validate_due_on(self, day: dt.date) -> dt.date:
        """A day that forms can write, too."""
        if day.year > 9000:
            raise serializers.ValidationError("is too far away")
        return day


class CommentBody(Said):
    """What is said."""

    text = serializers.CharField()


class CloseBody(Said):
    """Which finding is mended."""

    finding = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class FinishBody(Said):
    """Which plan item is done."""

    item = serializers.IntegerField(min_value=1, max_value=2**63 - 1)

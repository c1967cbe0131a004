"""Reviews as REST shows them, and the bodies that their actions take."""

from typing import Any

from rest_framework import serializers

from handoff.api.acting import Said
from handoff.checklists import Side
from handoff.checklists.rules import now_is
from handoff.models import (
    ChecklistItem,
    Condition,
    OverrideEnd,
    Review,
    ReviewComment,
    SignOff,
    VerdictOverride,
)
from readiness import clock
from readiness.models import Person, Service


class ConditionSerializer(serializers.ModelSerializer[Condition]):
    """What an item was accepted under."""

    owner = serializers.SlugRelatedField[Person](slug_field="slug", read_only=True)

    class Meta:
        model = Condition
        fields = (
            "id",
            "text",
            "severity",
            "owner",
            "due_on",
            "set_by",
            "set_at",
            "fulfilled_by",
            "fulfilled_at",
        )
        read_only_fields = fields


class ItemSerializer(serializers.ModelSerializer[ChecklistItem]):
    """One item, as it stands today."""

    stands = serializers.SerializerMethodField(
        help_text="The outcome today: an attestation lapses, an overdue condition reopens its item."
    )
    assignee = serializers.SlugRelatedField[Person](slug_field="slug", read_only=True, allow_null=True)
    agreed = serializers.ListField(child=serializers.CharField(), read_only=True)
    waivers = serializers.ListField(child=serializers.IntegerField(), read_only=True)
    conditions: Any = ConditionSerializer(many=True, read_only=True)

    class Meta:
        model = ChecklistItem
        fields = (
            *("id", "topic", "slug", "dependency", "text", "way", "outcome", "stands", "blocking", "says"),
            *("days", "lapses_on", "agreed", "waivers", "assignee", "due_on", "conditions"),
        )
        read_only_fields = fields

    def get_stands(self, item: ChecklistItem) -> str:
        """By the clock's day."""
        return now_is(item.state, clock.now().date()).value


class SignOffSerializer(serializers.ModelSerializer[SignOff]):
    """One side signed."""

    class Meta:
        model = SignOff
        fields = ("side", "actor", "remark", "at")
        read_only_fields = fields


class OverrideEndSerializer(serializers.ModelSerializer[OverrideEnd]):
    """An override was taken back."""

    class Meta:
        model = OverrideEnd
        fields = ("actor", "reason", "at")
        read_only_fields = fields


class OverrideSerializer(serializers.ModelSerializer[VerdictOverride]):
    """An SRE lead set the verdict aside."""

    reasons = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Why the verdict was what it was."
    )
    scorecard: Any = serializers.PrimaryKeyRelatedField(read_only=True)
    items = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Slugs of the items that it settles."
    )
    taken_back: Any = OverrideEndSerializer(source="end", read_only=True, allow_null=True)

    class Meta:
        model = VerdictOverride
        fields = ("verdict", "reasons", "scorecard", "items", "actor", "reason", "at", "taken_back")
        read_only_fields = fields


class ReviewCommentSerializer(serializers.ModelSerializer[ReviewComment]):
    """What was said."""

    item: Any = serializers.PrimaryKeyRelatedField(read_only=True, allow_null=True)

    class Meta:
        model = ReviewComment
        fields = ("id", "item", "author", "text", "at")
        read_only_fields = fields


class ReviewSerializer(serializers.ModelSerializer[Review]):
    """A review."""

    service = serializers.SlugRelatedField[Service](slug_field="slug", read_only=True)
    case: Any = serializers.PrimaryKeyRelatedField(
        read_only=True, allow_null=True, help_text="Key of the handoff that it decides about."
    )
    scorecard: Any = serializers.PrimaryKeyRelatedField(
        read_only=True, allow_null=True, help_text="What measured items read; frozen once signed."
    )
    sign_offs: Any = SignOffSerializer(many=True, read_only=True)
    overrides: Any = OverrideSerializer(many=True, read_only=True)

    class Meta:
        model = Review
        fields = (
            *("id", "service", "kind", "case", "state", "checklist", "checklist_version"),
            *("opened_by", "opened_at", "reason", "scorecard", "signed_at", "ended_at"),
            *("sign_offs", "overrides"),
        )
        read_only_fields: tuple[str, ...] = fields


class ReviewDetailSerializer(ReviewSerializer):
    """A review with its items and comments."""

    items: Any = ItemSerializer(many=True, read_only=True)
    comments: Any = ReviewCommentSerializer(many=True, read_only=True)

    class Meta(ReviewSerializer.Meta):
        fields = (*ReviewSerializer.Meta.fields, "items", "comments")  # type: ignore[assignment]  # longer
        read_only_fields = fields


class OpenBody(Said):
    """Of which service, and why."""

    service = serializers.SlugRelatedField(slug_field="slug", queryset=Service.objects.all())
    reason = serializers.CharField(required=False, allow_blank=True, max_length=5_000)


class ReviewReasonBody(Said):
    """Why."""

    reason = serializers.CharField(required=False, allow_blank=True, max_length=5_000)


class OverrideBody(Said):
    """Why, in writing."""

    reason = serializers.CharField(max_length=5_000)


class AttestBody(Said):
    """Who attests it, since when, and a link or a remark."""

    name = serializers.CharField(max_length=300)
    said_on = serializers.DateField()
    url = serializers.URLField(required=False, allow_blank=True, max_length=1_000)
    remark = serializers.CharField(required=False, allow_blank=True, max_length=5_000)


class OutcomeBody(Said):
    """What else an item came to than met. Each outcome takes its own fields beside the remark."""

    outcome = serializers.ChoiceField(choices=["not_met", "accepted", "not_applicable"])
    remark = serializers.CharField(
        max_length=5_000, help_text="What was found, what is to be done, or why it does not apply."
    )
    blocking = serializers.BooleanField(required=False, help_text="Of not_met.")
    severity = serializers.IntegerField(required=False, min_value=1, max_value=4, help_text="Of accepted.")
    owner = serializers.SlugRelatedField(
        slug_field="slug", queryset=Person.objects.all(), required=False, help_text="Of accepted."
    )
    due_on = serializers.DateField(required=False, help_text="Of accepted.")
    side = serializers.ChoiceField(
        choices=[Side.DEVELOPERS.value, Side.OPERATIONS.value],
        required=False,
        help_text="Of not_applicable: for whom it is said.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what an outcome lacks, and what belongs to another."""
        attrs = super().validate(attrs)
        needed = _NEEDED[attrs["outcome"]]
        problems = {
            name: ["This field is required for this outcome."] for name in needed if name not in attrs
        }
        known = {"outcome", "remark", "blocking" if attrs["outcome"] == "not_met" else "", *needed}
        problems |= {name: ["It belongs to another outcome."] for name in attrs if name not in known}
        if problems:
            raise serializers.ValidationError(problems)
        return attrs


_NEEDED: dict[str, tuple[str, ...]] = {
    "not_met": (),
    "accepted": ("severity", "owner", "due_on"),
    "not_applicable": ("side",),
}


class AssignBody(Said):
    """Who sees to it, and by when; null takes it back."""

    to = serializers.SlugRelatedField(slug_field="slug", queryset=Person.objects.all(), allow_null=True)
    due_on = serializers.DateField(allow_null=True, default=None)


class FulfilBody(Said):
    """Which condition."""

    condition = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class ReviewCommentBody(Said):
    """What to say, of the whole or of an item."""

    text = serializers.CharField(max_length=5_000)
    item = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)


class SignBody(Said):
    """For whom."""

    side = serializers.ChoiceField(choices=[side.value for side in Side])
    remark = serializers.CharField(required=False, allow_blank=True, max_length=5_000)

"""Handoffs as REST shows them, and the bodies that their actions take."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from handoff import actions
from handoff.actions.room import Carrying, told
from handoff.api.acting import Said
from handoff.api.handback_records import CaseCommentSerializer
from handoff.checklists import Side
from handoff.models import Case, LookBack, PageAssessment, Shadow, ShadowConfirmation
from handoff.shadowing import Tally, lacking
from readiness import clock
from readiness.models import Page, Person, Service

PAGED_SOON = (Case.State.APPROVED, Case.State.SHADOWING)
"""States in which the next step changes who is paged first."""


class CarryingSerializer(serializers.Serializer[Any]):
    """What an ops team carries now, and with the service. Rates are pages per 7 observed days."""

    team = serializers.CharField()
    people = serializers.IntegerField(help_text="In its rota; without shifts: members of the team.")
    from_shifts = serializers.BooleanField()
    services = serializers.IntegerField(help_text="Live ones that it runs now, without this one.")
    services_per_engineer_now = serializers.FloatField(allow_null=True)
    services_per_engineer_with = serializers.FloatField(allow_null=True)
    pages_now = serializers.FloatField(allow_null=True)
    pages_with = serializers.FloatField(allow_null=True)
    after_hours_now = serializers.FloatField(allow_null=True)
    after_hours_with = serializers.FloatField(allow_null=True)
    night_now = serializers.FloatField(allow_null=True)
    night_with = serializers.FloatField(allow_null=True)
    unheard = serializers.ListField(
        child=serializers.CharField(), help_text="Slugs of the services whose pager is not heard."
    )
    after_hours_per_person = serializers.FloatField(
        allow_null=True, help_text="Events after hours per 7 days for each of its people, with this one."
    )
    unknown = serializers.ListField(
        child=serializers.CharField(),
        help_text="Slugs of the services whose events after hours nobody can tell.",
    )
    cap = serializers.FloatField(help_text="The policy's most of after_hours_per_person.")
    least_people = serializers.IntegerField(help_text="The policy's least of people.")
    scorecards = serializers.ListField(
        child=serializers.IntegerField(), help_text="Keys of the scorecards that were read."
    )


class RoomSerializer(CarryingSerializer):
    """The same as of now, with what it comes to."""

    fits = serializers.BooleanField(allow_null=True, help_text="It has room; null: nobody can tell.")
    says = serializers.SerializerMethodField(help_text="All of it in sentences.")

    def get_says(self, carrying: Carrying) -> list[str]:
        """In sentences."""
        return told(carrying)


class ConfirmationSerializer(serializers.ModelSerializer[ShadowConfirmation]):
    """One side said that the shadow ended well."""

    class Meta:
        model = ShadowConfirmation
        fields = ("side", "actor", "reason", "at")
        read_only_fields = fields


class ShadowSerializer(serializers.ModelSerializer[Shadow]):
    """A time in which operations are paged beside the developers."""

    rota = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Who must have a shift in it."
    )
    confirmations: Any = ConfirmationSerializer(many=True, read_only=True)

    class Meta:
        model = Shadow
        fields = ("began_at", "due_at", "rota", "ended_at", "outcome", "confirmations")
        read_only_fields = fields


class TallySerializer(serializers.Serializer[Tally]):
    """A shadow that runs, counted as of now."""

    due_at = serializers.DateTimeField()
    pages = serializers.IntegerField()
    assessed = serializers.IntegerField()
    critical = serializers.IntegerField()
    actionable = serializers.IntegerField()
    critical_share = serializers.FloatField(allow_null=True, help_text="Of the assessed pages, 0 to 1.")
    actionable_share = serializers.FloatField(allow_null=True, help_text="Likewise.")
    drill = serializers.BooleanField(help_text="The pages are those of drills: no other came.")
    unturned = serializers.ListField(
        child=serializers.CharField(), help_text="Who of the rota has had no shift yet."
    )
    lacking = serializers.SerializerMethodField(
        help_text="What keeps both sides from confirming, one sentence each."
    )

    def get_lacking(self, tally: Tally) -> list[str]:
        """By the clock."""
        return lacking(tally, clock.now())


class ComparedSerializer(serializers.Serializer[Any]):
    """A measure, then and now; null: there was not enough evidence."""

    at_move = serializers.FloatField(allow_null=True)
    now = serializers.FloatField(allow_null=True)


class LookBackSerializer(serializers.ModelSerializer[LookBack]):
    """What it came to, so many days after the move."""

    scorecard: Any = serializers.PrimaryKeyRelatedField(read_only=True)
    numbers = serializers.DictField(child=ComparedSerializer(), read_only=True, help_text="By measure.")

    class Meta:
        model = LookBack
        fields = ("days", "scorecard", "numbers", "at")
        read_only_fields = fields


class HandoffSerializer(serializers.ModelSerializer[Case]):
    """A handoff."""

    service = serializers.SlugRelatedField[Service](slug_field="slug", read_only=True)
    review: Any = serializers.PrimaryKeyRelatedField(
        read_only=True, allow_null=True, help_text="Key of the review that decides about it."
    )
    room_seen = CarryingSerializer(
        read_only=True, allow_null=True, help_text="What the ops team saw when it accepted."
    )
    moved_card: Any = serializers.PrimaryKeyRelatedField(
        read_only=True, allow_null=True, help_text="Key of the scorecard that the move rests on."
    )
    reachable = serializers.SlugRelatedField[Person](
        slug_field="slug",
        many=True,
        read_only=True,
        help_text="Slugs of the developers who stay reachable.",
    )
    scorecards: Any = serializers.PrimaryKeyRelatedField(
        many=True, read_only=True, help_text="Keys of the scorecards that justified it."
    )
    shadows: Any = ShadowSerializer(many=True, read_only=True)
    look_backs: Any = LookBackSerializer(many=True, read_only=True)
    comments = CaseCommentSerializer(many=True, read_only=True)

    class Meta:
        model = Case
        fields: tuple[str, ...] = (
            *("id", "service", "state", "trigger", "verdict", "reason", "proposer", "proposer_side"),
            *("opened_at", "review", "accepted_by", "accepted_at", "room_seen", "decider", "confirmed_at"),
            *("moved_card", "backup_ends_at", "reachable", "reachable_until", "ended_at"),
            *("scorecards", "shadows", "look_backs", "comments"),
        )
        read_only_fields: tuple[str, ...] = fields


class HandoffDetailSerializer(HandoffSerializer):
    """A handoff with what its shadow has come to so far."""

    tally = serializers.SerializerMethodField(help_text="Of the shadow that runs; null where none does.")
    warnings = serializers.SerializerMethodField(
        help_text="What speaks against changing who is paged now, one sentence each."
    )

    class Meta(HandoffSerializer.Meta):
        fields = (*HandoffSerializer.Meta.fields, "tally", "warnings")
        read_only_fields = fields

    @extend_schema_field(TallySerializer(allow_null=True))
    def get_tally(self, case: Case) -> Any:
        """As of now."""
        shadow = actions.running(case)
        return shadow and TallySerializer(actions.tally(shadow)).data

    def get_warnings(self, case: Case) -> list[str]:
        """By the calendar of its developers."""
        warning = actions.bad_day(case.service, clock.now()) if case.state in PAGED_SOON else ""
        return [warning] if warning else []


class AssessmentSerializer(serializers.ModelSerializer[PageAssessment]):
    """What was said of a page."""

    class Meta:
        model = PageAssessment
        fields = ("critical", "actionable", "remark", "actor", "at")
        read_only_fields = fields


class ShadowPageSerializer(serializers.ModelSerializer[Page]):
    """A page of a shadow, and what was said of it last."""

    key = serializers.IntegerField(source="pk", read_only=True, help_text="What assess-page takes.")
    id = serializers.CharField(source="external_id", read_only=True)
    assessment = serializers.SerializerMethodField(help_text="The newest; null where nobody said anything.")

    class Meta:
        model = Page
        fields = (
            *("key", "source", "id", "url", "paged_at", "acknowledged_at", "alert"),
            *("after_hours", "night", "drill", "assessment"),
        )
        read_only_fields = fields

    @extend_schema_field(AssessmentSerializer(allow_null=True))
    def get_assessment(self, page: Page) -> Any:
        """From those of all pages, which the view read at once."""
        newest = self.context["assessed"].get(page.pk)
        return newest and AssessmentSerializer(newest).data


class ShadowPagesSerializer(serializers.Serializer[dict[str, list[Page]]]):
    """The pages of the shadow that runs, or of the last one, in the order in which they came."""

    results = ShadowPageSerializer(many=True)


class ProposeHandoffBody(Said):
    """A service that operations should take over."""

    service = serializers.SlugRelatedField[Service](slug_field="slug", queryset=Service.objects.all())
    reason = serializers.CharField()


class HandoffReasonBody(Said):
    """Why, perhaps."""

    reason = serializers.CharField(required=False, allow_blank=True, max_length=5_000)


class AssessPageBody(Said):
    """Which page, and what was found of it."""

    page: Any = serializers.PrimaryKeyRelatedField(
        queryset=Page.objects.all(),
        pk_field=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        help_text="Key of a page of the shadow.",
    )
    critical = serializers.BooleanField(help_text="It was right to wake somebody for it.")
    actionable = serializers.BooleanField(help_text="Whoever was paged could do something about it.")
    remark = serializers.CharField(required=False, allow_blank=True, max_length=5_000)


class ConfirmShadowBody(Said):
    """For whom, and who of the developers stays reachable."""

    side = serializers.ChoiceField(choices=[Side.DEVELOPERS.value, Side.OPERATIONS.value])
    reachable: Any = serializers.SlugRelatedField(
        slug_field="slug",
        queryset=Person.objects.all(),
        many=True,
        required=False,
        help_text="Of developers: slugs of two of them.",
    )
    reason = serializers.CharField(required=False, allow_blank=True, max_length=5_000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what belongs to the other side."""
        attrs = super().validate(attrs)
        side = Side(attrs["side"])
        if side is Side.OPERATIONS and "reachable" in attrs:
            raise serializers.ValidationError({"reachable": ["Developers name who stays reachable."]})
        return {**attrs, "side": side}

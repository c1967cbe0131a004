"""Teams, systems, and services with their current judgement. Personal data stays out."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from readiness import clock
from readiness.api.ages import AgeSeconds, Stale
from readiness.badges import path_of
from readiness.models import CurrentScore, Service, System, Team


class TeamSerializer(serializers.ModelSerializer[Team]):
    """A team and the hours that decide what is after hours."""

    weekend = serializers.ListField(child=serializers.IntegerField(), read_only=True)

    class Meta:
        model = Team
        fields = (
            "slug",
            "title",
            "time_zone",
            "country",
            "subdivision",
            "business_hours",
            "weekend",
            "placeholder",
        )
        read_only_fields = fields


class SystemSerializer(serializers.ModelSerializer[System]):
    """A system and its owner."""

    owner = serializers.SlugRelatedField[Team](slug_field="slug", read_only=True, allow_null=True)

    class Meta:
        model = System
        fields = ("slug", "title", "owner")
        read_only_fields = fields


class CurrentScoreSerializer(serializers.ModelSerializer[CurrentScore]):
    """The current judgement: the newest live one."""

    scorecard = serializers.PrimaryKeyRelatedField[Any](read_only=True)
    age_seconds = AgeSeconds()
    stale = Stale()
    clock_offset = serializers.SerializerMethodField(
        help_text="Seconds by which the clock is ahead of the real time."
    )
    below = serializers.SerializerMethodField(help_text="Criteria under their threshold.")
    silent = serializers.SerializerMethodField(help_text="Kinds of evidence whose feed is silent.")

    class Meta:
        model = CurrentScore
        fields = (
            "scorecard",
            "at",
            "age_seconds",
            "stale",
            "clock_offset",
            "verdict",
            "verdict_of",
            "deploy",
            "score",
            "possible",
            "evidence",
            "level",
            "management_state",
            "blockers",
            "below",
            "silent",
            "trend",
        )
        read_only_fields = fields

    def get_clock_offset(self, current: CurrentScore) -> float:
        """The age is told by the clock, so how far that stands from the real time is said beside it."""
        return clock.offset().total_seconds()

    def get_below(self, current: CurrentScore) -> list[str]:
        """Slugs."""
        return current.below.split()

    def get_silent(self, current: CurrentScore) -> list[str]:
        """Kinds."""
        return current.silent.split()


class ServiceSerializer(serializers.ModelSerializer[Service]):
    """A service and its current judgement, which is null while there is none."""

    owner = serializers.SlugRelatedField[Team](slug_field="slug", read_only=True)
    ops_team = serializers.SlugRelatedField[Team](slug_field="slug", read_only=True, allow_null=True)
    system = serializers.SlugRelatedField[System](slug_field="slug", read_only=True, allow_null=True)
    aliases = serializers.SlugRelatedField[Any](slug_field="name", many=True, read_only=True)
    components = serializers.ListField(child=serializers.CharField(), read_only=True)
    depends_on = serializers.ListField(child=serializers.CharField(), read_only=True)
    links = serializers.ListField(child=serializers.JSONField(), read_only=True)
    badge_url = serializers.SerializerMethodField(
        help_text="A picture of state, score and verdict that whoever has this address may see."
    )
    current = serializers.SerializerMethodField()

    class Meta:
        model = Service
        fields = (
            "slug",
            "title",
            "description",
            "tier",
            "lifecycle",
            "deprecated",
            "owner",
            "ops_team",
            "system",
            "launched_on",
            "aliases",
            "components",
            "default_branch",
            "depends_on",
            "links",
            "fleet",
            "made_up",
            "badge_url",
            "current",
        )
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.URI)
    def get_badge_url(self, service: Service) -> str:
        """Signed, so that nobody finds the badge of another service by its name."""
        path, request = path_of(service.slug), self.context.get("request")
        return path if request is None else request.build_absolute_uri(path)

    @extend_schema_field(CurrentScoreSerializer(allow_null=True))
    def get_current(self, service: Service) -> dict[str, Any] | None:
        """A service not judged yet has no row, which a plain nested serializer would leave out unsaid."""
        current = getattr(service, "current", None)
        return None if current is None else CurrentScoreSerializer(current, context=self.context).data

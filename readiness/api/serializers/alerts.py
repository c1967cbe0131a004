"""Alerts."""

from rest_framework import serializers

from readiness.models import Alert, Service, Team


class AlertSerializer(serializers.ModelSerializer[Alert]):
    """Something that is or was wrong; one of the whole fleet has no service."""

    service = serializers.SlugRelatedField[Service](slug_field="slug", read_only=True, allow_null=True)
    team = serializers.SlugRelatedField[Team](
        slug_field="slug", read_only=True, allow_null=True, help_text="Who should act; null: the SRE leads."
    )
    numbers = serializers.DictField(read_only=True, help_text="What it was raised from.")

    class Meta:
        model = Alert
        fields = ("id", "kind", "service", "subject", "team", "text", "numbers", "began_at", "ended_at")
        read_only_fields = fields

"""What a request that writes is answered, for the OpenAPI document."""

from typing import Any

from rest_framework import serializers

from readiness.api.problems import FieldErrorSerializer, ProblemSerializer
from readiness.ingest import Outcome


class WrittenCountsSerializer(serializers.Serializer[dict[str, Any]]):
    """How many records came to what."""

    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    rejected = serializers.IntegerField()


class WrittenRecordSerializer(serializers.Serializer[dict[str, Any]]):
    """What became of one record."""

    index = serializers.IntegerField(help_text="Its place in the list, from 0.")
    name = serializers.CharField(help_text="How the record calls itself; empty where it cannot be read.")
    result = serializers.ChoiceField(choices=[(each.value, each.value) for each in Outcome])
    changed = serializers.ListField(
        child=serializers.CharField(), help_text="Fields that have another value than before."
    )
    errors = FieldErrorSerializer(many=True)  # type: ignore[assignment]  # the name is the standard's


class WrittenSerializer(serializers.Serializer[dict[str, Any]]):
    """What became of all records."""

    counts = WrittenCountsSerializer()
    results = WrittenRecordSerializer(many=True)


class NothingWrittenSerializer(ProblemSerializer):
    """The problem of a request none of whose records was taken."""

    counts = WrittenCountsSerializer()
    results = WrittenRecordSerializer(many=True)

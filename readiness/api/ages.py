"""How old a judgement is, by the clock; every answer that shows one says so."""

import datetime as dt
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from readiness import clock


@extend_schema_field(OpenApiTypes.DOUBLE)
class AgeSeconds(serializers.Field[Any, Any, float, Any]):
    """Seconds since the moment that was judged."""

    def __init__(self) -> None:
        super().__init__(source="at", read_only=True, help_text="Seconds since `at`, by the clock.")

    def to_representation(self, value: dt.datetime) -> float:
        """From the moment judged to its age."""
        return round(clock.age(value).total_seconds(), 3)


@extend_schema_field(OpenApiTypes.BOOL)
class Stale(serializers.Field[Any, Any, bool, Any]):
    """Whether a judgement is older than the setting allows."""

    def __init__(self) -> None:
        super().__init__(source="at", read_only=True, help_text="Older than SCORECARD_STALE_AFTER_HOURS.")

    def to_representation(self, value: dt.datetime) -> bool:
        """From the moment judged to whether that is too long ago."""
        return clock.is_stale(value)


@extend_schema_field(OpenApiTypes.DOUBLE)
class Seconds(serializers.Field[Any, Any, float, Any]):
    """A duration, in seconds."""

    def to_representation(self, value: dt.timedelta) -> float:
        """Whole seconds and parts of them."""
        return value.total_seconds()

"""How old a judgement is, by the clock; every answer that shows one says so."""

import datetime as dt
from typing import Any

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from readiness import clock


def age(at: dt.datetime) -> float:
    """Seconds since the moment that was judged, never negative."""
    return max(0.0, round((clock.now() - at).total_seconds(), 3))


def is_stale(age_seconds: float) -> bool:
    """Older than the setting allows a judgement to be."""
    allowed: dt.timedelta = settings.SCORECARD_STALE_AFTER
    return age_seconds > allowed.total_seconds()


@extend_schema_field(OpenApiTypes.DOUBLE)
class AgeSeconds(serializers.Field[Any, Any, float, Any]):
    """Seconds since the moment that was judged."""

    def __init__(self) -> None:
        super().__init__(source="at", read_only=True, help_text="Seconds since `at`, by the clock.")

    def to_representation(self, value: dt.datetime) -> float:
        """From the moment judged to its age."""
        return age(value)


@extend_schema_field(OpenApiTypes.BOOL)
class Stale(serializers.Field[Any, Any, bool, Any]):
    """Whether a judgement is older than the setting allows."""

    def __init__(self) -> None:
        super().__init__(source="at", read_only=True, help_text="Older than SCORECARD_STALE_AFTER_HOURS.")

    def to_representation(self, value: dt.datetime) -> bool:
        """From the moment judged to whether that is too long ago."""
        return is_stale(age(value))


@extend_schema_field(OpenApiTypes.DOUBLE)
class Seconds(serializers.Field[Any, Any, float, Any]):
    """A duration, in seconds."""

    def to_representation(self, value: dt.timedelta) -> float:
        """Whole seconds and parts of them."""
        return value.total_seconds()

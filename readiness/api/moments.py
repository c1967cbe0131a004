"""Moments as requests write them: ISO-8601 with an offset, never a naive one."""

import datetime as dt
from typing import Any

from django import forms
from django_filters import IsoDateTimeFilter
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

UNREADABLE = "is no moment; write it like 2026-06-17T09:00:00Z (in an address a + is written %2B)"
NAIVE = "has no offset, so nobody can tell which moment is meant; write it like 2026-06-17T09:00:00Z"


def moment(text: str) -> dt.datetime:
    """Read a moment into UTC. Raises ``ValueError``, in words for the one who wrote it."""
    try:
        read = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(UNREADABLE) from None
    if read.utcoffset() is None:
        raise ValueError(NAIVE)
    try:
        return read.astimezone(dt.UTC)
    except OverflowError:
        raise ValueError(UNREADABLE) from None


class MomentFormField(forms.CharField):
    """A moment in a filter."""

    def to_python(self, value: Any) -> Any:
        """The moment in UTC, or ``None`` where the filter is not set."""
        text = super().to_python(value)
        if not text:
            return None
        try:
            return moment(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class MomentFilter(IsoDateTimeFilter):
    """Compares with a moment; refuses naive ones, which the base class would read as UTC."""

    field_class = MomentFormField


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentField(serializers.Field[dt.datetime, str, str, Any]):
    """A moment in a body or in the query of one resource."""

    def to_internal_value(self, data: Any) -> dt.datetime:
        """Read the moment; anything but text is refused too."""
        if not isinstance(data, str):
            raise serializers.ValidationError(UNREADABLE)
        try:
            return moment(data)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error

    def to_representation(self, value: dt.datetime) -> str:
        """Write the moment with its offset."""
        return value.isoformat()

"""The types of evidence fields: what a moment, a slug, a link or a count may be, whatever the record.

Bounds are checked by pydantic's compiled core; they refuse what no real source says (a NUL character, a
million commits, a time of 1970 that stands for "unknown") and what a database could not hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StrictBool,
    StringConstraints,
)
from pydantic_core import CoreSchema, core_schema

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Older moments are placeholders, not evidence."""
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""Keeps arithmetic inside the calendar; the far future is refused against the real time, in the record."""

NO_NUL = r"^[^\x00]*$"
NAME_PATTERN = r"^[^\x00]*[^\x00\s][^\x00]*$"
SLUG_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"
NO_SLUG = "must be letters, digits, and between them points, hyphens or underscores"
LINK_PATTERN = r"^https?://[^\x00\s]+$"
DATE_PATTERN = r"^\d{4}-"
NO_TIME = "no_time"
"""Type of the error of what is not even meant as a time."""

MAX_NAME = 200
MAX_TITLE = 500
MAX_TEXT = 4000
MAX_LINK = 1000
MAX_SERVICES = 20_000
MAX_TEAMS = 100
MAX_IDENTITIES = 50


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class _MomentSchema:
    """An ISO-8601 time with offset. Pydantic alone would also read numbers, and numbers written as text."""

    def __get_pydantic_core_schema__(self, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        moment = core_schema.datetime_schema(tz_constraint="aware", ge=EARLIEST, le=LATEST)
        written = core_schema.custom_error_schema(
            core_schema.str_schema(pattern=DATE_PATTERN),
            custom_error_type=NO_TIME,
            custom_error_message="Input is not an ISO-8601 time",
        )
        text = core_schema.chain_schema([written, moment])
        instance = core_schema.datetime_schema(strict=True, tz_constraint="aware", ge=EARLIEST, le=LATEST)
        either = core_schema.union_schema([instance, text], mode="left_to_right")
        return core_schema.no_info_after_validator_function(
            _in_utc, core_schema.json_or_python_schema(json_schema=text, python_schema=either)
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """What a document of the interface says of it."""
        return {"type": "string", "format": "date-time"}


Moment = Annotated[datetime, _MomentSchema()]
"""An aware moment; always in UTC once it is read."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME, pattern=NAME_PATTERN)]
"""A slug, an id, a source: never blank."""
Slug = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME, pattern=SLUG_PATTERN)]
"""A new name of the catalogue's own, as a Backstage catalogue could write it too."""
Word = Annotated[str, StringConstraints(max_length=MAX_NAME, pattern=NO_NUL)]
"""A short optional text; empty says the same as null."""
Title = Annotated[str, StringConstraints(max_length=MAX_TITLE, pattern=NO_NUL)]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT, pattern=NO_NUL)]
Link = Annotated[str, StringConstraints(max_length=MAX_LINK, pattern=LINK_PATTERN)]
"""An http or https address: it is shown as a link, so it must not be able to carry a script."""
Flag = StrictBool
IncidentSeverity = Annotated[int, Field(strict=True, ge=1, le=5)]
DefectSeverity = Annotated[int, Field(strict=True, ge=1, le=4)]
Commits = Annotated[int, Field(strict=True, ge=0, le=100_000)]
Lines = Annotated[int, Field(strict=True, ge=0, le=10**8)]
Count = Annotated[int, Field(strict=True, ge=0, le=1000)]
Tests = Annotated[int, Field(strict=True, ge=0, le=10**7)]
Hours = Annotated[float, Field(strict=True, ge=0, le=100_000, allow_inf_nan=False)]
Services = Annotated[Sequence[Name], Field(min_length=1, max_length=MAX_SERVICES)]
Teams = Annotated[Sequence[Name], Field(max_length=MAX_TEAMS)]
Identities = Annotated[dict[Name, Name], Field(max_length=MAX_IDENTITIES)]


class Reference(BaseModel):
    """Names another row by its source and id; it may resolve to nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Name
    id: Name


RowReference = Name | Reference
"""As written: a bare id means a row of the referring row's own source."""

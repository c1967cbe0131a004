"""What a sheet or a machine may say of a service: the catalogue's fields, and the state it was found in."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from readiness.evidence import Rejection, rejection
from readiness.evidence.fields import DATE_PATTERN, NO_NUL, Flag, Name, Slug, Text, Word
from readiness.models import Lifecycle, ManagementState


def _no_number(value: Any) -> Any:
    """Pydantic alone would also read seconds since 1970, and those written as text."""
    if isinstance(value, date) or (isinstance(value, str) and re.match(DATE_PATTERN, value)):
        return value
    raise PydanticCustomError("date_type", "Input is not a date")


def _once(names: Sequence[str]) -> Sequence[str]:
    """Each name once: in the catalogue, upper and lower case name the same service."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(name.lower(), name)
    return tuple(first.values())


Title = Annotated[str, StringConstraints(max_length=300, pattern=NO_NUL)]
Tier = Annotated[int, Field(strict=True, ge=1, le=4)]
Names = Annotated[Sequence[Name], Field(max_length=1000)]
OtherNames = Annotated[Names, AfterValidator(_once)]
Day = Annotated[date, BeforeValidator(_no_number)]


class ServiceRecord(BaseModel):
    """A service as somebody describes it. What is not stated stays as it is, and so does what is null."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slug: Slug
    title: Title | None = None
    owner: Slug | None = None
    tier: Tier | None = None
    ops_team: Slug | None = None
    launched_on: Day | None = None
    state: ManagementState | None = None
    lifecycle: Lifecycle | None = None
    deprecated: Flag | None = None
    description: Text | None = None
    system: Slug | None = None
    aliases: OtherNames = ()
    components: Names | None = None
    default_branch: Word | None = None
    accept_consequences: Flag = Field(
        default=False, description="What is open of it may end by this, as it was answered before."
    )

    @classmethod
    def read(cls, values: Any) -> Self | Rejection:
        """The record of these values, or what is wrong with them."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            return rejection(error)

"""Teams and systems as machines describe them; what is not stated stays as it is."""

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from readiness.evidence import Rejection, rejection
from readiness.evidence.fields import NO_NUL, Slug

Title = Annotated[str, StringConstraints(max_length=300, pattern=NO_NUL)]
Short = Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)]
Country = Annotated[str, StringConstraints(max_length=2, pattern=NO_NUL)]
Subdivision = Annotated[str, StringConstraints(max_length=10, pattern=NO_NUL)]
Hours = Annotated[str, StringConstraints(max_length=11, pattern=NO_NUL)]
Day = Annotated[int, Field(strict=True, ge=0, le=6)]


class CatalogueRecord(BaseModel):
    """What all records of the catalogue share."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slug: Slug

    @classmethod
    def read(cls, values: Any) -> Self | Rejection:
        """The record of these values, or what is wrong with them."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            return rejection(error)

    def stated(self) -> dict[str, Any]:
        """The fields that were stated, but for the slug."""
        return {name: getattr(self, name) for name in self.model_fields_set if name != "slug"}


class TeamRecord(CatalogueRecord):
    """A team and its hours."""

    title: Title = ""
    time_zone: Short = "UTC"
    country: Country = ""
    subdivision: Subdivision = ""
    business_hours: Hours = "09:00-18:00"
    weekend: Annotated[Sequence[Day], Field(max_length=7)] = (5, 6)


class SystemRecord(CatalogueRecord):
    """A system and who owns it; null is nobody."""

    title: Title = ""
    owner: Slug | None = None

"""Reads a checklist: topics and their items, from YAML, with mistakes in words. Pure."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from handoff.checklists.measuring import MEASURES
from readiness.criteria import BY_SLUG

Kind = Literal["launch", "handoff"]
KINDS: tuple[Kind, ...] = ("launch", "handoff")
DELIVERED = Path(__file__).with_name("default.yaml")

_Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
_Words = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_Days = Annotated[int, Field(strict=True, ge=1, le=3_650)]


class ChecklistError(ValueError):
    """A checklist that cannot be used, and where the mistake stands."""


class _Terms(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Item(_Terms):
    """One thing to be so: measured, shown or attested by people."""

    slug: _Slug
    text: _Words
    measured: _Slug | None = None
    shown: _Slug | None = None
    attested: _Days | None = None
    reviews: tuple[Kind, ...] = Field(KINDS, min_length=1)
    tiers: tuple[Annotated[int, Field(strict=True, ge=1, le=4)], ...] = Field((1, 2, 3, 4), min_length=1)
    per_dependency: bool = False
    drill: Literal["rollback", "incident"] | None = None

    @property
    def source(self) -> str:
        """What fills it, where it is no attested one."""
        return self.measured or self.shown or ""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [self.measured, self.shown, self.attested]
        if sum(way is not None for way in ways) != 1:
            raise ValueError("say one of measured, shown and attested")
        if self.measured is not None and self.measured not in MEASURES:
            raise ValueError(f"nothing measures {self.measured}; there are {', '.join(MEASURES)}")
        if self.shown is not None and self.shown not in BY_SLUG:
            raise ValueError(f"there is no criterion {self.shown} to show")
        if self.attested is None and (self.per_dependency or self.drill):
            raise ValueError("only what people attest is filled by drills or asked per dependency")
        return self


class Topic(_Terms):
    """Items that belong together."""

    slug: _Slug
    title: _Words
    items: tuple[Item, ...] = Field(min_length=1)


class Checklist(_Terms):
    """A version of the checklists of both kinds of review."""

    name: _Slug
    version: Annotated[int, Field(strict=True, ge=1)]
    lapse_days: _Days
    topics: tuple[Topic, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        for what, slugs in (
            ("topics", [topic.slug for topic in self.topics]),
            ("items", [item.slug for topic in self.topics for item in topic.items]),
        ):
            twice = sorted(slug for slug, number in Counter(slugs).items() if number > 1)
            if twice:
                raise ValueError(f"{what} are named twice: {', '.join(twice)}")
        return self

    def items(self, kind: Kind, tier: int) -> list[tuple[Topic, Item]]:
        """The items of a review of this kind of a service of this tier, in order."""
        return [
            (topic, item)
            for topic in self.topics
            for item in topic.items
            if kind in item.reviews and tier in item.tiers
        ]


def load_checklist(text: str) -> Checklist:
    """The checklist that a YAML text describes. Raises :class:`ChecklistError` with place and reason."""
    try:
        return Checklist.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise ChecklistError(f"this is no YAML: {error}") from error
    except ValidationError as error:
        found = (
            f"{'.'.join(map(str, each['loc'])) or 'checklist'}: {each['msg'].removeprefix('Value error, ')}"
            for each in error.errors()
        )
        raise ChecklistError("; ".join(found)) from error

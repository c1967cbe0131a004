"""Where each kind of evidence is stored: which table, under which names, and what is computed beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Field, QuerySet

from readiness import models
from readiness.evidence import COLUMNS, KEYS, Kind

Model = type[models.Evidence] | type[models.Feed]

RENAMED: Mapping[str, str] = {"id": "external_id", "service": "service_id"}
"""Columns that the database calls otherwise than the records do."""
MOMENTS = ("stated_at", "statements")
"""What merging must remember of a row."""


@dataclass(frozen=True, slots=True)
class Table:
    """One kind's table. ``key`` and ``values`` are the records' column names, ``derived`` the table's own."""

    kind: Kind
    model: Model
    derived: tuple[str, ...] = ()
    names_deployment: str | None = None
    """The reference by which a row bears on the service of the deployment that it names."""

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that name a row."""
        return KEYS[self.kind]

    @property
    def values(self) -> tuple[str, ...]:
        """The columns that statements fill."""
        return COLUMNS[self.kind]

    @property
    def key_names(self) -> tuple[str, ...]:
        """``key`` as the table calls it."""
        return tuple(RENAMED.get(name, name) for name in self.key)

    @property
    def value_names(self) -> tuple[str, ...]:
        """``values`` as the table calls them."""
        return tuple(RENAMED.get(name, name) for name in self.values)

    @property
    def names(self) -> tuple[str, ...]:
        """All that is staged, in the order of a staged row."""
        return (*self.key_names, *self.value_names, *MOMENTS, *self.derived)

    def rows(self) -> "QuerySet[Any]":
        """All that is stored."""
        return self.model._default_manager.all()  # noqa: SLF001 - documented by Django

    @property
    def name(self) -> str:
        """The table itself."""
        return self.model._meta.db_table  # noqa: SLF001 - documented by Django

    def field(self, name: str) -> "Field[Any, Any]":
        """The model's field behind a name of the table."""
        field = name.removesuffix("_id") if name in FOREIGN else name
        found = self.model._meta.get_field(field)  # noqa: SLF001 - documented by Django
        assert isinstance(found, Field)  # noqa: S101 - the other kinds of relation have no column
        return found


FOREIGN = frozenset({"service_id", "target_id"})

TABLES: Mapping[Kind, Table] = {
    table.kind: table
    for table in (
        Table(Kind.DEPLOYMENT, models.Deployment, names_deployment="remediates"),
        Table(Kind.INCIDENT, models.Incident, ("after_hours", "night"), "caused_by"),
        Table(Kind.PAGE, models.Page, ("after_hours", "night")),
        Table(Kind.DEFECT, models.Defect),
        Table(Kind.SIGNAL, models.Signal),
        Table(Kind.DEPENDENCY, models.Dependency, ("target_id",)),
        Table(Kind.PIPELINE_RUN, models.PipelineRun),
        Table(Kind.SHIFT, models.Shift),
        Table(Kind.OBSERVATION, models.Observation),
        Table(Kind.WORK_ITEM, models.WorkItem),
        Table(Kind.FEED, models.Feed, ("origin", "declared_by", "reason")),
    )
}
"""The kinds that are stored in bulk; people are few and have a way of their own."""

EVENT_TIMES: Mapping[Kind, str] = {Kind.PAGE: "paged_at", Kind.INCIDENT: "started_at"}
"""When the things happened whose hour matters."""

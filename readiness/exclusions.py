"""Takes rows of evidence out of judgement, or back into it: with a reason, on record, judged again soon."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Model, Q, QuerySet

from readiness import clock, rejudging
from readiness.measures.arrivals import concerning
from readiness.models import Dependency, Deployment, Evidence, Exclusion, Incident, Observation, WorkItem

Rows = QuerySet[Any]
Pairs = Sequence[tuple[str | None, str | None]]


def exclude(rows: Rows, *, actor: str, reason: str) -> list[Exclusion]:
    """Take these rows of one kind out of judgement; answers what changed, a record for each row.

    A row that is excluded already stays as it is. Raises ``ValueError`` without a reason.
    """
    return _change(rows, excluded=True, actor=actor, reason=reason)


def take_back(rows: Rows, *, actor: str, reason: str) -> list[Exclusion]:
    """Let these rows of one kind count again; as :func:`exclude`."""
    return _change(rows, excluded=False, actor=actor, reason=reason)


def history(row: Evidence) -> "QuerySet[Exclusion]":
    """Who took a row out of judgement or back into it, and why; the newest first."""
    return Exclusion.objects.filter(kind=kind_of(type(row)), row_id=row.pk)


def between(service_id: int, since: datetime, until: datetime) -> "QuerySet[Exclusion]":
    """Changes by the clock after ``since``, by ``until``, of rows that a service is judged by."""
    of_others = Q()
    for model in (Deployment, Incident, Dependency):
        rows = _rows_of(model).filter(concerning(model, service_id))
        of_others |= Q(kind=kind_of(model), row_id__in=rows.values("pk"))
    return Exclusion.objects.filter(
        Q(service=service_id) | of_others, at__gt=since, at__lte=until
    ).select_related("service")


def kind_of(model: type[Model]) -> str:
    """A model's kind: ``pipeline_run``."""
    return model._meta.verbose_name_raw.replace(" ", "_")  # noqa: SLF001 - documented by Django


def _rows_of(model: type[Model]) -> Rows:
    return model._default_manager.order_by()  # noqa: SLF001 - documented by Django


@transaction.atomic
def _change(rows: Rows, *, excluded: bool, actor: str, reason: str) -> list[Exclusion]:
    if not reason.strip():
        raise ValueError("an exclusion needs a reason")
    model = rows.model
    # Locked by its old state: of two people who do the same at once the second finds nothing left to change.
    asked = _rows_of(model).filter(pk__in=rows.order_by().values("pk"), excluded=not excluded)
    found = list(asked.defer("statements").order_by("pk").select_for_update())
    if not found:
        return []
    _rows_of(model).filter(pk__in=[row.pk for row in found]).update(excluded=excluded)
    kind, now = kind_of(model), clock.now()
    changes = [
        Exclusion(
            service_id=row.service_id,
            kind=kind,
            row_id=row.pk,
            row=str(row),
            excluded=excluded,
            actor=actor,
            reason=reason.strip(),
            at=now,
        )
        for row in found
    ]
    rejudging.mark(_concerned(model, found))
    return Exclusion.objects.bulk_create(changes)


def _concerned(model: type[Model], rows: Sequence[Any]) -> set[int]:
    """The services that are judged by these rows: their own, and those of others that they speak of."""
    services = {row.service_id for row in rows}
    if model is Deployment:
        services |= _named(Deployment, [(row.remediates_source, row.remediates_id) for row in rows])
        services |= _naming(Incident, "caused_by", rows)
    elif model is Incident:
        services |= _named(Deployment, [(row.caused_by_source, row.caused_by_id) for row in rows])
    elif model is Dependency:
        services |= {row.target_id for row in rows if row.target_id is not None}
    elif model is WorkItem:
        services |= _naming(Observation, "work_item", rows)
    return services


def _named(model: type[Evidence], pairs: Pairs) -> set[int]:
    """The services of the rows that such references name."""
    return _matching(model, ("source", "external_id"), pairs)


def _naming(model: type[Evidence], reference: str, rows: Iterable[Any]) -> set[int]:
    """The services of the rows whose reference names one of these."""
    pairs = [(row.source, row.external_id) for row in rows]
    return _matching(model, (f"{reference}_source", f"{reference}_id"), pairs)


def _matching(model: type[Evidence], columns: tuple[str, str], pairs: Pairs) -> set[int]:
    # By the two columns apart, which their index serves on both databases; together they are compared here.
    wanted = {pair for pair in pairs if None not in pair}
    if not wanted:
        return set()
    source, key = columns
    near = {f"{source}__in": {each for each, _ in wanted}, f"{key}__in": {each for _, each in wanted}}
    found = _rows_of(model).filter(**near).values_list("service", *columns)
    return {service for service, *pair in found if tuple(pair) in wanted}

"""Measures defects: what is open at T, what arrived, what was closed and came back."""

from dataclasses import replace
from typing import Any

from django.db.models import Count, Q, QuerySet

from readiness.facts import DefectFacts, DefectRow, OpenDefect, RowRef, ServiceFacts
from readiness.measures.fetching import by_service, fetch
from readiness.measures.scope import COUNTS, Scope, until
from readiness.models import Defect

_REF = ("source", "external_id", "url", "title")
_COUNTED = ("first", "second", "closed", "told", "back", "kinds", "faults", "found", "outside")
_NOTHING = dict.fromkeys((*_COUNTED, *(f"arrived_{n}" for n in (1, 2, 3, 4))), 0)


def _opened(scope: Scope) -> "QuerySet[Defect]":
    return Defect.objects.filter(COUNTS, scope.services(), opened_at__lte=scope.at).order_by()


def _open_at(scope: Scope) -> Q:
    return Q(closed_at__isnull=True) | Q(closed_at__gt=scope.at)


def defect_facts(scope: Scope, services: dict[int, ServiceFacts]) -> dict[int, DefectFacts]:
    """Counts made by the database, and the defects open at T one by one. Four queries."""
    open_rows = (
        _opened(scope).filter(_open_at(scope)).values_list("service_id", "severity", "opened_at", *_REF)
    )
    open_by = {
        pk: tuple(OpenDefect(RowRef("defect", *row[3:]), row[1], row[2]) for row in rows)
        for pk, rows in by_service(open_rows.order_by("opened_at", "pk")).items()
    }
    severe = {
        pk: tuple(sorted(RowRef("defect", *row[1:]) for row in rows))
        for pk, rows in by_service(_severe(scope).values_list("service_id", *_REF)).items()
    }
    early = _early_arrivals(scope, services)
    counts = {row.pop("service_id"): row for row in _counted(scope)}
    return {
        pk: _facts(
            counts.get(pk), open_by.get(pk, ()), severe=severe.get(pk, ()), early=early.get(pk, (0, 0, 0, 0))
        )
        for pk in counts.keys() | open_by.keys()
    }


def _counted(scope: Scope) -> "QuerySet[Defect, dict[str, Any]]":
    fresh = scope.window("opened_at")
    closed = scope.window("closed_at")
    escaped = fresh & (Q(found_in__isnull=True) | ~Q(found_in="pre_production"))
    return (
        _opened(scope)
        .filter(fresh | closed)
        .values("service_id")
        .annotate(
            **{f"arrived_{n}": Count("pk", filter=escaped & Q(severity=n)) for n in (1, 2, 3, 4)},
            first=Count("pk", filter=fresh & Q(opened_at__lte=scope.period.middle)),
            second=Count("pk", filter=fresh & Q(opened_at__gt=scope.period.middle)),
            closed=Count("pk", filter=closed),
            told=Count("reopened", filter=closed),
            back=Count("pk", filter=closed & Q(reopened__gt=0)),
            kinds=Count("kind", filter=fresh),
            faults=Count("pk", filter=fresh & Q(kind__in=("design", "code"))),
            found=Count("found_in", filter=fresh),
            outside=Count("pk", filter=fresh & Q(found_in="production")),
        )
    )


def _severe(scope: Scope) -> "QuerySet[Defect]":
    return _opened(scope).filter(
        scope.window("opened_at"),
        severity=1,
        kind__in=("design", "code"),
        found_in="production",
        opened_at__gt=scope.days_ago(scope.spans.recent),
    )


def _early_arrivals(scope: Scope, services: dict[int, ServiceFacts]) -> dict[int, tuple[int, int, int, int]]:
    """Arrivals before the first covered moment, of services first heard inside the window, by severity."""
    since = {pk: facts.coverage("defect").first_covered for pk, facts in services.items()}
    late = {pk: moment for pk, moment in since.items() if moment is None or moment > scope.period.start}
    rows = _opened(replace(scope, ids=sorted(late), whole=False)).filter(
        scope.window("opened_at"), Q(found_in__isnull=True) | ~Q(found_in="pre_production")
    )
    counts = {pk: [0, 0, 0, 0] for pk in late}
    for pk, severity, opened_at in fetch(rows.values_list("service_id", "severity", "opened_at")):
        moment = late[pk]
        counts[pk][severity - 1] += moment is None or opened_at < moment
    return {pk: (one, two, three, four) for pk, (one, two, three, four) in counts.items()}


def _facts(
    row: dict[str, Any] | None,
    open_defects: tuple[OpenDefect, ...],
    *,
    severe: tuple[RowRef, ...],
    early: tuple[int, int, int, int],
) -> DefectFacts:
    counts = row or _NOTHING
    one, two, three, four = (counts[f"arrived_{n}"] - early[n - 1] for n in (1, 2, 3, 4))
    return DefectFacts(
        open=open_defects,
        arrivals=(one, two, three, four),
        first_half=counts["first"],
        second_half=counts["second"],
        closed=counts["closed"],
        closed_known=counts["told"],
        closed_reopened=counts["back"],
        kinds_known=counts["kinds"],
        design_or_code=counts["faults"],
        found_known=counts["found"],
        found_in_production=counts["outside"],
        recent_severe=severe,
    )


def defect_rows(scope: Scope) -> dict[int, list[DefectRow]]:
    """Every defect that is open at T, or was opened or closed in the window, one row each."""
    rows = (
        _opened(scope)
        .filter(_open_at(scope) | scope.window("opened_at") | scope.window("closed_at"))
        .order_by("opened_at", "pk")
        .values_list(
            "service_id", *_REF, "severity", "opened_at", "closed_at", "reopened", "found_in", "kind"
        )
    )
    return {pk: [_row(row, scope) for row in each] for pk, each in by_service(rows).items()}


def _row(columns: tuple[Any, ...], scope: Scope) -> DefectRow:
    _, source, external_id, url, title, severity, opened_at, closed_at, *rest = columns
    ref = RowRef("defect", source, external_id, url, title)
    return DefectRow(ref, severity, opened_at, until(closed_at, scope.at), *rest)

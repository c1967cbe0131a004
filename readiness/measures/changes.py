"""Measures production deployments: what changed, what failed, what mended it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from readiness.facts import (
    BlameRow,
    ChangeFacts,
    DeploymentRow,
    FailedDeployment,
    PlainChanges,
    RemedyRow,
    RowKey,
    RowRef,
    ServiceFacts,
    VerifiedDeployments,
)
from readiness.folding import Against, failed_deployment
from readiness.measures.expressions import Listing, Microseconds, listed
from readiness.measures.fetching import Row, by_service, fetch, fetch_sql
from readiness.measures.scope import COUNTS, Scope, moment, until
from readiness.models import Deployment

_HOUR_IN_MICROSECONDS = 3_600_000_000
_ENDED = Coalesce("finished_at", "started_at")
_VERIFIED = Coalesce("verified_at", "finished_at", "started_at")
_REMEDIES = ("toggle_off", "fix_forward", "rollback")
_ROW = (
    "service_id",
    "pk",
    "source",
    "external_id",
    "url",
    "version",
    "started_at",
    "finished_at",
    "outcome",
    "remediates_source",
    "remediates_id",
    "remediation",
    "automated",
    "commits",
    "first_commit_at",
    "verification",
    "verified_at",
)
_PRODUCTION = Q(environment="production")
_REMEDIATES = Q(remediates_id__isnull=False) & ~Q(
    remediates_id=F("external_id"), remediates_source=F("source")
)


def _deployments(scope: Scope) -> "QuerySet[Deployment]":
    """The deployments of the window that had ended by T and count, of the scope's services."""
    return Deployment.objects.filter(
        COUNTS, scope.services(), scope.window("started_at"), scope.ended()
    ).order_by()


def production(scope: Scope) -> "QuerySet[Deployment]":
    """Those of them that went to production."""
    return _deployments(scope).filter(_PRODUCTION)


@dataclass(frozen=True, slots=True)
class Speaking:
    """What speaks against deployments: remedies and incidents, by the key of the deployment they name."""

    remedies: dict[int, list[RemedyRow]]
    blames: dict[int, list[BlameRow]]
    targets: dict[int, tuple[int, DeploymentRow]]
    """The deployments that are named, each with its service."""


def change_facts(scope: Scope, services: dict[int, ServiceFacts]) -> dict[int, ChangeFacts]:
    """Counts made by the database, corrected by the few deployments that failed. Four queries."""
    speaking = speaking_against(scope)
    failed = _failed(scope, services, speaking)
    late = _late_counts(scope, services)
    counts = {row["service_id"]: row for row in _counted(scope)}
    proving = scope.days_ago(scope.spans.proving)
    return {
        pk: _facts(row, failed.get(pk, []), late=late.get(pk, 0), proving=proving)
        for pk, row in counts.items()
    }


def _counted(scope: Scope) -> Iterable[dict[str, Any]]:
    plain = _PRODUCTION & Q(outcome="succeeded") & ~_REMEDIATES
    remedy = _PRODUCTION & _REMEDIATES
    asked = _PRODUCTION & Q(outcome="succeeded", started_at__lte=scope.days_ago(scope.spans.proving))
    told = Q(verified_at__lte=scope.at) | Q(verified_at__isnull=True)
    return (
        _deployments(scope)
        .values("service_id")
        .annotate(
            elsewhere=Count("pk", filter=~_PRODUCTION),
            production=Count("pk", filter=_PRODUCTION),
            plain=Count("pk", filter=plain),
            recent=Count("pk", filter=plain & Q(started_at__gt=scope.days_ago(scope.spans.recent))),
            by_machine=Count("pk", filter=plain & Q(automated=True)),
            by_hand=Count("pk", filter=plain & Q(automated=False)),
            batches=Listing("commits", filter=plain),
            lead=Listing(Microseconds(_ENDED - F("first_commit_at")), filter=plain),
            remediating=Count("pk", filter=remedy),
            **{name: Count("pk", filter=remedy & Q(remediation=name)) for name in _REMEDIES},
            asked=Count("pk", filter=asked),
            passed=Count("pk", filter=asked & told & Q(verification="passed")),
            inconclusive=Count("pk", filter=asked & told & Q(verification="inconclusive")),
            unproven=Count("pk", filter=asked & told & Q(verification="failed")),
        )
    )


def _late_counts(scope: Scope, services: dict[int, ServiceFacts]) -> dict[int, int]:
    """Plain changes before the first covered moment, of services first heard inside the window.

    Most services were heard before the window began; for the few others the rate must not count what happened
    before anybody listened.
    """
    since = {pk: facts.coverage("deployment").first_covered for pk, facts in services.items()}
    late = {pk: first for pk, first in since.items() if first is None or first > scope.period.start}
    rows = production(replace(scope, ids=sorted(late), whole=False)).filter(
        Q(outcome="succeeded") & ~_REMEDIATES
    )
    counts = dict.fromkeys(late, 0)
    for pk, started_at in fetch(rows.values_list("service_id", "started_at")):
        first = late[pk]
        counts[pk] += first is None or started_at < first
    return counts


def _elsewhere(scope: Scope) -> "QuerySet[Deployment]":
    return _deployments(scope).exclude(_PRODUCTION)


_NAMED = """
WITH named AS (
    SELECT remediates_source AS of_source, remediates_id AS of_id, 'deployment' AS kind, id
    FROM readiness_deployment
    WHERE remediates_id IS NOT NULL AND environment = 'production' AND outcome = 'succeeded'
        AND NOT drill AND NOT withdrawn AND NOT excluded
        AND started_at <= %s AND (finished_at IS NULL OR finished_at <= %s)
    UNION ALL
    SELECT caused_by_source, caused_by_id, 'incident', id
    FROM readiness_incident
    WHERE caused_by_id IS NOT NULL AND severity <= 4 AND NOT drill AND NOT withdrawn AND NOT excluded
        AND started_at <= %s
), matched AS MATERIALIZED (
    SELECT t.id AS target_id, named.kind, named.id
    FROM named JOIN readiness_deployment t ON t.source = named.of_source AND t.external_id = named.of_id
    WHERE {services} AND t.started_at > %s AND t.started_at <= %s
        AND (t.finished_at IS NULL OR t.finished_at <= %s)
        AND t.environment = 'production' AND NOT t.drill AND NOT t.withdrawn AND NOT t.excluded
        AND NOT (named.kind = 'deployment' AND named.id = t.id)
)
SELECT {columns}, matched.kind, coalesce(r.source, i.source), coalesce(r.external_id, i.external_id),
    coalesce(r.url, i.url), coalesce(r.version, i.title), coalesce(r.finished_at, r.started_at, i.started_at),
    i.resolved_at, r.remediation
FROM matched JOIN readiness_deployment t ON t.id = matched.target_id
LEFT JOIN readiness_deployment r ON matched.kind = 'deployment' AND r.id = matched.id
LEFT JOIN readiness_incident i ON matched.kind = 'incident' AND i.id = matched.id
"""
"""Deployments of a scope with what names them. References are texts: no key joins them.

Only keys are matched first: whole rows would make the join spill to disk.
"""


def speaking_against(scope: Scope) -> Speaking:
    """Who remedied, and what blames, deployments of the scope. One statement."""
    if not scope.ids:
        return Speaking({}, {}, {})
    marks = ", ".join(["%s"] * len(scope.ids))
    services = "t.service_id BETWEEN %s AND %s" if scope.whole else f"t.service_id IN ({marks})"
    ids = [scope.ids[0], scope.ids[-1]] if scope.whole else list(scope.ids)
    adapt = connection.ops.adapt_datetimefield_value
    at, start = adapt(scope.at), adapt(scope.period.start)
    columns = ", ".join(f"t.{'id' if name == 'pk' else name}" for name in _ROW)
    statement = _NAMED.format(columns=columns, services=services)
    speaking = Speaking({}, {}, {})
    for row in fetch_sql(statement, [at, at, at, *ids, start, at, at]):
        _hear(speaking, row, at=scope.at)
    return speaking


def _hear(speaking: Speaking, row: Row, *, at: datetime) -> None:
    """Take down one row that speaks against a deployment."""
    columns, (kind, *named, began, ended, remediation) = row[: len(_ROW)], row[len(_ROW) :]
    target = columns[1]
    if target not in speaking.targets:
        speaking.targets[target] = columns[0], deployment_row(_read(columns), at)
    key = RowKey(columns[2], columns[3])
    ref = RowRef(kind, *named)
    if kind == "deployment":
        remedy = RemedyRow(ref, key, moment(began), remediation)
        speaking.remedies.setdefault(target, []).append(remedy)
    else:
        resolved = until(moment(ended), at) if ended else None
        speaking.blames.setdefault(target, []).append(BlameRow(ref, key, moment(began), resolved))


def _read(columns: Row) -> Row:
    """The columns of a statement of our own as the ORM would have read them."""
    if connection.vendor == "postgresql":
        return columns
    return tuple(_as_read(name, value) for name, value in zip(_ROW, columns, strict=True))


def _as_read(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name == "automated":
        return bool(value)
    return moment(value) if name.endswith("_at") else value


def _failed(
    scope: Scope, services: dict[int, ServiceFacts], speaking: Speaking
) -> dict[int, list[FailedDeployment]]:
    """The failed deployments of each service, in order of start."""
    rows: dict[int, tuple[int, DeploymentRow, datetime | None]] = {
        target: (pk, row, None) for target, (pk, row) in speaking.targets.items()
    }
    for *columns, passed_at in fetch(_made_good_by_a_pass(scope, _unanswered(speaking))):
        rows[columns[1]] = columns[0], deployment_row(columns, scope.at), passed_at
    found: dict[int, list[FailedDeployment]] = {}
    for target, (pk, row, passed_at) in rows.items():
        against = Against(
            tuple(sorted(speaking.remedies.get(target, ()), key=lambda each: each.ref[:3])),
            tuple(sorted(speaking.blames.get(target, ()), key=lambda each: each.ref[:3])),
            passed_at,
        )
        failed = failed_deployment(row, services[pk], scope.spans, speak=against)
        found.setdefault(pk, []).append(failed)
    for each in found.values():
        each.sort(key=lambda failed: (failed.row.started_at, failed.row.ref.source, failed.row.ref.id))
    return found


def _unanswered(speaking: Speaking) -> list[int]:
    """Deployments that no incident names, and whose remedies ended before they began: those mend nothing."""
    return [
        target
        for target, (_, row) in speaking.targets.items()
        if target not in speaking.blames
        and all(remedy.ended_at < row.started_at for remedy in speaking.remedies[target])
    ]


def _made_good_by_a_pass(scope: Scope, unanswered: list[int]) -> "QuerySet[Deployment, Row]":
    """Deployments whose verification failed, or these, with the moment of the later pass that mends each."""
    later = (
        Deployment.objects.filter(
            COUNTS,
            _PRODUCTION,
            scope.ended(),
            service_id=OuterRef("service_id"),
            outcome="succeeded",
            verification="passed",
            started_at__gt=OuterRef("started_at"),
            started_at__lte=scope.at,
        )
        .annotate(told_at=_VERIFIED)
        .filter(told_at__lte=scope.at)
        .order_by("started_at", "external_id")
        .values("told_at")[:1]
    )
    # asked for only where there are some, so that the index of what failed serves the others
    told = Q(verified_at__lte=scope.at) | Q(verified_at__isnull=True)
    unproven = Q(verification="failed") & told
    rows = production(scope).filter(unproven | Q(pk__in=unanswered) if unanswered else unproven)
    return rows.annotate(passed_at=Subquery(later)).values_list(*_ROW, "passed_at")


def deployment_row(columns: Sequence[Any], at: datetime) -> DeploymentRow:
    """One deployment as of T, from the columns of ``_ROW``."""
    _, _, source, external_id, url, version, started_at, finished_at, outcome, *rest = columns
    named_source, named_id, remediation, automated, commits, first_commit_at, verification, verified_at = rest
    told = verification is not None and (verified_at or finished_at or started_at) <= at
    return DeploymentRow(
        ref=RowRef("deployment", source, external_id, url, version),
        started_at=started_at,
        finished_at=finished_at,
        outcome=outcome,
        remediates=named_id is not None and (named_source, named_id) != (source, external_id),
        remediation=remediation,
        automated=automated,
        commits=commits,
        first_commit_at=first_commit_at,
        verification=verification if told else None,
        verified_at=verified_at if told else None,
    )


def _facts(
    row: dict[str, Any], failed: list[FailedDeployment], *, late: int, proving: datetime
) -> ChangeFacts:
    return ChangeFacts(
        plain=_plain(row, failed, late),
        failed=tuple(failed),
        production=row["production"],
        remediating=row["remediating"],
        remedies=tuple((remedy, row[remedy]) for remedy in sorted(_REMEDIES) if row[remedy]),
        verified=VerifiedDeployments(
            total=row["asked"],
            passed=row["passed"],
            inconclusive=row["inconclusive"],
            failed=row["unproven"],
            failed_and_mended=sum(_asked_and_mended(each, proving) for each in failed),
        ),
        other_environment=row["elsewhere"] > 0,
    )


def _asked_and_mended(failed: FailedDeployment, proving: datetime) -> bool:
    row = failed.row
    asked = row.outcome == "succeeded" and row.started_at <= proving
    return asked and row.verification == "failed" and failed.mended_at is not None


def _plain(row: dict[str, Any], failed: list[FailedDeployment], late: int) -> PlainChanges:
    """The database counted all that succeeded and remediate nothing; the failed are taken out again."""
    out = [each for each in failed if each.row.outcome == "succeeded" and not each.row.remediates]
    commits = listed(row["batches"])
    lead = [each / _HOUR_IN_MICROSECONDS for each in listed(row["lead"])]
    for each in out:
        if each.row.commits is not None:
            commits.remove(each.row.commits)
        if each.row.lead_hours is not None:
            lead.remove(each.row.lead_hours)
    total = row["plain"] - len(out)
    return PlainChanges(
        total=total,
        in_rate=row["plain"] - late - sum(each.in_rate for each in out),
        recent=row["recent"] - sum(each.recent for each in out),
        automated=row["by_machine"] - sum(each.row.automated is True for each in out),
        manual=row["by_hand"] - sum(each.row.automated is False for each in out),
        commits=tuple(sorted(commits)),
        lead_hours=tuple(sorted(lead)),
    )


def deployment_rows(scope: Scope) -> dict[int, list[DeploymentRow]]:
    """Every production deployment of the window, one row each."""
    rows = production(scope).order_by("started_at", "source", "external_id").values_list(*_ROW)
    return {pk: [deployment_row(row, scope.at) for row in each] for pk, each in by_service(rows).items()}


def elsewhere_rows(scope: Scope) -> dict[int, list[RowRef]]:
    """The deployments of the window to other environments."""
    rows = _elsewhere(scope).values_list("service_id", "source", "external_id", "url", "version")
    return {pk: [RowRef("deployment", *row[1:]) for row in each] for pk, each in by_service(rows).items()}


def spoken_against(scope: Scope) -> tuple[dict[int, list[RemedyRow]], dict[int, list[BlameRow]]]:
    """The remedies and the incidents that name deployments of each service, by the service's key."""
    speaking = speaking_against(scope)
    remedies: dict[int, list[RemedyRow]] = {}
    blames: dict[int, list[BlameRow]] = {}
    for target, (pk, _) in sorted(speaking.targets.items()):
        remedies.setdefault(pk, []).extend(speaking.remedies.get(target, ()))
        blames.setdefault(pk, []).extend(speaking.blames.get(target, ()))
    return remedies, blames

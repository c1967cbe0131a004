"""Measures production deployments: what changed, what failed, what mended it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Case, Count, DateTimeField, F, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from readiness.facts import (
    BlameRow,
    ChangeFacts,
    DeploymentRow,
    FailedDeployment,
    PassRow,
    PlainChanges,
    RemedyRow,
    RowKey,
    RowRef,
    ServiceFacts,
    VerifiedDeployments,
)
from readiness.folding import Against, failed_deployment
from readiness.measures.expressions import Listing, Microseconds, listed
from readiness.measures.scope import COUNTS, Scope, by_service, moment, until
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
_REMEDIATES = Q(remediates_id__isnull=False) & ~Q(
    remediates_id=F("external_id"), remediates_source=F("source")
)


def production(scope: Scope) -> "QuerySet[Deployment]":
    """The production deployments of the window that had ended by T and count, of the scope's services."""
    return Deployment.objects.filter(
        COUNTS, scope.services(), scope.window("started_at"), scope.ended(), environment="production"
    ).order_by()


@dataclass(frozen=True, slots=True)
class Speaking:
    """What speaks against deployments: remedies and incidents, by the deployment they name."""

    remedies: dict[int, list[RemedyRow]]
    blames: dict[int, list[BlameRow]]
    targets: frozenset[int]
    """Keys of the deployments that are named."""


def change_facts(scope: Scope, services: dict[int, ServiceFacts]) -> dict[int, ChangeFacts]:
    """Counts made by the database, corrected by the few deployments that failed. Seven queries."""
    speaking = speaking_against(scope)
    failed = _failed(scope, services, speaking)
    late = _late_counts(scope, services)
    counts = {row["service_id"]: row for row in _counted(scope)}
    elsewhere = set(_elsewhere(scope).values_list("service_id", flat=True).distinct())
    return {
        pk: _facts(
            counts.get(pk),
            failed.get(pk, []),
            late=late.get(pk, 0),
            proving=scope.days_ago(scope.spans.proving),
            elsewhere=pk in elsewhere,
        )
        for pk in counts.keys() | failed.keys() | elsewhere
    }


def _counted(scope: Scope) -> Iterable[dict[str, Any]]:
    plain = Q(outcome="succeeded") & ~_REMEDIATES
    asked = Q(outcome="succeeded", started_at__lte=scope.days_ago(scope.spans.proving))
    told = Q(verified_at__lte=scope.at) | Q(verified_at__isnull=True)
    return (
        production(scope)
        .values("service_id")
        .annotate(
            production=Count("pk"),
            plain=Count("pk", filter=plain),
            recent=Count("pk", filter=plain & Q(started_at__gt=scope.days_ago(scope.spans.recent))),
            by_machine=Count("pk", filter=plain & Q(automated=True)),
            by_hand=Count("pk", filter=plain & Q(automated=False)),
            batches=Listing("commits", filter=plain),
            lead=Listing(Microseconds(_ENDED - F("first_commit_at")), filter=plain),
            remediating=Count("pk", filter=_REMEDIATES),
            **{remedy: Count("pk", filter=_REMEDIATES & Q(remediation=remedy)) for remedy in _REMEDIES},
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
    for pk, started_at in rows.values_list("service_id", "started_at"):
        first = late[pk]
        counts[pk] += first is None or started_at < first
    return counts


def _elsewhere(scope: Scope) -> "QuerySet[Deployment]":
    return (
        Deployment.objects.filter(COUNTS, scope.services(), scope.window("started_at"), scope.ended())
        .exclude(environment="production")
        .order_by()
    )


def _named_targets(scope: Scope, table: str, column: str) -> str:
    """SQL of the deployments of the scope that rows of ``table`` name in ``column``."""
    services = "t.service_id BETWEEN %s AND %s" if scope.whole else f"t.service_id IN ({_marks(scope.ids)})"
    return (
        f"FROM {table} r JOIN readiness_deployment t"
        f" ON t.source = r.{column}_source AND t.external_id = r.{column}_id"
        f" WHERE r.{column}_id IS NOT NULL AND {services} AND t.started_at > %s AND t.started_at <= %s"
        " AND t.environment = 'production' AND (t.finished_at IS NULL OR t.finished_at <= %s)"
        " AND NOT t.drill AND NOT t.withdrawn AND NOT t.excluded"
        " AND NOT r.drill AND NOT r.withdrawn AND NOT r.excluded AND r.started_at <= %s"
    )


def _marks(ids: Sequence[int]) -> str:
    return ", ".join(["%s"] * len(ids)) or "NULL"


def _target_arguments(scope: Scope) -> list[Any]:
    adapt = connection.ops.adapt_datetimefield_value
    at = adapt(scope.at)
    ids = [scope.ids[0], scope.ids[-1]] if scope.whole else list(scope.ids)
    return [*ids, adapt(scope.period.start), at, at, at]


def speaking_against(scope: Scope) -> Speaking:
    """Who remedied, and what blames, deployments of the scope. Two statements that join on references."""
    if not scope.ids:
        return Speaking({}, {}, frozenset())
    arguments = _target_arguments(scope)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.id, t.source, t.external_id, r.source, r.external_id, r.url, r.version,"
            " coalesce(r.finished_at, r.started_at), r.remediation "
            + _named_targets(scope, "readiness_deployment", "remediates")
            + " AND r.environment = 'production' AND r.outcome = 'succeeded' AND r.id <> t.id"
            " AND (r.finished_at IS NULL OR r.finished_at <= %s)",
            [*arguments, arguments[-1]],
        )
        remedies = _remedies(cursor.fetchall())
        cursor.execute(
            "SELECT t.id, t.source, t.external_id, r.source, r.external_id, r.url, r.title,"
            " r.started_at, r.resolved_at "
            + _named_targets(scope, "readiness_incident", "caused_by")
            + " AND r.severity <= 4",
            arguments,
        )
        blames = _blames(cursor.fetchall(), scope.at)
    return Speaking(remedies, blames, frozenset(remedies.keys() | blames.keys()))


def _remedies(rows: list[tuple[Any, ...]]) -> dict[int, list[RemedyRow]]:
    found: dict[int, list[RemedyRow]] = {}
    for target, source, external_id, *named, ended, remediation in rows:
        ref = RowRef("deployment", *named)
        remedy = RemedyRow(ref, RowKey(source, external_id), moment(ended), remediation)
        found.setdefault(target, []).append(remedy)
    return found


def _blames(rows: list[tuple[Any, ...]], at: datetime) -> dict[int, list[BlameRow]]:
    found: dict[int, list[BlameRow]] = {}
    for target, source, external_id, *named, started, resolved in rows:
        ended = until(moment(resolved), at) if resolved else None
        blame = BlameRow(RowRef("incident", *named), RowKey(source, external_id), moment(started), ended)
        found.setdefault(target, []).append(blame)
    return found


def _failed(
    scope: Scope, services: dict[int, ServiceFacts], speaking: Speaking
) -> dict[int, list[FailedDeployment]]:
    """The failed deployments of each service, in order; the later pass that may make one good beside it."""
    later = (
        Deployment.objects.filter(
            COUNTS,
            scope.ended(),
            service_id=OuterRef("service_id"),
            environment="production",
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
    unproven = Q(verification="failed") & (Q(verified_at__lte=scope.at) | Q(verified_at__isnull=True))
    # looked for only where a verification failed: nothing else is made good by a later pass
    good_at = Case(When(unproven, then=Subquery(later)), output_field=DateTimeField())
    rows = production(scope).filter(unproven | Q(pk__in=speaking.targets)).annotate(good_at=good_at)
    found: dict[int, list[FailedDeployment]] = {}
    for *columns, good_at in rows.order_by("started_at", "source", "external_id").values_list(
        *_ROW, "good_at"
    ):
        row, pk, target = deployment_row(columns, scope.at), columns[0], columns[1]
        against = Against(
            tuple(sorted(speaking.remedies.get(target, ()), key=lambda each: each.ref[:3])),
            tuple(sorted(speaking.blames.get(target, ()), key=lambda each: each.ref[:3])),
            (PassRow("", scope.at, good_at),) if good_at else (),
        )
        failed = failed_deployment(row, services[pk], scope.spans, speak=against)
        found.setdefault(pk, []).append(failed)
    return found


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
    row: dict[str, Any] | None,
    failed: list[FailedDeployment],
    *,
    late: int,
    proving: datetime,
    elsewhere: bool,
) -> ChangeFacts:
    if row is None:
        return ChangeFacts(other_environment=elsewhere)
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
        other_environment=elsewhere,
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


def targets_by_service(scope: Scope, speaking: Speaking) -> dict[int, list[int]]:
    """The named deployments of each service, by their keys."""
    rows = production(scope).filter(pk__in=speaking.targets).order_by("pk").values_list("service_id", "pk")
    return {pk: [target for _, target in each] for pk, each in by_service(rows).items()}

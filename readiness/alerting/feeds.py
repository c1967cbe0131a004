"""Feeds that were heard and fell silent: for each service and kind, whose part it is to revive them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, Max, OuterRef, QuerySet

from readiness.alerting.keeping import Holding, Key, Words
from readiness.alerting.standing import state_at
from readiness.criteria import BY_SLUG
from readiness.evaluation.policies import parsed
from readiness.models import Alert, Feed, ManagementState, PolicyVersion
from readiness.models.catalogue import Lifecycle
from readiness.policy import TIERS, Policy
from readiness.rendering.sentences import listed, plural

KIND = Alert.Kind.FEED_SILENT


def silent(now: datetime) -> Holding:
    """Kinds that the policy in force reads, were heard for a service, and are silent now.

    A span that a person or a folder declared ends by nature: alone it raises nothing. Retired services are
    left in peace.
    """
    version = PolicyVersion.objects.filter(in_force=True).first()
    if version is None:
        return Holding(KIND)
    found: dict[Key, list[dict[str, Any]]] = defaultdict(list)
    for row in _silent(parsed(version), now):
        found[row["service_id"], row["kind"]].append(row)
    teams = {key: _who(rows[0]) for key, rows in found.items()}
    return Holding(KIND, teams, lambda keys: _described(found, keys))


def _silent(policy: Policy, now: datetime) -> "QuerySet[Feed, dict[str, Any]]":
    """A row for each service, kind and source that was heard, where the kind is silent."""
    limit = now - timedelta(days=policy.feeds.silence_days)
    begun = Feed.objects.filter(since__lte=now)
    covered = begun.filter(service=OuterRef("service"), kind=OuterRef("kind"), last_seen_at__gte=limit)
    heard = begun.filter(origin=Feed.HEARD, last_seen_at__lt=limit, kind__in=kinds_read(policy))
    return (
        heard.exclude(service__lifecycle=Lifecycle.RETIRED)
        .filter(~Exists(covered))
        .annotate(state=state_at(now, "service"))
        .order_by()
        .values("service_id", "kind", "source", "service__owner", "service__ops_team", "state")
        .annotate(last=Max("last_seen_at"))
    )


def kinds_read(policy: Policy) -> set[str]:
    """The kinds of evidence that a policy judges by, in any tier."""
    kinds: set[str] = set()
    for tier in TIERS:
        rubric = policy.rubric(tier)
        kinds.update(rubric.launch.needs, rubric.deploy.needs, rubric.handback.needs)
        for slug in rubric.criteria:
            kinds.update(BY_SLUG[slug].needs, BY_SLUG[slug].evidence_kinds)
    return kinds


def _who(row: Mapping[str, Any]) -> int | None:
    """Those who run the service; its owners where no ops team is named."""
    owner: int | None = row["service__owner"]
    ops: int | None = row["service__ops_team"]
    return ops or owner if row["state"] == ManagementState.OPS_MANAGED else owner


def _described(
    found: Mapping[Key, Iterable[Mapping[str, Any]]], keys: Collection[Key]
) -> Mapping[Key, Words]:
    return {key: _words(key[1], sorted(found[key], key=_newest)) for key in keys}


def _newest(row: Mapping[str, Any]) -> tuple[float, str]:
    return -row["last"].timestamp(), row["source"]


def _words(kind: str, rows: list[Mapping[str, Any]]) -> Words:
    """What is wrong; ``source`` among the numbers is the one heard last."""
    last, name = rows[0]["last"], kind.replace("_", " ")
    sources = [{"source": row["source"], "last_heard": row["last"].isoformat()} for row in rows]
    text = (
        f"Nothing was heard of {plural(kind)} since {last:%Y-%m-%d %H:%M} UTC "
        f"(from {listed(row['source'] for row in rows)}): what rests on the {name} feed cannot be judged. "
        "Revive what reports them, or connect another source."
    )
    return Words(text, {"source": rows[0]["source"], "last_heard": last.isoformat(), "sources": sources})

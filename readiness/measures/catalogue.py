"""Measures the catalogue and standing of services: what a judgement needs beside evidence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from readiness.facts import Coverage, FeedSpan, ServiceFacts, Standing, WaiverFact, coverage
from readiness.measures.fetching import by_service, fetch
from readiness.measures.scope import Scope
from readiness.models import Feed, Lifecycle, ManagementChange, Service, Waiver

_SERVICE = (
    "pk",
    "slug",
    "tier",
    "lifecycle",
    "launched_on",
    "components",
    "owner__time_zone",
    "owner__country",
    "owner__subdivision",
    "owner__business_hours",
    "owner__weekend",
)


@dataclass(frozen=True, slots=True)
class _Decisions:
    changes: dict[int, list[tuple[Any, ...]]]
    waivers: dict[int, list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class _Heard:
    feeds: Mapping[str, Coverage] = field(default_factory=dict)
    reports_failures: bool = False


def service_facts(scope: Scope) -> dict[int, ServiceFacts]:
    """Catalogue, standing and feeds of each service by key; evidence is still missing. Four queries."""
    decisions = _Decisions(
        by_service(
            ManagementChange.objects.by(scope.at)
            .filter(scope.services())
            .order_by("effective_at")
            .values_list("service_id", "state", "effective_at", "way")
        ),
        by_service(
            Waiver.objects.live_at(scope.at)
            .filter(scope.services())
            .order_by("pk")
            .values_list("service_id", "pk", "target")
        ),
    )
    heard = _heard(scope)
    services = Service.objects.filter(scope.services("pk")).order_by("pk").values_list(*_SERVICE)
    return {
        row[0]: _facts(row, scope, decisions=decisions, heard=heard.get(row[0], _Heard())) for row in services
    }


def _heard(scope: Scope) -> dict[int, _Heard]:
    """What was heard of each service. Many services have the very same spans: those are folded once."""
    folded: dict[tuple[FeedSpan, ...], _Heard] = {}
    found: dict[int, _Heard] = {}
    for pk, spans in feed_spans(scope).items():
        same = tuple(spans)
        if same not in folded:
            folded[same] = _fold(spans, scope)
        found[pk] = folded[same]
    return found


def _fold(spans: list[FeedSpan], scope: Scope) -> _Heard:
    kinds: dict[str, list[FeedSpan]] = {}
    for span in spans:
        kinds.setdefault(span.kind, []).append(span)
    since = scope.days_ago(scope.silence_days)
    return _Heard(
        {
            kind: coverage(
                each, scope.period, silence_days=scope.silence_days, minimum_days=scope.minimum_days
            )
            for kind, each in kinds.items()
        },
        any(span.reports_failures and span.last_seen_at >= since for span in kinds.get("deployment", ())),
    )


def feed_spans(scope: Scope) -> dict[int, list[FeedSpan]]:
    """The feed spans of each service begun by T."""
    rows = Feed.objects.filter(scope.services(), since__lte=scope.at).values_list(
        "service_id", "kind", "source", "since", "last_seen_at", "origin", "reports_failures"
    )
    grouped: dict[int, list[FeedSpan]] = {}
    for pk, kind, source, since, seen, origin, reports in fetch(rows.order_by("kind", "source", "since")):
        span = FeedSpan(kind, source, since, seen, origin == Feed.DECLARED, bool(reports))
        grouped.setdefault(pk, []).append(span)
    return grouped


def _facts(row: tuple[Any, ...], scope: Scope, *, decisions: _Decisions, heard: _Heard) -> ServiceFacts:
    pk, slug, tier, lifecycle, launched_on, components, *hours = row
    live = lifecycle == Lifecycle.LIVE and (launched_on is None or launched_on <= scope.at.date())
    return ServiceFacts(
        service=slug,
        period=scope.period,
        tier=tier,
        lifecycle=lifecycle,
        launched_on=launched_on,
        components=tuple(components),
        hours=dict(
            zip(("time_zone", "country", "subdivision", "business_hours", "weekend"), hours, strict=True)
        ),
        standing=_standing(pk, decisions, live=live),
        feeds=heard.feeds,
        reports_failures=heard.reports_failures,
    )


def _standing(pk: int, decisions: _Decisions, *, live: bool) -> Standing:
    changes = decisions.changes.get(pk, ())
    repairs = [at for _, _, at, way in changes if way == ManagementChange.HANDBACK_REPAIR]
    return Standing(
        state=changes[-1][1] if changes and live else None,
        handback_at=repairs[-1] if repairs else None,
        waivers=tuple(WaiverFact(waiver, target) for _, waiver, target in decisions.waivers.get(pk, ())),
    )

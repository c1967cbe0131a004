"""Gathers what measured items read, and what fills attested ones: the scorecard, and a few rows beside it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Count, Q

from handoff.actions.relying import newest
from handoff.actions.room import room_of
from handoff.checklists import Facts, Incidents, Measure, Override, Room, measure, with_override
from handoff.models import ChecklistItem, Review, VerdictOverride
from readiness import clock, evaluation
from readiness.evaluation.judging import scope_of
from readiness.measures.graph import edge_rows
from readiness.measures.scope import COUNTS, DRILLS
from readiness.models import Deployment, Incident, Scorecard, Service, Waiver

REVIEWED_WITHIN: Final = dt.timedelta(days=14)
SEVERE: Final = 2


@dataclass(frozen=True, slots=True)
class Seen:
    """What a review is filled from at one look."""

    card: Scorecard | None
    facts: Facts
    dependencies: tuple[str, ...]
    """Slugs of live hard synchronous dependencies, in order."""
    drills: Mapping[str, Any] = field(default_factory=dict)
    """Kind of drill to its newest row."""
    override: Override | None = None
    """Of the verdict, where one stands."""

    def measured(self, item: ChecklistItem) -> Measure:
        """What a measured item comes to, under the override."""
        return with_override(item.slug, measure(item.source, self.facts), self.override)


def look(review: Review, now: dt.datetime) -> Seen:
    """All of it, in a constant number of queries."""
    service = review.service
    card = newest(service)
    policy = evaluation.parsed(card.policy if card else evaluation.in_force())
    override = override_of(review)
    edges = edge_rows(scope_of(policy, now, [service.pk]), {}).get(service.pk, [])
    return Seen(
        card=card,
        facts=Facts(
            numbers=_with_live_waivers(card.numbers, now) if card else None,
            rubric=policy.rubric(card.numbers["tier"]) if card else None,
            members=service.owner.members.count(),
            ops_team=str(service.ops_team or ""),
            description=service.description,
            links=service.links,
            incidents=_incidents(service, now),
            room=_room(review, now),
        ),
        dependencies=tuple(sorted({edge.target for edge in edges if edge.type == "sync" and edge.hard})),
        drills=_drills(service, now),
        override=override.told if override else None,
    )


def override_of(review: Review) -> VerdictOverride | None:
    """The override of a review's verdict that stands."""
    return VerdictOverride.objects.standing().filter(review=review).first()


def _with_live_waivers(numbers: Mapping[str, Any], now: dt.datetime) -> Mapping[str, Any]:
    """The numbers, without the waivers that ended since: the judgement that follows may be a minute away."""
    standing = numbers["standing"]
    keys = [key for key, _ in standing["waivers"]]
    if not keys:
        return numbers
    live = set(Waiver.objects.live_at(now).filter(pk__in=keys).values_list("pk", flat=True))
    waivers = [[key, target] for key, target in standing["waivers"] if key in live]
    return {**numbers, "standing": {**standing, "waivers": waivers}}


def stale(card: Scorecard | None) -> str:
    """Why what was measured is no ground to decide on, in a sentence; empty when it is."""
    if card is None:
        return "It has not been judged yet."
    return "Its newest scorecard is too old." if clock.is_stale(card.at) else ""


def _room(review: Review, now: dt.datetime) -> Room | None:
    """Asked for at a handoff alone: a launch leaves the service with its developers."""
    carrying = room_of(review.service, now) if review.kind == Review.Kind.HANDOFF else None
    return carrying.room if carrying else None


def _incidents(service: Service, now: dt.datetime) -> Incidents:
    severe = Q(severity__lte=SEVERE, started_at__lte=now - REVIEWED_WITHIN)
    found = Incident.objects.filter(COUNTS, service=service).aggregate(
        severe=Count("pk", filter=severe),
        unreviewed=Count("pk", filter=severe & (Q(reviewed_at=None) | Q(reviewed_at__gt=now))),
        reviewed=Count("pk", filter=Q(reviewed_at__lte=now)),
    )
    return Incidents(found["severe"], found["unreviewed"], found["reviewed"] > 0)


def _drills(service: Service, now: dt.datetime) -> dict[str, Any]:
    """The newest rehearsed rollback, and the newest drill incident that an alert found and somebody took."""
    rollback = Deployment.objects.filter(
        DRILLS, service=service, remediation="rollback", outcome="succeeded", started_at__lte=now
    )
    incident = Incident.objects.filter(DRILLS, service=service, detected_by="alert", acknowledged_at__lte=now)
    newest = {
        "rollback": rollback.order_by("-started_at", "-pk").first(),
        "incident": incident.order_by("-started_at", "-pk").first(),
    }
    return {kind: row for kind, row in newest.items() if row is not None}

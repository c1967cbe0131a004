"""Services that operations run without anybody being able to tell whether they should."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet, Subquery

from readiness.alerting.keeping import Holding, Key, Words
from readiness.alerting.standing import state_at
from readiness.models import Alert, CurrentScore, ManagementState, Scorecard, Service
from readiness.models.catalogue import Lifecycle
from readiness.models.scorecard import Kind
from readiness.rendering.sentences import listed, reason_text

KIND = Alert.Kind.FLYING_BLIND
BLIND_AFTER = timedelta(days=14)
CANNOT_TELL = "cannot_tell"


def blind(now: datetime) -> Holding:
    """Live, ops-managed, and ``cannot_tell`` on every live scorecard of 14 days, two at the least."""
    start = now - BLIND_AFTER
    cards = Scorecard.objects.filter(service=OuterRef("pk"), kind=Kind.LIVE, at__lte=now)
    newest = cards.order_by("-at", "-revision", "-pk").values("handback")
    found = (
        _operated(now)
        # the newest one at least so old, and none since that told: the same as every one of the stretch
        .annotate(then=Subquery(newest.filter(at__lte=start)[:1]), before_last=Subquery(newest[1:2]))
        .filter(then=CANNOT_TELL, before_last=CANNOT_TELL)
        .filter(~Exists(_told(cards).filter(at__gt=start)))
    )
    teams: dict[Key, int | None] = {
        (pk, ""): ops or owner for pk, ops, owner in found.order_by().values_list("pk", "ops_team", "owner")
    }
    return Holding(KIND, teams, lambda keys: _described(keys, now))


def _operated(now: datetime) -> "QuerySet[Service]":
    """Live and ops-managed now, and unable to tell when last judged."""
    launched = Q(launched_on__isnull=True) | Q(launched_on__lte=now.astimezone(UTC).date())
    return (
        Service.objects.filter(
            launched,
            lifecycle=Lifecycle.LIVE,
            current__verdict_of="handback",
            current__verdict=CANNOT_TELL,
        )
        .alias(state=state_at(now))
        .filter(state=ManagementState.OPS_MANAGED)
    )


def _told(cards: "QuerySet[Scorecard]") -> "QuerySet[Scorecard]":
    """Those that said something; without a verdict at all the service was not operated then."""
    return cards.exclude(handback=CANNOT_TELL)


def _described(keys: Collection[Key], now: datetime) -> Mapping[Key, Words]:
    ids = [pk for pk, _ in keys if pk is not None]
    if not ids:
        return {}
    stretches = _stretches(ids, now)
    documents = CurrentScore.objects.filter(service_id__in=ids).order_by()
    rows = documents.values_list("service_id", "scorecard__numbers").iterator(chunk_size=500)
    return {(pk, ""): _words(document, *stretches[pk]) for pk, document in rows if pk in stretches}


def _stretches(ids: Iterable[int], now: datetime) -> dict[int, tuple[datetime, int]]:
    """Since when nobody can tell, and on how many scorecards, by service key."""
    live = Scorecard.objects.filter(kind=Kind.LIVE, at__lte=now)
    told_later = _told(live).filter(service=OuterRef("service"), at__gte=OuterRef("at"))
    untold = live.filter(service__in=list(ids), handback=CANNOT_TELL).filter(~Exists(told_later))
    grouped = untold.order_by().values_list("service_id").annotate(Min("at"), Count("pk"))
    return {pk: (since, number) for pk, since, number in grouped}


def _words(document: Mapping[str, Any], since: datetime, number: int) -> Words:
    reasons = (document["verdicts"]["handback"] or {"reasons": []})["reasons"]
    criteria = [numbers["criterion"] for code, numbers in reasons if code == "insufficient"]
    kinds = {numbers["kind"] for code, numbers in reasons if code == "not_observed"}
    kinds.update(kind for slug in criteria for _, kind, _ in document["criteria"][slug]["gaps"] if kind)
    why = listed((reason_text(each, document) for each in reasons), most=len(reasons))
    text = (
        f"Since {since:%Y-%m-%d} nobody can tell whether operations should keep this service: {why}. "
        "Bring this evidence back, or a failing service stays unseen."
    )
    numbers = {"since": since.isoformat(), "scorecards": number, "criteria": criteria, "feeds": sorted(kinds)}
    return Words(text, numbers)

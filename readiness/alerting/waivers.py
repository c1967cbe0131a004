"""Waivers that end soon: what they set aside counts again then, for the owner team to see to."""

from datetime import UTC, datetime, timedelta

from django.db.models import Exists, OuterRef

from readiness.alerting.keeping import Holding, Key, Words
from readiness.models import Alert, Waiver
from readiness.models.catalogue import Lifecycle

KIND = Alert.Kind.WAIVER_ENDS
BEFORE = timedelta(days=14)


def ending(now: datetime) -> Holding:
    """The last live waiver of its service and target ends within 14 days. One query.

    One that ends later, once it is approved, takes the reason away. Retired services are left in peace.
    """
    live = Waiver.objects.live_at(now)
    longer = live.filter(
        service=OuterRef("service"), target=OuterRef("target"), ends_at__gt=OuterRef("ends_at")
    )
    rows = (
        live.under_way()
        .filter(~Exists(longer), ends_at__lte=now + BEFORE)
        .exclude(service__lifecycle=Lifecycle.RETIRED)
        .order_by("pk")
        .values_list("pk", "service", "service__owner", "target", "ends_at")
    )
    teams: dict[Key, int | None] = {}
    words: dict[Key, Words] = {}
    for pk, service, owner, target, ends_at in rows:
        teams[service, target] = owner
        words[service, target] = _words(pk, target, ends_at)
    return Holding(KIND, teams, lambda keys: words, reworded=True)


def _words(pk: int, target: str, ends_at: datetime) -> Words:
    text = (
        f"The waiver of {target} ends on {ends_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC: from then on "
        f"{target} counts again. Mend it, or ask for another waiver in time for somebody to decide."
    )
    return Words(text, {"waiver": pk, "ends_at": ends_at.isoformat()})

"""Services that went live by the catalogue's word, without the review that stands before a launch."""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from handoff.models import Review
from readiness import clock
from readiness.alerting.keeping import Holding, Key, Words
from readiness.models import Alert, Lifecycle, ManagementChange, Service

KIND: Final = Alert.Kind.LAUNCHED_WITHOUT_REVIEW
LOOK_BACK: Final = dt.timedelta(days=180)
"""As far as judgement looks back. What ran for longer is told by its evidence; a handoff asks the rest."""
BY_REVIEW: Final = (ManagementChange.LAUNCH, ManagementChange.HANDOFF)


def launched_without_review(now: dt.datetime) -> Holding:
    """Services that are :func:`unreviewed`; the owner team acts. A query, and one more to put new ones into
    words.
    """
    rows = unreviewed(now).order_by("pk").values_list("pk", "owner")
    teams: dict[Key, int | None] = {(pk, ""): owner for pk, owner in rows}
    return Holding(KIND, teams, _described)


def unreviewed(now: dt.datetime) -> "QuerySet[Service]":
    """Live for at most 180 days, known here before that, and neither launched nor handed over on a review.

    A launch review counts that was signed before it went live and still stood then, or that was signed
    since, unless it was withdrawn.
    """
    moved = ManagementChange.objects.by(now).filter(service=OuterRef("pk"), way__in=BY_REVIEW)
    signed = Review.objects.filter(
        Q(ended_at__isnull=True) | Q(ended_at__gte=OuterRef("went_live_at")),
        service=OuterRef("pk"),
        kind=Review.Kind.LAUNCH,
        signed_at__lte=now,
    ).exclude(state=Review.State.WITHDRAWN)
    return (
        Service.objects.filter(
            Q(launched_on__isnull=True) | Q(launched_on__lte=now.astimezone(dt.UTC).date()),
            lifecycle=Lifecycle.LIVE,
            went_live_at__gt=now - LOOK_BACK,
        )
        .filter(~Exists(moved))
        .filter(~Exists(signed))
    )


def takes_launch_review(service: Service) -> bool:
    """Whether a launch review may be opened: before its launch, or because it went live without one."""
    if service.lifecycle == Lifecycle.PRE_LAUNCH:
        return True
    return service.went_live_at is not None and unreviewed(clock.now()).filter(pk=service.pk).exists()


def _described(keys: Collection[Key]) -> Mapping[Key, Words]:
    """What each says: when it went live, and on whose word it was adopted."""
    first = ManagementChange.objects.filter(service__in=[pk for pk, _ in keys], way="adoption")
    rows = first.order_by("-effective_at").values_list("service", "actor", "reason")
    word = {pk: _word(actor, reason) for pk, actor, reason in rows}
    moments = Service.objects.filter(pk__in=[pk for pk, _ in keys]).values_list("pk", "went_live_at")
    return {(pk, ""): _words(at, word.get(pk, "")) for pk, at in moments.order_by() if at is not None}


def _word(actor: str, reason: str) -> str:
    key, _, name = actor.partition(" ")
    return f" by the word of {name if key.isdecimal() and name else actor}" + (
        f" ({reason})" if reason else ""
    )


def _words(at: dt.datetime, word: str) -> Words:
    text = (
        f"It was known here before its launch, and since {at:%Y-%m-%d} it is live{word}, without a signed "
        "launch review. Open its launch review now and have both sides sign it; if it is not live, correct "
        "the catalogue."
    )
    return Words(text, {"went_live_at": at.isoformat()})

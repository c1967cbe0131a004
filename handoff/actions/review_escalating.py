"""Escalates reviews that nobody moves: to the owner team, then the ops team, then the SRE leads."""

import datetime as dt
from typing import Final

from django.db.models import Max, Q

from handoff.actions.escalation import FIRST, team_to_act
from handoff.models import Review
from readiness.alerting.keeping import Changed, Holding, Key, Words, keep, open_alerts
from readiness.models import Alert, Lifecycle

KIND: Final = Alert.Kind.REVIEW_STALLED


def escalate_reviews(now: dt.datetime) -> Changed:
    """Keep an alert for each review under way that no person moved for 14 days. Done twice, it is once."""
    teams: dict[Key, int | None] = {}
    words: dict[Key, Words] = {}
    for review, moved_at in _under_way():
        rests = now - moved_at
        if rests < FIRST:
            continue
        key = (review.service_id, review.kind)
        teams[key] = team_to_act(review.service, rests, review.service.owner_id)
        words[key] = Words(
            f"Nobody has moved the {review.get_kind_display()} since {moved_at:%Y-%m-%d}. Settle what is "
            f"open, sign it or withdraw it: it lapses {review.lapse_days} days after it was "
            f"{'signed' if review.signed_at else 'opened'}.",
            {"review": review.pk, "moved_at": moved_at.isoformat()},
        )
    holding = Holding(KIND, teams, lambda keys: words, reworded=True)
    return keep(holding, open_alerts(kind=KIND), now)


def _under_way() -> list[tuple[Review, dt.datetime]]:
    """Reviews that may still lead to something, and when a person last moved each. One query a table."""
    by_people = ~Q(items__history__actor__startswith="rule:")
    # signed after the launch, it has done its work: nobody has to move it
    done = Q(kind=Review.Kind.LAUNCH, state=Review.State.SIGNED, service__lifecycle=Lifecycle.LIVE)
    # signed, it has approved its handoff, which has alerts of its own
    done |= Q(kind=Review.Kind.HANDOFF, state=Review.State.SIGNED)
    rows = Review.objects.under_way().exclude(done).select_related("service").order_by("pk")
    newest = [
        dict(rows.values_list("pk").annotate(last=last).order_by())
        for last in (
            Max("items__history__at", filter=by_people),
            Max("comments__at"),
            Max("sign_offs__at"),
        )
    ]
    return [
        (
            review,
            max(filter(None, (review.opened_at, *(told.get(review.pk) for told in newest)))),
        )
        for review in rows
    ]

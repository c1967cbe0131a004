"""Handoffs as rows, with what each state needs, for tests of many at once."""

import datetime as dt
from typing import Any

from handoff.models import Case, Review, Shadow
from handoff.shadowing import BACK_UP, SHADOW
from readiness.models import Service
from tests.factories import PolicyVersionFactory, ScorecardFactory


def handoff(service: Service, state: str, *, at: dt.datetime, **told: Any) -> Case:
    """A handoff that was opened, signed and accepted then, on a scorecard of an hour before."""
    card = ScorecardFactory.create(
        service=service,
        policy=PolicyVersionFactory.create(in_force=True),
        at=at - dt.timedelta(hours=1),
        numbers={},
    )
    review = Review.objects.create(
        service=service,
        kind="handoff",
        state="signed",
        checklist="rows",
        checklist_version=1,
        lapse_days=90,
        opened_by="1 lena",
        opened_at=at,
        signed_at=at,
        scorecard=card,
    )
    plain = {"accepted_by": "2 olga", "accepted_at": at, "room_seen": {}, "proposer_side": "developers"}
    return Case.objects.create(
        service=service,
        kind="handoff",
        trigger="person",
        state=state,
        reason="It is calm.",
        proposer="3 dan",
        opened_at=at,
        review=review,
        **{**plain, **told},
    )


def shadowing(service: Service, *, at: dt.datetime) -> Shadow:
    """The shadow of a handoff, which began then; it has no rota."""
    case = handoff(service, "shadowing", at=at)
    shadow: Shadow = case.shadows.create(began_at=at, due_at=at + SHADOW)
    return shadow


def backed_up(service: Service, *, at: dt.datetime, **told: Any) -> Case:
    """A handoff whose service moved then."""
    case = handoff(service, "approved", at=at)
    plain = {"decider": "2 olga", "confirmed_at": at, "backup_ends_at": at + BACK_UP}
    card = case.review and case.review.scorecard
    for name, value in {**plain, "moved_card": card, "state": "backed_up", **told}.items():
        setattr(case, name, value)
    case.save()
    Review.objects.filter(case=case).update(state="used", ended_at=at)
    return case

"""Follows open handbacks: what later scorecards and the passing of time make of them."""

import datetime as dt
from collections.abc import Mapping
from typing import Final

from django.db import transaction
from django.db.models import F, Q, QuerySet

from handoff.actions.case_moving import move
from handoff.actions.refusals import MovedError
from handoff.models import Case, ExitCriterion
from handoff.stabilising import value
from readiness import clock
from readiness.models import Scorecard

FOLLOWING: Final = "rule: handback following v1"
AT_ONCE: Final = 500
"""So many cases are taken up by one sweep; the next takes the rest."""
HOLDS: Final = "a later evaluation no longer supports it: the handback verdict holds"
URGENT: Final = "the verdict became urgent"
OVER: Final = "the end of joint repair has come"
_JUDGED: Final = "service__current__at"


def follow_handbacks(now: dt.datetime | None = None) -> int:
    """End joint repair that held or is over, update progress of stabilisations; how many.

    Done twice, or killed half-way, it does each once: moves are guarded, and each case keeps the scorecard
    that its progress was read from.
    """
    moment = now or clock.now()
    return _lapse(moment) + _return(moment) + measure_progress()


def measure_progress() -> int:
    """Read the progress of stabilisations from scorecards that were not looked at yet; how many cases."""
    current = F("service__current__scorecard")
    unread = (
        Case.objects.filter(state=Case.State.STABILISING, **{f"{_JUDGED}__gte": F("confirmed_at")})
        .filter(Q(measured_card__isnull=True) | ~Q(measured_card=current))
        .order_by("pk")
    )
    newest = dict(unread.values_list("pk", current)[:AT_ONCE])
    cards = Scorecard.objects.in_bulk(newest.values())
    return take_progress({pk: cards[card] for pk, card in newest.items()})


def take_progress(cards: Mapping[int, Scorecard]) -> int:
    """Read the progress of stabilisations, each from a scorecard, by key of the case; how many cases."""
    rows = list(ExitCriterion.objects.filter(case__in=cards))
    for row in rows:
        card = cards[row.case_id]
        row.latest, row.measured_at = value(card.numbers, row.measure), card.at
    cases = [Case(pk=pk, measured_card=card.pk) for pk, card in cards.items()]
    with transaction.atomic():
        ExitCriterion.objects.bulk_update(rows, ["latest", "measured_at"], batch_size=AT_ONCE)
        Case.objects.bulk_update(cases, ["measured_card"], batch_size=AT_ONCE)
    return len(cases)


def follow_joint_repair(case: Case, verdict: str | None, now: dt.datetime) -> bool:
    """What this verdict, and time, make of one joint repair at this moment; whether it ended.

    For recorded decisions: who follows live ones asks all of them at once.
    """
    if case.repair_began_at is None or case.repair_ends_at is None or now <= case.repair_began_at:
        return False
    if verdict == "holds":
        return _moved(case, "lapse", HOLDS, at=now, changes={"ended_at": now})
    over = case.repair_ends_at <= now
    said = URGENT if verdict == "urgent" else OVER
    return (over or verdict == "urgent") and _moved(case, "return", said, at=now, changes={})


def _lapse(now: dt.datetime) -> int:
    """Joint repair ends where a later judgement holds; a rule's proposal lapses where the rules look."""
    resting = Case.objects.filter(
        state=Case.State.JOINT_REPAIR,
        service__current__verdict_of="handback",
        service__current__verdict="holds",
        **{f"{_JUDGED}__gt": F("repair_began_at")},
    )
    return sum(_moved(case, "lapse", HOLDS, at=now, changes={"ended_at": now}) for case in _some(resting))


def _return(now: dt.datetime) -> int:
    """Joint repair is over at its end, or at once when the verdict is urgent."""
    resting = Case.objects.filter(state=Case.State.JOINT_REPAIR)
    urgent = resting.filter(service__current__verdict_of="handback", service__current__verdict="urgent")
    over = resting.filter(repair_ends_at__lte=now)
    return sum(
        [_moved(case, "return", URGENT, at=now, changes={}) for case in _some(urgent)]
        + [_moved(case, "return", OVER, at=case.repair_ends_at or now, changes={}) for case in _some(over)]
    )


def _some(cases: "QuerySet[Case]") -> list[Case]:
    return list(cases.select_related("service").order_by("pk")[:AT_ONCE])


def _moved(case: Case, name: str, reason: str, *, at: dt.datetime, changes: Mapping[str, object]) -> bool:
    """Whether this sweep made the move; another, or a person, may have been faster."""
    try:
        with transaction.atomic():
            move(case, name, actor=FOLLOWING, reason=reason, at=at, changes=changes)
    except MovedError:
        return False
    return True

"""Follows open handbacks: what later scorecards and the passing of time make of them."""

import datetime as dt
from collections.abc import Mapping
from typing import Final

from django.db import transaction
from django.db.models import F, Q, QuerySet

from handoff.actions.handing_back import move
from handoff.actions.refusals import MovedError
from handoff.models import Case, ExitCriterion
from handoff.stabilising import value
from readiness import clock
from readiness.models import Scorecard

FOLLOWING: Final = "rule: handback following v1"
AT_ONCE: Final = 500
"""So many cases are taken up by one sweep; the next takes the rest."""
_JUDGED: Final = "service__current__at"


def follow_handbacks(now: dt.datetime | None = None) -> int:
    """Return what was to be repaired by now, lapse what is no longer supported, update progress; how many.

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
    rows = list(ExitCriterion.objects.filter(case__in=newest))
    for row in rows:
        card = cards[newest[row.case_id]]
        row.latest, row.measured_at = value(card.numbers, row.measure), card.at
    cases = [Case(pk=pk, measured_card=card) for pk, card in newest.items()]
    with transaction.atomic():
        ExitCriterion.objects.bulk_update(rows, ["latest", "measured_at"], batch_size=AT_ONCE)
        Case.objects.bulk_update(cases, ["measured_card"], batch_size=AT_ONCE)
    return len(cases)


def _lapse(now: dt.datetime) -> int:
    """A rule's proposal, and joint repair, end where a later judgement holds."""
    holds = Case.objects.filter(service__current__verdict_of="handback", service__current__verdict="holds")
    resting = Q(state=Case.State.JOINT_REPAIR, **{f"{_JUDGED}__gt": F("repair_began_at")})
    waiting = Q(
        state=Case.State.PROPOSED,
        trigger=Case.Trigger.VERDICT,
        **{f"{_JUDGED}__gt": F("opened_at")},
    )
    said = "a later evaluation no longer supports it: the handback verdict holds"
    return sum(
        _moved(case, "lapse", said, at=now, changes={"ended_at": now})
        for case in _some(holds.filter(resting | waiting))
    )


def _return(now: dt.datetime) -> int:
    """Joint repair is over at its end, or at once when the verdict is urgent."""
    resting = Case.objects.filter(state=Case.State.JOINT_REPAIR)
    urgent = resting.filter(service__current__verdict_of="handback", service__current__verdict="urgent")
    over = resting.filter(repair_ends_at__lte=now)
    return sum(
        [_moved(case, "return", "the verdict became urgent", at=now, changes={}) for case in _some(urgent)]
        + [
            _moved(
                case, "return", "the end of joint repair has come", at=case.repair_ends_at or now, changes={}
            )
            for case in _some(over)
        ]
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

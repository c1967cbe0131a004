"""Follows handoffs: what the passing of time, and the assessed pages of a shadow, make of them."""

import datetime as dt
import logging
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Final

from django.db import OperationalError, transaction
from django.db.models import Exists, Min, OuterRef, QuerySet

from handoff.actions.case_moving import move
from handoff.actions.handing_off import end_review
from handoff.actions.looking_back import look_back
from handoff.actions.refusals import MovedError
from handoff.actions.shadow_pages import ops_shifts, tallies
from handoff.actions.shadowing import stop
from handoff.models import Case, PageAssessment, Shadow
from handoff.shadowing import LONGEST, RECONSIDERED, failed
from readiness import clock

logger = logging.getLogger(__name__)

FOLLOWING: Final = "rule: handoff following v1"
AT_ONCE: Final = 500
"""So many cases are moved by one sweep; the next takes the rest."""
SHADOWED: Final = (Case.State.APPROVED, Case.State.SHADOWING)
"""States in which a handoff has a shadow, or had one."""
TOO_LONG: Final = f"within {LONGEST.days} days from its first shadow on nobody took it over"
OVER: Final = "the end of back-up has come"


def follow_handoffs(now: dt.datetime | None = None) -> int:
    """Lapse handoffs that take too long, stop shadows that went badly, end back-up, look back; how many.

    Done twice, or killed half-way, it does each once: moves are guarded, and a look back is written once.
    """
    moment = now or clock.now()
    return move_on(Case.objects.all(), moment) + look_back(moment)


def move_on(cases: "QuerySet[Case]", now: dt.datetime) -> int:
    """Make the moves that time makes of these by a moment; how many. What is measured has no part in it."""
    return _lapse(cases, now) + _stop(cases, now) + _complete(cases, now)


def moments_of(cases: "QuerySet[Case]") -> Iterator[dt.datetime]:
    """When :func:`move_on` has something to do about these, by what is known now."""
    backed_up = cases.filter(state=Case.State.BACKED_UP).values_list("backup_ends_at", flat=True)
    yield from filter(None, backed_up)
    for case in cases.filter(state__in=SHADOWED, pk__in=Shadow.objects.values("case")):
        yield _lapses_at(case)
    for shadow in _running(cases):
        failing = (at for at in _may_fail_at(shadow) if failed(tallies([shadow], at)[shadow.pk], at))
        yield from islice(failing, 1)


def _lapse(cases: "QuerySet[Case]", now: dt.datetime) -> int:
    """A handoff lapses 60 days after its first shadow began, and its review with it."""
    long_ago = Shadow.objects.filter(case=OuterRef("pk"), began_at__lte=now - LONGEST)
    late = cases.filter(Exists(long_ago), state__in=SHADOWED).prefetch_related("shadows")
    return sum(_moved(case, partial(_lapse_one, case)) for case in _some(late))


def _lapse_one(case: Case) -> None:
    at = _lapses_at(case)
    move(case, "lapse", actor=FOLLOWING, reason=TOO_LONG, at=at, changes={"ended_at": at})
    end_review(case, "lapse", actor=FOLLOWING, reason=TOO_LONG, at=at)


def _lapses_at(case: Case) -> dt.datetime:
    """The 60th day; where people went on, for no sweep had come, not before what they did."""
    shadows = list(case.shadows.all())
    return max(shadows[0].began_at + LONGEST, *(each.ended_at or each.began_at for each in shadows))


def _stop(cases: "QuerySet[Case]", now: dt.datetime) -> int:
    """A shadow of which everything is known, and too much is bad, is stopped. All are counted at once."""
    due = list(_running(cases).filter(due_at__lte=now))
    counts = tallies(due, now)
    bad = [(shadow.case, said) for shadow in due if (said := failed(counts[shadow.pk], now))]
    return sum(
        _moved(case, partial(stop, case, actor=FOLLOWING, reason=said, at=now))
        for case, said in bad[:AT_ONCE]
    )


def _may_fail_at(shadow: Shadow) -> list[dt.datetime]:
    """When what a shadow waits for last may have come: its least time, a day after a word, a turn."""
    words = PageAssessment.objects.filter(case=shadow.case_id, at__gt=shadow.due_at - RECONSIDERED)
    turns = ops_shifts(shadow.case.service).filter(person__in=shadow.rota, starts_at__gt=shadow.due_at)
    firsts = turns.order_by().values_list("person").annotate(Min("starts_at"))
    said = (at + RECONSIDERED for at in words.values_list("at", flat=True))
    return sorted({shadow.due_at, *said, *(starts_at for _, starts_at in firsts)})


def _complete(cases: "QuerySet[Case]", now: dt.datetime) -> int:
    """Developers are no longer paged second from the end of back-up on."""
    over = cases.filter(state=Case.State.BACKED_UP, backup_ends_at__lte=now)
    return sum(_moved(case, partial(_complete_one, case)) for case in _some(over))


def _complete_one(case: Case) -> None:
    at = case.backup_ends_at or clock.now()
    move(case, "complete", actor=FOLLOWING, reason=OVER, at=at, changes={"ended_at": at})


def _running(cases: "QuerySet[Case]") -> "QuerySet[Shadow]":
    rows: QuerySet[Shadow] = Shadow.objects.running().filter(
        case__in=cases.filter(state=Case.State.SHADOWING)
    )
    return rows.select_related("case__service").order_by("pk")


def _some(cases: "QuerySet[Case]") -> list[Case]:
    return list(cases.select_related("service").order_by("pk")[:AT_ONCE])


def _moved(case: Case, act: Callable[[], None]) -> bool:
    """Whether this sweep made the move; another, or a person, may have been faster.

    A case that breaks does not stop the others; a database that is away stops all.
    """
    try:
        with transaction.atomic():
            act()
    except MovedError:
        return False
    except OperationalError:
        raise
    except Exception:
        logger.exception("the %s of %s could not be followed", case.about, case.service.slug)
        return False
    return True

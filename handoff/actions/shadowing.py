"""Shadows: operations are paged beside the developers, page by page, until both sides say it went well."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from handoff.actions.case_checks import REFUSE_UNFIT, check, refuse_proposer, refuse_working
from handoff.actions.case_moving import change_hands, end_shadow, move, needed
from handoff.actions.consulting import end_advising
from handoff.actions.handing_off import end_review
from handoff.actions.recording import moved, name_of
from handoff.actions.refusals import InvalidError, MovedError, NotAllowedError, why_not
from handoff.actions.review_facts import look
from handoff.actions.review_filling import locked, refuse_worse
from handoff.actions.shadow_pages import pages_of, rota_of, running, tally
from handoff.checklists import Side
from handoff.machine import HANDOFF
from handoff.models import Case, Consultant, PageAssessment, Shadow, ShadowConfirmation
from handoff.shadowing import BACK_UP, DEVELOPERS, MOST, REACHABLE, SHADOW, lacking
from readiness import clock, evaluation, rights
from readiness.models import ManagementChange, Page, Person, Scorecard, Service

ON_CALL: Final = dt.timedelta(days=90)
"""Who had a shift within so many days is in the rota."""
TWICE: Final = "the second shadow ended, and there is no third"


def begin_shadow(case: Case, *, by: User, reason: str = "") -> Shadow:
    """Have operations paged beside the developers, for 14 days and one turn of the rota at least.

    Raises ``NotAllowedError``, ``InvalidError`` where the ops team has not accepted it, and ``MovedError``.
    """
    check(case, "begin shadow", by)
    now = clock.now()
    said = reason.strip() or "operations are paged beside the developers from now on"
    with transaction.atomic():
        move(case, "begin shadow", actor=name_of(by), reason=said, at=now, changes={})
        shadow: Shadow = case.shadows.create(
            began_at=now, due_at=now + SHADOW, rota=rota_of(case.service, now - ON_CALL, now)
        )
    return shadow


def assess_page(
    case: Case, page: Page, *, critical: bool, actionable: bool, by: User, remark: str = ""
) -> PageAssessment:
    """Say of a page of the shadow whether it was critical and actionable; the newest word counts.

    Raises ``NotAllowedError``, ``InvalidError`` for a page that is none of the shadow's, and ``MovedError``
    where no shadow runs.
    """
    refuse_working(case, by)
    with transaction.atomic():
        shadow = _running(case)
        if page.pk not in {each.pk for each in pages_of(shadow)}:
            raise InvalidError("page", "This page is none of the shadow's.")
        return PageAssessment.objects.create(
            case=case,
            page=page,
            critical=critical,
            actionable=actionable,
            remark=remark.strip(),
            actor=name_of(by),
            at=clock.now(),
        )


def assessing_obstacle(case: Case, by: User) -> str:
    """Why this person cannot assess pages of it now; empty when they can."""
    return why_not(_running, case) or why_not(refuse_working, case, by)


def stop_shadow(case: Case, *, by: User, reason: str) -> Case:
    """End a shadow that goes badly. It may be begun once more; the second one ends the handoff.

    Raises ``NotAllowedError``, ``InvalidError`` without a reason, and ``MovedError``.
    """
    check(case, "stop", by)
    said = needed(reason, "reason", "Say why: it stays on record, and helps the next one.")
    with transaction.atomic():
        stop(case, actor=name_of(by), reason=said, at=clock.now())
    return case


def stop(case: Case, *, actor: str, reason: str, at: dt.datetime) -> None:
    """Stop the shadow that runs, by a person or rule, in the transaction that is open."""
    end_shadow(case, Shadow.Outcome.STOPPED, at)
    if case.shadows.count() < MOST:
        move(case, "stop", actor=actor, reason=reason, at=at, changes={})
        return
    said = f"{reason} ({TWICE})"
    move(case, "lapse", actor=actor, reason=said, at=at, changes={"ended_at": at})
    end_review(case, "lapse", actor=actor, reason=said, at=at)


def confirm_shadow(
    case: Case, *, side: Side, by: User, reachable: Sequence[Person] = (), reason: str = ""
) -> ShadowConfirmation:
    """Say for a side that the shadow ended well; with the second word operations take over, at once.

    Developers name two of their team who stay ``reachable`` for 180 days. What was measured when the review
    was signed must hold on the newest scorecard. Raises ``NotAllowedError`` for who is not of that side,
    proposed the handoff or spoke for the other side, ``InvalidError`` that says what is lacking, and
    ``MovedError``.
    """
    now = clock.now()
    try:
        with transaction.atomic():
            service = Service.objects.select_for_update().get(pk=case.service_id)
            shadow = _running(case)
            _refuse_confirming(case, shadow, side, by=by)
            review = locked(case.review) if case.review else None
            if review is None:
                raise MovedError("It has no review.", case.state)
            seen = look(review, now)
            refuse_worse(review, seen)
            if side is Side.DEVELOPERS:
                case.reachable.set(_reachable(case, reachable))
            made = ShadowConfirmation.objects.create(
                shadow=shadow, side=side.value, actor=name_of(by), reason=reason.strip(), at=now
            )
            if shadow.confirmations.count() == len(_SIDES) and seen.card:
                _take_over(case, service, made, card=seen.card)
    except IntegrityError as error:
        raise MovedError("Somebody else was faster: look at the case again.", case.state) from error
    return made


def confirming_obstacle(case: Case, side: Side, by: User) -> str:
    """Why this person cannot confirm the shadow for a side now; empty when they can try."""
    return why_not(lambda: _refuse_confirming(case, _running(case), side, by=by))


_SIDES: Final = (Side.DEVELOPERS, Side.OPERATIONS)


def _running(case: Case) -> Shadow:
    """The shadow that runs. Raises ``MovedError`` where there is none."""
    now_in = Case.objects.values_list("state", flat=True).get(pk=case.pk)
    shadow = running(case)
    if shadow is None:
        raise MovedError(f"No shadow runs: the case is {now_in.replace('_', ' ')}.", now_in)
    return shadow


def _refuse_confirming(case: Case, shadow: Shadow, side: Side, *, by: User) -> None:
    moved(HANDOFF, case.state, "take over", what="The case")
    if side not in _SIDES:
        raise InvalidError("side", "Developers and operations confirm.")
    team = case.service.owner_id if side is Side.DEVELOPERS else case.service.ops_team_id
    refuse_working(case, by)
    if not rights.is_member(by, team):
        raise NotAllowedError(f"Only somebody of that team speaks for {side}.")
    refuse_proposer(case, by)
    said = dict(shadow.confirmations.values_list("side", "actor"))
    if side in said:
        raise MovedError(f"{said[side]} confirmed for {side} already.", case.state)
    if name_of(by) in said.values():
        raise NotAllowedError("Both sides confirm: another person speaks for the other one.")
    REFUSE_UNFIT[case.kind](case.service)
    if wanting := lacking(tally(shadow), clock.now()):
        raise InvalidError("case", " ".join(wanting))


def _reachable(case: Case, named: Sequence[Person]) -> list[int]:
    """Keys of the developers who stay reachable. Raises ``InvalidError``."""
    team = set(case.service.owner.members.values_list("pk", flat=True))
    keys = {person.pk for person in named}
    if keys - team:
        raise InvalidError("reachable", "Only members of its owner team stay reachable.")
    if len(keys) < min(DEVELOPERS, len(team)):
        raise InvalidError(
            "reachable", f"Name {DEVELOPERS} developers who stay reachable for {REACHABLE.days} days."
        )
    return sorted(keys)


def _take_over(case: Case, service: Service, last: ShadowConfirmation, *, card: Scorecard) -> None:
    now, actor = last.at, last.actor
    said = last.reason or "the shadow ended well, both sides say"
    changes = {
        "decider": actor,
        "confirmed_at": now,
        "moved_card": card,
        "backup_ends_at": now + BACK_UP,
        "reachable_until": (now + REACHABLE).date(),
    }
    move(case, "take over", actor=actor, reason=said, at=now, card=card, changes=changes)
    end_shadow(case, Shadow.Outcome.TOOK_OVER, now)
    end_review(case, "hand off", actor=actor, reason=said, at=now)
    change_hands(
        service,
        "hand off",
        way=ManagementChange.HANDOFF,
        actor=actor,
        reason=said,
        at=now,
        cards={each.pk: each for each in (*case.scorecards.all(), card)}.values(),
    )
    for consultant in (
        Consultant.objects.advising().filter(service=service).select_related("service", "person")
    ):
        end_advising(consultant, actor=actor, reason="operations run it now")
    evaluation.request(now, [service.pk], "handed off")

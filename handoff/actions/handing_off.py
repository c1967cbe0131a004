"""Handoffs: proposed with a reason, reviewed, accepted by who will carry it; begun, and taken back."""

import datetime as dt
from collections.abc import Iterable
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction

from handoff.actions.case_checks import check, refuse_accepting
from handoff.actions.case_moving import end_case, move, needed, propose
from handoff.actions.recording import name_of
from handoff.actions.refusals import InvalidError, MovedError, why_not
from handoff.actions.review_filling import end
from handoff.actions.reviewing import open_review
from handoff.actions.room import Carrying, room_of
from handoff.machine import REVIEW, legal
from handoff.models import Case, Review
from readiness import clock
from readiness.models import Scorecard, Service

KEPT: Final = "Say why: it stays on record."


def propose_handoff(
    service: Service, *, reason: str, by: User | str, cards: Iterable[Scorecard] = ()
) -> Case:
    """Propose that operations take a service over.

    ``by`` is a person, whatever the verdict is, which then stands beside the proposal; or a rule with its
    version. The ``cards`` that justify it are kept with the case, and the newest live scorecard. Raises
    ``NotAllowedError``, ``InvalidError`` without a reason, for a service that developers do not run or that
    is deprecated, and ``MovedError`` where a case is open already.
    """
    return propose(service, Case.Kind.HANDOFF, reason=reason, by=by, cards=cards)


def reject_handoff(case: Case, *, by: User, reason: str) -> Case:
    """Leave it to its developers; the rule rests for 28 days then.

    Raises ``NotAllowedError``, also for who proposed it, ``InvalidError`` without a reason or once it is
    reviewed, ``MovedError``.
    """
    return end_case(case, "reject", kind=Case.Kind.HANDOFF, by=by, reason=reason, asked=KEPT, decides=True)


def withdraw_handoff(case: Case, *, by: User, reason: str) -> Case:
    """Take back what one proposed oneself; once it is reviewed an SRE lead may, too. Its review ends with it.

    Raises as :func:`reject_handoff`.
    """
    with transaction.atomic():
        end_case(case, "withdraw", kind=Case.Kind.HANDOFF, by=by, reason=reason, asked=KEPT)
        end_review(case, "withdraw", actor=name_of(by), reason=reason, at=case.ended_at or clock.now())
    return case


def open_handoff_review(case: Case, *, by: User, reason: str = "") -> Review:
    """Open the review that decides about a proposed handoff, filled from what is known now.

    Raises ``NotAllowedError``, ``InvalidError`` for a service that developers do not run or that is
    deprecated, and ``MovedError``, also where another handoff review of it is under way.
    """
    check(case, "open review", by)
    said = reason.strip() or "the handoff is reviewed"
    with transaction.atomic():
        review = open_review(case.service, kind=Review.Kind.HANDOFF, actor=name_of(by), reason=reason)
        changes = {"review": review}
        move(case, "open review", actor=name_of(by), reason=said, at=review.opened_at, changes=changes)
    return review


def accept_handoff(case: Case, *, by: User, reason: str = "") -> Case:
    """Accept, for the ops team, to carry the service, having seen what that is; it stays with the case.

    By an engineer of the ops team who did not propose it, before the shadow begins. Raises
    ``NotAllowedError``, ``InvalidError`` without a reason where the team has no room or nobody can tell, and
    ``MovedError``.
    """
    refuse_accepting(case, by)
    now = clock.now()
    seen = seen_room(case)
    if not seen.fits and not reason.strip():
        raise InvalidError("reason", "The team has no room, as far as is known: say why you accept it.")
    with transaction.atomic():
        waiting = Case.objects.filter(pk=case.pk, state=case.state, accepted_at__isnull=True)
        changes = {"accepted_by": name_of(by), "accepted_at": now, "room_seen": seen.as_json()}
        if not waiting.update(**changes):
            raise MovedError("Somebody else was faster: look at the case again.", case.state)
        for field, value in changes.items():
            setattr(case, field, value)
        said = f"{case.service.ops_team} accepts to carry it. {reason.strip()}".strip()
        case.comments.create(text=said, author=name_of(by), written_at=now)
    return case


def accepting_obstacle(case: Case, by: User) -> str:
    """Why this person cannot accept it now; empty when they can."""
    return why_not(refuse_accepting, case, by) or why_not(seen_room, case)


def seen_room(case: Case) -> Carrying:
    """What its ops team carries, and would carry. Raises ``InvalidError`` where it has no ops team."""
    seen = room_of(case.service, clock.now())
    if seen is None:
        raise InvalidError("case", "The catalogue names no ops team: nobody could take it over.")
    return seen


def complete_handoff(case: Case, *, by: User, reason: str) -> Case:
    """End the time of back-up before its day: developers are no longer paged second.

    Raises ``NotAllowedError``, ``InvalidError`` without a reason, and ``MovedError``.
    """
    check(case, "complete", by)
    said = needed(reason, "reason", "Say why developers are no longer needed: there are days left.")
    now = clock.now()
    with transaction.atomic():
        move(case, "complete", actor=name_of(by), reason=said, at=now, changes={"ended_at": now})
    return case


def end_review(case: Case, name: str, *, actor: str, reason: str, at: dt.datetime) -> None:
    """End the review of a handoff that has ended, in the transaction that is open; where it has, nothing."""
    review = Review.objects.select_related("service", "scorecard").filter(case=case).first()
    if review is not None and name in legal(REVIEW, review.state):
        end(review, name, actor=actor, reason=reason, at=at)

"""Handoffs: proposed by evidence or by a person, and answered."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction

from handoff.actions.case_moving import move, needed, opened, run_by
from handoff.actions.handback_checks import refuse_deciding, refuse_proposer, refuse_proposing, side_of
from handoff.actions.recording import moved, name_of
from handoff.actions.refusals import InvalidError, NotAllowedError, RefusedError
from handoff.actions.relying import newest
from handoff.machine import HANDOFF
from handoff.models import Case
from readiness import clock
from readiness.models import ManagementState, Scorecard, Service


def propose_handoff(
    service: Service, *, reason: str, by: User | str, cards: Iterable[Scorecard] = ()
) -> Case:
    """Propose that operations take a service over.

    ``by`` is a person, whatever the verdict is, which then stands beside the proposal; or a rule with its
    version. The ``cards`` that justify it are kept with the case, and the newest live scorecard. Raises
    ``NotAllowedError``, ``InvalidError`` without a reason, for a service that developers do not run or that
    is deprecated, and ``MovedError`` where a case is open already.
    """
    if isinstance(by, User):
        refuse_proposing(service, by)
    _refuse_unfit(service)
    card = newest(service)
    kept = {each.pk: each for each in (*cards, *([card] if card else []))}
    case = Case(
        service=service,
        kind=Case.Kind.HANDOFF,
        trigger=Case.Trigger.PERSON if isinstance(by, User) else Case.Trigger.VERDICT,
        reason=needed(reason, "reason", "Say why: it is what those who decide read first."),
        verdict=(card and card.handoff) or "",
        proposer=name_of(by) if isinstance(by, User) else by,
        proposer_side=side_of(by, service) if isinstance(by, User) else Case.Side.OPS,
        opened_at=clock.now(),
    )
    return opened(case, kept.values())


def reject_handoff(case: Case, *, by: User, reason: str) -> Case:
    """Leave it to its developers; the rule rests for 28 days then.

    Raises ``NotAllowedError``, also for who proposed it, ``InvalidError`` without a reason, ``MovedError``.
    """
    return _end(case, "reject", by=by, reason=reason, decider=name_of(by))


def withdraw_handoff(case: Case, *, by: User, reason: str) -> Case:
    """Take back what one proposed oneself. Raises as :func:`reject_handoff`."""
    return _end(case, "withdraw", by=by, reason=reason)


def handoff_obstacle(case: Case, name: str, by: User) -> str:
    """Why this person cannot make this move now; empty when they can."""
    try:
        _check(case, name, by)
    except RefusedError as refused:
        return str(refused)
    return ""


def proposing_handoff_obstacle(service: Service, by: User) -> str:
    """Why this person cannot propose that operations take a service over; empty when they can."""
    try:
        refuse_proposing(service, by)
        _refuse_unfit(service)
    except RefusedError as refused:
        return str(refused)
    return f"{service.slug} has an open case already." if service.cases.open().exists() else ""


def _refuse_unfit(service: Service) -> None:
    if run_by(service, clock.now()) != ManagementState.DEVELOPER_MANAGED:
        raise InvalidError("service", f"{service.slug} is not run by its developers: nothing is handed off.")
    if service.deprecated:
        raise InvalidError("service", f"{service.slug} is deprecated, which is never handed off.")


def _end(case: Case, name: str, *, by: User, reason: str, **decided: str) -> Case:
    _check(case, name, by)
    said = needed(reason, "reason", "Say why: it stays on record.")
    now = clock.now()
    with transaction.atomic():
        move(case, name, actor=name_of(by), reason=said, at=now, changes={**decided, "ended_at": now})
    return case


def _check(case: Case, name: str, by: User) -> None:
    moved(HANDOFF, case.state, name, what="The case")
    _CHECKS[name](case, by)


def _reject(case: Case, by: User) -> None:
    refuse_proposer(case, by)
    refuse_deciding(case, by)


def _withdraw(case: Case, by: User) -> None:
    if case.proposer != name_of(by):
        raise NotAllowedError("Only who proposed it can withdraw it; others may reject it.")


_CHECKS: Final[Mapping[str, Callable[[Case, User], None]]] = {"reject": _reject, "withdraw": _withdraw}

"""Lapses a rule's proposal: what evidence asked for, and later evidence no longer does."""

from django.db import transaction

from handoff.actions.case_moving import move
from handoff.actions.refusals import MovedError
from handoff.models import Case
from handoff.rules import rule_of
from readiness import clock
from readiness.models import Scorecard


def lapse_proposal(case: Case, *, by: str, reason: str, card: Scorecard) -> Case:
    """End a rule's proposal that a later scorecard no longer supports.

    ``by`` is the rule with its version, ``card`` that scorecard. Raises ``MovedError`` where people have
    answered it meanwhile, and ``ValueError`` for the proposal of a person, which only people end.
    """
    if rule_of(case.proposer) is None:
        raise ValueError(f"{case.proposer} is no rule: what people propose does not lapse by one")
    if case.state != Case.State.PROPOSED:
        raise MovedError(f"The case is {case.state.replace('_', ' ')} by now.", case.state)
    now = clock.now()
    with transaction.atomic():
        move(case, "lapse", actor=by, reason=reason, at=now, card=card, changes={"ended_at": now})
    return case

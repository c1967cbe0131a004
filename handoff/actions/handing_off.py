"""Handoffs: proposed by evidence or by a person, and answered."""

from collections.abc import Iterable
from typing import Final

from django.contrib.auth.models import User

from handoff.actions.case_moving import end_case, propose
from handoff.models import Case
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

    Raises ``NotAllowedError``, also for who proposed it, ``InvalidError`` without a reason, ``MovedError``.
    """
    return end_case(case, "reject", by=by, reason=reason, asked=KEPT, decides=True)


def withdraw_handoff(case: Case, *, by: User, reason: str) -> Case:
    """Take back what one proposed oneself. Raises as :func:`reject_handoff`."""
    return end_case(case, "withdraw", by=by, reason=reason, asked=KEPT)

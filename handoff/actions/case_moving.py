"""Moves cases of either kind: guarded by the state that was looked at, each with its transition."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Final

from django.db import IntegrityError, transaction

from handoff.actions.recording import moved, record
from handoff.actions.refusals import InvalidError, MovedError
from handoff.actions.relying import newest
from handoff.machine import HANDBACK, HANDOFF, MANAGEMENT, Moves
from handoff.models import Case, CaseScorecard, Transition
from readiness import clock
from readiness.models import ManagementChange, ManagementState, Scorecard, Service

TABLES: Final[Mapping[str, Moves]] = {Case.Kind.HANDBACK: HANDBACK, Case.Kind.HANDOFF: HANDOFF}


def opened(case: Case, cards: Iterable[Scorecard]) -> Case:
    """Store a new case as proposed, with the scorecards that justify it.

    Raises ``MovedError`` where the service has an open case already.
    """
    case.state = moved(TABLES[case.kind], "", "propose", what="The case")
    kept = list(cards)
    try:
        with transaction.atomic():
            case.save(force_insert=True)
            CaseScorecard.objects.bulk_create(CaseScorecard(case=case, scorecard=card) for card in kept)
            _record(case, "propose", "", actor=case.proposer, reason=case.reason, at=case.opened_at, on=kept)
    except IntegrityError as error:
        raise MovedError(f"{case.service.slug} has an open case already.", "open") from error
    return case


def move(
    case: Case,
    name: str,
    *,
    actor: str,
    reason: str,
    at: dt.datetime,
    changes: Mapping[str, object],
    card: Scorecard | None = None,
) -> None:
    """One move, guarded by the state that was looked at, in the transaction that is open.

    Without a ``card`` the newest one goes on record. Of two who act at once the second is told: raises
    ``MovedError``.
    """
    before = case.state
    state = moved(TABLES[case.kind], before, name, what="The case")
    if not Case.objects.filter(pk=case.pk, state=before).update(state=state, **changes):
        now_in = Case.objects.values_list("state", flat=True).get(pk=case.pk)
        raise MovedError(f"Somebody else was faster: the case is {now_in.replace('_', ' ')} by now.", now_in)
    case.state = state
    for field, value in changes.items():
        setattr(case, field, value)
    relied = card or newest(case.service)
    _record(case, name, before, actor=actor, reason=reason, at=at, on=[relied] if relied else [])


def change_hands(
    service: Service,
    name: str,
    *,
    way: str,
    actor: str,
    reason: str,
    at: dt.datetime,
    cards: Iterable[Scorecard],
) -> None:
    """Move the service itself, once its case is decided, in the transaction that is open.

    Raises ``MovedError`` where it is run by others than the move begins with.
    """
    before = run_by(service, at)
    state = moved(MANAGEMENT, before, name, what=service.slug)
    ManagementChange.objects.create(
        service=service,
        state=state,
        effective_at=at,
        way=way,
        actor=actor,
        reason=reason,
        recorded_at=clock.real_now(),
    )
    transition = Transition(
        service=service,
        subject=Transition.Subject.MANAGEMENT,
        move=name,
        from_state=before,
        to_state=state,
        actor=actor,
        reason=reason,
        at=at,
    )
    record([transition], cards)


def run_by(service: Service, at: dt.datetime) -> str:
    """Who runs a service, as a management state; empty where it is not live or has none."""
    newest_change = service.management_changes.by(at).order_by("-effective_at").first()
    return ManagementState(newest_change.state).value if newest_change and service.is_live_at(at) else ""


def needed(text: str, field: str, why: str) -> str:
    """What was written, without blanks around it; raises ``InvalidError`` where that is nothing."""
    if not text.strip():
        raise InvalidError(field, why)
    return text.strip()


def _record(
    case: Case, name: str, before: str, *, actor: str, reason: str, at: dt.datetime, on: list[Scorecard]
) -> None:
    """Append the transition of a case that is in its new state already."""
    transition = Transition(
        service=case.service,
        subject=Transition.Subject.CASE,
        subject_id=case.pk,
        about=case.about,
        move=name,
        from_state=before,
        to_state=case.state,
        actor=actor,
        reason=reason,
        at=at,
    )
    record([transition], on)

"""Moves cases of either kind: guarded by the state that was looked at, each with its transition."""

import datetime as dt
from collections.abc import Iterable, Mapping

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from handoff.actions.case_checks import REFUSE_UNFIT, check, refuse_proposing, run_by, side_of
from handoff.actions.recording import moved, name_of, record
from handoff.actions.refusals import InvalidError, MovedError
from handoff.actions.relying import newest
from handoff.machine import CASES, MANAGEMENT
from handoff.models import Case, CaseScorecard, Shadow, Transition
from handoff.models.case import ENDED
from readiness import clock
from readiness.models import ManagementChange, Scorecard, Service


def propose(
    service: Service,
    kind: str,
    *,
    reason: str,
    by: User | str,
    cards: Iterable[Scorecard],
    handback_kind: str = "",
) -> Case:
    """Open a case, with the ``cards`` that justify it and the newest scorecard, whose verdict it keeps.

    ``by`` is a person, or a rule with its version. Raises ``NotAllowedError``, ``InvalidError`` without a
    reason or for a service that this kind is not about, and ``MovedError`` where a case is open already.
    """
    if isinstance(by, User):
        refuse_proposing(service, by)
    REFUSE_UNFIT[kind](service)
    card = newest(service)
    kept = list({each.pk: each for each in (*cards, *([card] if card else []))}.values())
    case = Case(
        service=service,
        kind=kind,
        handback_kind=handback_kind,
        trigger=Case.Trigger.PERSON if isinstance(by, User) else Case.Trigger.VERDICT,
        state=moved(CASES[kind], "", "propose", what="The case"),
        reason=needed(reason, "reason", "Say why: it is what those who decide read first."),
        verdict=(card and getattr(card, kind)) or "",
        proposer=name_of(by) if isinstance(by, User) else by,
        proposer_side=side_of(by, service) if isinstance(by, User) else Case.Side.OPS,
        opened_at=clock.now(),
    )
    try:
        with transaction.atomic():
            if kind == Case.Kind.HANDBACK:
                _complete_handoff(service, actor=case.proposer, at=case.opened_at)
            case.save(force_insert=True)
            CaseScorecard.objects.bulk_create(CaseScorecard(case=case, scorecard=each) for each in kept)
            _record(case, "propose", "", actor=case.proposer, reason=case.reason, at=case.opened_at, on=kept)
    except IntegrityError as error:
        raise MovedError(f"{service.slug} has an open case already.", "open") from error
    return case


def end_case(
    case: Case, name: str, *, kind: str, by: User, reason: str, asked: str, decides: bool = False
) -> Case:
    """A move by which a person ends a case of this kind; ``asked`` is what they hear who give no reason.

    Raises ``NotAllowedError``, ``InvalidError`` without a reason or for one of another kind, ``MovedError``.
    """
    if case.kind != kind:
        raise InvalidError("case", f"This is a {case.kind}, and no {kind}.")
    check(case, name, by)
    said = needed(reason, "reason", asked)
    now, decided = clock.now(), {"decider": name_of(by)} if decides else {}
    with transaction.atomic():
        move(case, name, actor=name_of(by), reason=said, at=now, changes={**decided, "ended_at": now})
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

    A shadow that runs ends with its case.

    Without a ``card`` the newest one goes on record. Of two who act at once the second is told: raises
    ``MovedError``.
    """
    before = case.state
    state = moved(CASES[case.kind], before, name, what="The case")
    if not Case.objects.filter(pk=case.pk, state=before).update(state=state, **changes):
        now_in = Case.objects.values_list("state", flat=True).get(pk=case.pk)
        raise MovedError(f"Somebody else was faster: the case is {now_in.replace('_', ' ')} by now.", now_in)
    case.state = state
    for field, value in changes.items():
        setattr(case, field, value)
    if before == Case.State.SHADOWING and state in ENDED:
        end_shadow(case, Shadow.Outcome.CUT_SHORT, at)
    relied = card or newest(case.service)
    _record(case, name, before, actor=actor, reason=reason, at=at, on=[relied] if relied else [])


def end_shadow(case: Case, outcome: str, at: dt.datetime) -> None:
    """End the shadow of a case that runs, in the transaction that is open."""
    case.shadows.running().update(ended_at=at, outcome=outcome)


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


def _complete_handoff(service: Service, *, actor: str, at: dt.datetime) -> None:
    """A handback begins: developers who still back operations up do so no longer."""
    backed_up = service.cases.open().filter(state=Case.State.BACKED_UP).select_related("service").first()
    if backed_up is not None:
        said = "a handback is proposed, which ends the time of back-up"
        move(backed_up, "complete", actor=actor, reason=said, at=at, changes={"ended_at": at})


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

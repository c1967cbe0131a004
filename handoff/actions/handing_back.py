"""Handbacks: proposed with a reason, answered, confirmed with what they need, stabilised when measured so."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction

from handoff.actions.case_checks import check
from handoff.actions.case_moving import change_hands, end_case, move, needed, propose
from handoff.actions.consulting import name_consultant
from handoff.actions.recording import name_of
from handoff.actions.refusals import InvalidError
from handoff.actions.relying import newest
from handoff.models import Case, Consultant, ExitCriterion
from handoff.stabilising import CLOCK_DAYS, thresholds, value
from readiness import clock, evaluation
from readiness.models import ManagementChange, Person, Scorecard, Service

LONGEST_REPAIR: Final = dt.timedelta(days=28)
WAYS: Final = {
    Case.HandbackKind.REPAIR: ManagementChange.HANDBACK_REPAIR,
    Case.HandbackKind.RELEASE: "handback_release",
}


def propose_handback(
    service: Service,
    *,
    reason: str,
    by: User | str,
    kind: str = Case.HandbackKind.REPAIR,
    cards: Iterable[Scorecard] = (),
) -> Case:
    """Propose that operations give a service back to its developers.

    ``by`` is a person, or a rule with its version, which proposes repairs by verdict alone. The ``cards``
    that justify it are kept with the case, and the newest live scorecard. Raises ``NotAllowedError``,
    ``InvalidError`` without a reason or for a service that operations do not run, and ``MovedError`` where a
    case is open already.
    """
    if kind not in WAYS or (isinstance(by, str) and kind != Case.HandbackKind.REPAIR):
        raise InvalidError("kind", "A handback is a repair, or a release that a person proposes.")
    return propose(service, Case.Kind.HANDBACK, reason=reason, by=by, cards=cards, handback_kind=kind)


def reject_handback(case: Case, *, by: User, reason: str) -> Case:
    """Let operations keep it.

    Raises ``NotAllowedError``, also for who proposed it, ``InvalidError`` without a reason, ``MovedError``.
    """
    asked = "Say why: who proposed it reads it."
    return end_case(case, "reject", kind=Case.Kind.HANDBACK, by=by, reason=reason, asked=asked, decides=True)


def withdraw_handback(case: Case, *, by: User, reason: str) -> Case:
    """Take back what one proposed oneself. Raises as :func:`reject_handback`."""
    return end_case(
        case,
        "withdraw",
        kind=Case.Kind.HANDBACK,
        by=by,
        reason=reason,
        asked="Say why it is no longer wanted.",
    )


def repair_jointly(case: Case, *, plan: str, owner: Person, ends_at: dt.datetime, by: User) -> Case:
    """Answer a proposal by ``below`` with repair on both sides: it rests until it ends or the verdict holds.

    Raises ``NotAllowedError``, ``InvalidError`` without a plan, for an end that is past or more than 28 days
    away or where the verdict is not ``below``, and ``MovedError``.
    """
    check(case, "repair jointly", by)
    said = needed(plan, "plan", "Say what is to be repaired, and how.")
    now = clock.now()
    if not now < ends_at <= now + LONGEST_REPAIR:
        raise InvalidError("ends_at", f"Joint repair ends after now, and within {LONGEST_REPAIR.days} days.")
    changes = {"repair_plan": said, "repair_owner": owner, "repair_began_at": now, "repair_ends_at": ends_at}
    with transaction.atomic():
        move(case, "repair jointly", actor=name_of(by), reason=said, at=now, changes=changes)
    return case


def confirm_handback(case: Case, *, by: User, reason: str, consultants: Sequence[Person] = ()) -> Case:
    """Move the service to its developers, at once, and have it judged.

    A repair needs a finding of design or code (or an SRE lead, who says why there is none), something in the
    plan, and a consultant, who advises already or is named here; what must be reached is set by the newest
    live scorecard. A release takes somebody of the side that did not propose it, and ends the case. Raises
    ``NotAllowedError``, ``InvalidError`` where something is missing, and ``MovedError`` where somebody was
    faster.
    """
    repair = case.handback_kind == Case.HandbackKind.REPAIR
    name = "confirm" if repair else "release"
    check(case, name, by)
    said = needed(reason, "reason", "Say why: it stays on the record of the service.")
    with transaction.atomic():
        service = Service.objects.select_for_update().get(pk=case.service_id)
        now, card = clock.now(), newest(service)
        changes = {"decider": name_of(by), "confirmed_at": now, **({} if repair else {"ended_at": now})}
        move(case, name, actor=name_of(by), reason=said, at=now, card=card, changes=changes)
        change_hands(
            service,
            f"hand back ({case.handback_kind})",
            way=WAYS[Case.HandbackKind(case.handback_kind)],
            actor=name_of(by),
            reason=said,
            at=now,
            cards=case.scorecards.all(),
        )
        if repair:
            _name(service, consultants, by=by, reason=said)
            _set_exits(case, card)
        evaluation.request(now, [service.pk], "handed back")
    return case


def stabilise_handback(case: Case, *, by: User, reason: str = "") -> Case:
    """End the stabilisation: its exit criteria are met on the newest live scorecard, its findings closed.

    Raises ``NotAllowedError``, ``InvalidError`` that says what is lacking, and ``MovedError``.
    """
    check(case, "stabilise", by)
    now, card = clock.now(), newest(case.service)
    said = reason.strip() or "all exit criteria are met"
    with transaction.atomic():
        move(case, "stabilise", actor=name_of(by), reason=said, at=now, card=card, changes={"ended_at": now})
    return case


def _name(service: Service, persons: Iterable[Person], *, by: User, reason: str) -> None:
    """Consultants, once the developers run it; raises ``InvalidError`` where there would be none."""
    advising = set(Consultant.objects.advising().filter(service=service).values_list("person", flat=True))
    for person in {each.pk: each for each in persons}.values():
        if person.pk not in advising:
            advising.add(name_consultant(service, person=person, by=by, reason=reason).person_id)
    if not advising:
        raise InvalidError("consultants", "Name somebody of an ops team who advises the developers.")


def _set_exits(case: Case, card: Scorecard | None) -> None:
    numbers = None if card is None else card.numbers
    rubric = None if card is None else evaluation.parsed(card.policy).rubric(card.numbers["tier"])
    ExitCriterion.objects.bulk_create(
        ExitCriterion(
            case=case,
            measure=measure,
            threshold=threshold,
            at_confirmation=0.0 if measure == CLOCK_DAYS else numbers and value(numbers, measure),
        )
        for measure, threshold in thresholds(numbers, rubric).items()
    )

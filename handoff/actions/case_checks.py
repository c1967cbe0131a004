"""Whether a person may propose or move a case now, and what is missing for it."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Final

from django.contrib.auth.models import User

from handoff.actions.recording import moved, name_of
from handoff.actions.refusals import InvalidError, MovedError, NotAllowedError, why_not
from handoff.actions.relying import newest
from handoff.machine import CASES
from handoff.models import Case, Finding
from handoff.models.case import REVIEWED
from handoff.stabilising import title, value
from readiness import clock, rights
from readiness.models import ManagementState, Scorecard, Service

Check = Callable[[Case, User], None]
ACCEPTING: Final = (Case.State.PROPOSED, Case.State.IN_REVIEW, Case.State.APPROVED)
"""States of a handoff in which its ops team may accept to carry it."""
FAULTS: Final = (Finding.Kind.DESIGN, Finding.Kind.CODE)
"""What a repair must have found, unless an SRE lead says why not."""


def case_obstacle(case: Case, move: str, by: User) -> str:
    """Why this person cannot make this move now; empty when they can."""
    return why_not(check, case, move, by)


def check(case: Case, move: str, by: User) -> str:
    """The state that the move leads to.

    Raises ``MovedError`` where there is no such move from the case's state, ``NotAllowedError`` for a person
    who may not, and ``InvalidError`` where something is missing.
    """
    state = moved(CASES[case.kind], case.state, move, what="The case")
    CHECKS[move](case, by)
    return state


def run_by(service: Service, at: dt.datetime) -> str:
    """Who runs a service, as a management state; empty where it is not live or has none."""
    newest_change = service.management_changes.by(at).order_by("-effective_at").first()
    return ManagementState(newest_change.state).value if newest_change and service.is_live_at(at) else ""


def refuse_unmoved(service: Service) -> None:
    """Raises ``InvalidError`` for a service that operations do not run now."""
    if run_by(service, clock.now()) != ManagementState.OPS_MANAGED:
        raise InvalidError(
            "service", f"{service.slug} is not run by operations: there is nothing to give back."
        )


def _refuse_kept(service: Service) -> None:
    """Raises ``InvalidError`` for a service that developers do not run now, or that is deprecated."""
    if run_by(service, clock.now()) != ManagementState.DEVELOPER_MANAGED:
        raise InvalidError("service", f"{service.slug} is not run by its developers: nothing is handed off.")
    if service.deprecated:
        raise InvalidError("service", f"{service.slug} is deprecated, which is never handed off.")


REFUSE_UNFIT: Final[Mapping[str, Callable[[Service], None]]] = {
    Case.Kind.HANDOFF: _refuse_kept,
    Case.Kind.HANDBACK: refuse_unmoved,
}
"""Which services a kind of case is about."""


def proposing_obstacle(service: Service, kind: str, by: User) -> str:
    """Why this person cannot propose this kind of case now; empty when they can."""
    if refused := why_not(refuse_proposing, service, by) or why_not(REFUSE_UNFIT[kind], service):
        return refused
    in_the_way = service.cases.open()
    if kind == Case.Kind.HANDBACK:
        in_the_way = in_the_way.exclude(state=Case.State.BACKED_UP)  # it is completed by that
    return f"{service.slug} has an open case already." if in_the_way.exists() else ""


def refuse_proposing(service: Service, by: User) -> None:
    """Raises ``NotAllowedError`` for a person who may not."""
    if not by.has_perm(rights.PROPOSE_CASE, service):
        raise NotAllowedError(
            f"{by.get_username()} may not propose to move {service.slug}: its teams and SRE leads do."
        )


def side_of(user: User, service: Service) -> str:
    """On which side somebody stands: developers are members of the owner team and of no ops team here."""
    owns = rights.is_member(user, service.owner_id) and not rights.is_member(user, service.ops_team_id)
    return Case.Side.DEVELOPERS if owns else Case.Side.OPS


def lacking(case: Case, card: Scorecard | None) -> list[str]:
    """What keeps a service from counting as stabilised, one sentence each."""
    if card is None or case.confirmed_at is None or card.at < case.confirmed_at:
        return ["It has not been judged since it was handed back."]
    wanting = [
        f"{title(each.measure)} must reach {each.threshold:g}: {_told(found)}."
        for each in case.exit_criteria.all()
        if (found := value(card.numbers, each.measure)) is None or found < each.threshold
    ]
    still = case.findings.filter(closed_at__isnull=True).count()
    return [*wanting, *([f"{still} finding{'s are' if still > 1 else ' is'} not closed."] if still else [])]


def _told(found: float | None) -> str:
    return "there is not enough evidence" if found is None else f"now {found:g}"


def refuse_proposer(case: Case, by: User) -> None:
    """Raises ``NotAllowedError`` for who proposed it."""
    if case.proposer == name_of(by):
        raise NotAllowedError("Who proposed it cannot decide about it: another person does.")


def _refuse_deciding(case: Case, by: User) -> None:
    """Raises ``NotAllowedError`` for a person who may not decide about it."""
    if not by.has_perm(rights.DECIDE_CASE, case.service):
        raise NotAllowedError(
            f"{by.get_username()} may not decide about cases of {case.service.slug}: SRE leads and ops "
            "engineers of its ops team do."
        )


def _reject(case: Case, by: User) -> None:
    refuse_proposer(case, by)
    _refuse_deciding(case, by)
    if case.state == Case.State.IN_REVIEW:
        raise InvalidError("case", "Its review rejects it, once a blocking finding stands.")


def _withdraw(case: Case, by: User) -> None:
    if case.proposer == name_of(by):
        return
    if case.state not in REVIEWED:
        raise NotAllowedError("Only who proposed it can withdraw it; others may reject it.")
    if not by.has_perm(rights.DECIDE_CASE):
        raise NotAllowedError("Who proposed it withdraws it, or an SRE lead.")


def _open_review(case: Case, by: User) -> None:
    if not by.has_perm(rights.REVIEW, case.service):
        raise NotAllowedError(
            f"{by.get_username()} may not review {case.service.slug}: its own teams and SRE leads do."
        )
    _refuse_kept(case.service)


def refuse_accepting(case: Case, by: User) -> None:
    """Raises ``NotAllowedError`` for who cannot accept for the ops team, and ``MovedError``."""
    if case.kind != Case.Kind.HANDOFF or case.state not in ACCEPTING:
        raise MovedError(f"The case is {case.get_state_display()} by now.", case.state)
    if case.accepted_at is not None:
        raise MovedError(f"{case.accepted_by} accepted it already.", case.state)
    refuse_proposer(case, by)
    if not by.has_perm(rights.DECIDE_CASE, case.service) or not rights.is_member(
        by, case.service.ops_team_id
    ):
        raise NotAllowedError("Only an engineer of its ops team accepts to carry it.")


def _begin_shadow(case: Case, by: User) -> None:
    _refuse_deciding(case, by)
    if case.accepted_at is None:
        raise InvalidError("case", "Its ops team has not accepted to carry it yet.")
    _refuse_kept(case.service)


def refuse_working(case: Case, by: User) -> None:
    """Raises ``NotAllowedError`` for a person who may not write about it."""
    if not by.has_perm(rights.WORK_CASE, case.service):
        raise NotAllowedError(
            f"{by.get_username()} may not work on cases of {case.service.slug}: its teams and SRE leads do."
        )


def _complete(case: Case, by: User) -> None:
    _refuse_deciding(case, by)


def _repair_jointly(case: Case, by: User) -> None:
    refuse_proposer(case, by)
    _refuse_deciding(case, by)
    if case.handback_kind != Case.HandbackKind.REPAIR:
        raise InvalidError("case", "A release has nothing to repair.")
    if case.repair_ends_at is not None:
        raise InvalidError("case", "Joint repair was tried in this case already: confirm or reject it.")
    card = newest(case.service)
    verdict = card and card.handback
    if verdict != "below":
        said = (verdict or "not judged").replace("_", " ")
        raise InvalidError("case", f"Joint repair answers the verdict below, and this service's is {said}.")


def _confirm(case: Case, by: User) -> None:
    refuse_proposer(case, by)
    _refuse_deciding(case, by)
    if case.handback_kind != Case.HandbackKind.REPAIR:
        raise InvalidError("case", "This is a release: both sides sign it.")
    refuse_unmoved(case.service)
    if not by.has_perm(rights.DECIDE_CASE) and not case.findings.filter(kind__in=FAULTS).exists():
        raise InvalidError(
            "findings",
            "A repair needs a finding of design or code, or an SRE lead who says why there is none.",
        )
    if not case.plan.exists():
        raise InvalidError("plan", "A repair needs something in its plan, with an owner and a day.")


def _release(case: Case, by: User) -> None:
    refuse_proposer(case, by)
    if case.handback_kind != Case.HandbackKind.RELEASE:
        raise InvalidError("case", "This is a repair: it is confirmed.")
    refuse_unmoved(case.service)
    if case.proposer_side == Case.Side.DEVELOPERS:
        _refuse_deciding(case, by)
    if side_of(by, case.service) == case.proposer_side:
        raise NotAllowedError(
            f"A release takes both sides: {case.proposer_side} proposed it, so somebody of the other signs."
        )
    if not by.has_perm(rights.WORK_CASE, case.service):
        raise NotAllowedError(f"{by.get_username()} may not sign for {case.service.slug}.")


def _stabilise(case: Case, by: User) -> None:
    _refuse_deciding(case, by)
    if wanting := lacking(case, newest(case.service)):
        raise InvalidError("exit_criteria", " ".join(wanting))


CHECKS: Final[Mapping[str, Check]] = {
    "reject": _reject,
    "withdraw": _withdraw,
    "repair jointly": _repair_jointly,
    "confirm": _confirm,
    "release": _release,
    "stabilise": _stabilise,
    "open review": _open_review,
    "begin shadow": _begin_shadow,
    "stop": refuse_working,
    "complete": _complete,
}
"""The moves that people make. Lapsing and returning are for time and verdicts alone."""

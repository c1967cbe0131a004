"""Waivers: asked for, decided by another person, ended by time or by somebody; verdicts follow at once."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from handoff.actions.recording import is_by, moved, name_of, record
from handoff.actions.refusals import InvalidError, MovedError, NotAllowedError
from handoff.actions.relying import newest
from handoff.machine import WAIVER, legal
from handoff.models import Transition
from readiness import clock, evaluation, rights
from readiness.criteria import BY_SLUG
from readiness.evidence import SignalName
from readiness.models import Lifecycle, Scorecard, Service, Waiver
from readiness.models.standing import WaiverQuerySet
from readiness.nudging import nudge
from readiness.rendering.sentences import BLOCKERS
from readiness.tasks import run_evaluation

LONGEST: Final = dt.timedelta(days=180)
"""No exception is for ever: who still needs it then asks again."""
EXPIRY: Final = "rule: waiver expiry v1"
AT_ONCE: Final = 500
"""So many waivers that have ended are put on record by one sweep."""
LONGEST_LINK: Final = 1000
SIGNAL_BLOCKER: Final = "missing_signal"
ASKED, LIVE = Waiver.State.ASKED.value, Waiver.State.LIVE.value


def ask_waiver(
    service: Service, *, target: str, reason: str, ends_at: dt.datetime, by: User, url: str = ""
) -> Waiver:
    """Ask that a criterion (its slug) or blocker (its code) of a service be set aside until ``ends_at``.

    It counts once another person approved it. The newest scorecard goes on record with it. Raises
    ``NotAllowedError``, ``InvalidError`` for a target that judgement does not know, a retired service, no
    reason, a link that is none, or an end that is past or more than 180 days away, and ``MovedError`` where
    one is asked for already.
    """
    _allow_asking(service, by)
    now = clock.now()
    _refuse_unfit(service, target)
    if not now < ends_at <= now + LONGEST:
        raise InvalidError("ends_at", f"A waiver ends after now, and within {LONGEST.days} days.")
    waiver = Waiver(
        service=service,
        target=target,
        reason=_needed(reason, "A waiver needs a reason."),
        url=_link(url),
        author=name_of(by),
        asked_at=now,
        ends_at=ends_at,
    )
    state = moved(WAIVER, "", "ask", what=target)
    try:
        with transaction.atomic():
            # One whose end has passed unseen would stand in the way.
            _expire(service.waivers.filter(target=target), now)
            waiver.save(force_insert=True)
            _record(waiver, "ask", ("", state), actor=waiver.author, reason=waiver.reason, at=now)
    except IntegrityError as error:
        # As is on record: by the clock of who was faster it may lie a moment ahead of ours.
        if not service.waivers.under_way().filter(target=target, approved_at=None).exists():
            raise
        said = f"A waiver of {target} is asked for already; it waits for a decision."
        raise MovedError(said, ASKED) from error
    return waiver


def approve_waiver(waiver: Waiver, *, by: User, reason: str = "") -> Waiver:
    """Let a waiver count from now on. Raises ``NotAllowedError``, also for its author, and ``MovedError``."""
    _allow_another(waiver, by)
    now = clock.now()
    who = name_of(by)
    return _decide(waiver, "approve", actor=who, reason=reason, now=now, approver=who, approved_at=now)


def refuse_waiver(waiver: Waiver, *, by: User, reason: str) -> Waiver:
    """Refuse what was asked for. Raises as :func:`approve_waiver`, and ``InvalidError`` without a reason."""
    _allow_another(waiver, by)
    now = clock.now()
    return _decide(waiver, "refuse", actor=name_of(by), reason=_needed(reason), now=now, refused_at=now)


def withdraw_waiver(waiver: Waiver, *, by: User, reason: str = "") -> Waiver:
    """Take back what one asked for oneself. Raises ``NotAllowedError`` and ``MovedError``."""
    _allow_author(waiver, by)
    now = clock.now()
    return _decide(waiver, "withdraw", actor=name_of(by), reason=reason, now=now, withdrawn_at=now)


def revoke_waiver(waiver: Waiver, *, by: User, reason: str) -> Waiver:
    """End a live waiver before its time. Raises as :func:`refuse_waiver`; its author may revoke it, too."""
    _allow_revoking(waiver, by)
    now = clock.now()
    return _decide(waiver, "revoke", actor=name_of(by), reason=_needed(reason), now=now, revoked_at=now)


def end_waiver(waiver: Waiver, move: str, *, actor: str, reason: str) -> None:
    """Withdraw or revoke (``move``) what a change of its service leaves nothing of; whoever makes that change
    was asked for their right to it. Raises ``MovedError``.
    """
    now = clock.now()
    ends = {"withdraw": "withdrawn_at", "revoke": "revoked_at"}
    _decide(waiver, move, actor=actor, reason=reason, now=now, **{ends[move]: now})


def expire_waivers(now: dt.datetime | None = None) -> int:
    """Put on record which waivers have ended, and have their services judged; how many there were.

    Each counted no more from its end on; done twice, by two at once or killed half-way, it records each once.
    What is beyond ``AT_ONCE`` is left to the next time.
    """
    with transaction.atomic():
        return _expire(Waiver.objects.all(), now or clock.now())


def waiver_moves(waiver: Waiver, by: User) -> dict[str, str]:
    """What people can do about a waiver as it stands, and why this person may not; empty where they may."""
    return {move: _obstacle(_MAY[move], waiver, by) for move in legal(WAIVER, waiver.state) if move in _MAY}


def _expire(waivers: WaiverQuerySet, now: dt.datetime) -> int:
    """In the transaction that is open; a row that somebody else is at is theirs."""
    ended = list(
        waivers.under_way()
        .filter(ends_at__lte=now)
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("service")
        .order_by("ends_at", "pk")[:AT_ONCE]
    )
    if not ended:
        return 0
    Waiver.objects.filter(pk__in=[waiver.pk for waiver in ended]).update(expired_at=now)
    record([_expiry(waiver) for waiver in ended])
    if counted := {waiver.service_id for waiver in ended if waiver.approved_at is not None}:
        _judge(counted, now, "waiver expired")
    return len(ended)


def _expiry(waiver: Waiver) -> Transition:
    before = LIVE if waiver.approved_at is not None else ASKED
    why = "its end has come" if before == LIVE else "nobody decided before its end"
    state = moved(WAIVER, before, "expire", what=str(waiver))
    return _transition(waiver, "expire", (before, state), actor=EXPIRY, reason=why, at=waiver.ends_at)


def _decide(
    waiver: Waiver, move: str, *, actor: str, reason: str, now: dt.datetime, **changes: object
) -> Waiver:
    """One move, guarded by the state that was looked at: of two who act at once the second is told."""
    before = waiver.state_at(now)
    state = moved(WAIVER, before, move, what="The waiver")
    said = _text("reason", reason)
    with transaction.atomic():
        if not _still(waiver, before, now).update(**changes):
            reached = Waiver.objects.get(pk=waiver.pk).state  # as of now, for theirs may be later than ours
            raise MovedError(f"Somebody else was faster: the waiver is {reached} by now.", reached)
        for name, value in changes.items():
            setattr(waiver, name, value)
        _record(waiver, move, (before, state), actor=actor, reason=said, at=now)
        if LIVE in {before, state}:
            _judge([waiver.service_id], now, f"waiver {state}")
    return waiver


def _still(waiver: Waiver, state: str, now: dt.datetime) -> WaiverQuerySet:
    """The row as long as it is in the state that was looked at."""
    rows = Waiver.objects.under_way().filter(pk=waiver.pk, ends_at__gt=now)
    return rows.filter(approved_at__isnull=state == ASKED)


def _record(
    waiver: Waiver, move: str, states: tuple[str, str], *, actor: str, reason: str, at: dt.datetime
) -> None:
    """With the scorecard that stood when somebody asked or decided."""
    card = newest(waiver.service)
    cards: list[Scorecard] = [card] if card else []
    record([_transition(waiver, move, states, actor=actor, reason=reason, at=at)], cards)


def _transition(
    waiver: Waiver, move: str, states: tuple[str, str], *, actor: str, reason: str, at: dt.datetime
) -> Transition:
    before, state = states
    return Transition(
        service=waiver.service,
        subject=Transition.Subject.WAIVER,
        subject_id=waiver.pk,
        about=waiver.target,
        move=move,
        from_state=before,
        to_state=state,
        actor=actor,
        reason=reason,
        at=at,
    )


def _judge(services: Iterable[int], now: dt.datetime, why: str) -> None:
    """Rows that the sweep would take up; a worker is told as soon as they are there."""
    run = evaluation.request(now, sorted(services), why)
    transaction.on_commit(partial(nudge, run_evaluation, run.pk))


# Who may -----------------------------------------------------------------------------------------------


def _allow_asking(service: Service, by: User) -> None:
    if not by.has_perm(rights.ASK_WAIVER, service):
        raise NotAllowedError(
            f"Asking for a waiver of {service.slug} takes an SRE lead, or a developer or ops engineer of the "
            "teams that own and operate it."
        )


def _allow_deciding(waiver: Waiver, by: User) -> None:
    if not by.has_perm(rights.DECIDE_WAIVER, waiver.service):
        raise NotAllowedError(
            f"Deciding about a waiver of {waiver.service.slug} takes an SRE lead, or an ops engineer of the "
            "team that operates it."
        )


def _allow_another(waiver: Waiver, by: User) -> None:
    if is_by(waiver.author, by):
        raise NotAllowedError("Who asked for a waiver cannot decide about it: another person does.")
    _allow_deciding(waiver, by)


def _allow_author(waiver: Waiver, by: User) -> None:
    if not is_by(waiver.author, by):
        raise NotAllowedError("Only who asked for a waiver can withdraw it; others may refuse it.")


def _allow_revoking(waiver: Waiver, by: User) -> None:
    if not is_by(waiver.author, by):
        _allow_deciding(waiver, by)


_MAY: Final[Mapping[str, Callable[[Waiver, User], None]]] = {
    "approve": _allow_another,
    "refuse": _allow_another,
    "withdraw": _allow_author,
    "revoke": _allow_revoking,
}


def _obstacle(allow: Callable[[Waiver, User], None], waiver: Waiver, by: User) -> str:
    try:
        allow(waiver, by)
    except NotAllowedError as refused:
        return str(refused)
    return ""


# What may be said --------------------------------------------------------------------------------------


def _needed(reason: str, otherwise: str = "Say why: it is kept, and those who asked read it.") -> str:
    if not reason.strip():
        raise InvalidError("reason", otherwise)
    return _text("reason", reason)


def _text(field: str, said: str) -> str:
    """Without blanks around it. A null or half a character is nothing that every database can keep."""
    if "\0" in said or any("\ud800" <= each <= "\udfff" for each in said):
        raise InvalidError(field, "This has characters in it that are none.")
    return said.strip()


def _link(url: str) -> str:
    """Pages lead to it, so it is an address of the web."""
    said = _text("url", url)
    try:
        parts = urlsplit(said)
    except ValueError as error:
        raise InvalidError("url", "This is no address.") from error
    if said and (parts.scheme not in {"http", "https"} or not parts.netloc or len(said) > LONGEST_LINK):
        raise InvalidError("url", f"A link begins with https:// and has at most {LONGEST_LINK} characters.")
    return said


def _refuse_unfit(service: Service, target: str) -> None:
    if not _is_known(target):
        raise InvalidError("target", "Judgement knows no criterion and no blocker of this name.")
    if service.lifecycle == Lifecycle.RETIRED:
        raise InvalidError("service", f"{service.slug} is retired: no verdict is asked of it.")


def _is_known(target: str) -> bool:
    """Whether judgement compares anything with it; a missing signal is named with which."""
    name, _, detail = target.partition(":")
    if name == SIGNAL_BLOCKER:
        return detail in set(SignalName)
    return target in BY_SLUG or target in BLOCKERS

"""Consultants: ops engineers who advise on developer-managed services, with notes and hours."""

import datetime as dt
from decimal import Decimal
from typing import Final

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Sum

from handoff.actions.recording import moved, name_of, record
from handoff.actions.refusals import InvalidError, MovedError, NotAllowedError
from handoff.machine import CONSULTANT
from handoff.models import AdviceNote, Consultant, Transition
from handoff.models.consultant import advisable, fit_people
from readiness import clock, rights
from readiness.models import Person, Service

DAY: Final = Decimal(24)
WHO_NAMES: Final = (
    "Naming consultants, and ending that, takes the right to add consultants, which ops engineers and SRE "
    "leads have."
)
WHO_NOTES: Final = (
    "Notes are written by ops engineers and SRE leads, and by the consultant, with the log-in that an SRE "
    "lead linked with that person."
)


def check_naming(service: Service, *, by: User) -> None:
    """Raises ``NotAllowedError``, and ``InvalidError`` for a service on which nobody consults."""
    _allow(by, service, WHO_NAMES)
    if not advisable(clock.now()).filter(pk=service.pk).exists():
        raise InvalidError(
            "service", f"{service.slug} is retired or run by operations: consultants advise developers."
        )


def name_consultant(service: Service, *, person: Person, by: User, reason: str = "") -> Consultant:
    """Have a person advise on a service that its developers run, or are to launch.

    Raises ``NotAllowedError``, ``InvalidError`` for somebody of no ops team or a service that operations run
    or that is retired, and ``MovedError`` where this person advises already.
    """
    check_naming(service, by=by)
    if not fit_people().filter(pk=person.pk).exists():
        raise InvalidError("person", f"{person} is in no team that operates services.")
    now = clock.now()
    consultant = Consultant(service=service, person=person, began_at=now)
    state = moved(CONSULTANT, "", "name", what=str(person))
    try:
        with transaction.atomic():
            consultant.save(force_insert=True)
            _record(consultant, "name", before="", state=state, actor=name_of(by), reason=reason, at=now)
    except IntegrityError as error:
        raise MovedError(f"{person} advises on {service.slug} already.", "advising") from error
    return consultant


def check_ending(consultant: Consultant, *, by: User) -> str:
    """The state that it leads to. Raises ``NotAllowedError``, and ``MovedError`` where it has ended."""
    _allow(by, consultant.service, WHO_NAMES)
    return moved(CONSULTANT, consultant.state, "end", what=f"The consulting of {consultant}")


def end_consulting(consultant: Consultant, *, by: User, reason: str = "") -> Consultant:
    """End it. Raises ``NotAllowedError``, and ``MovedError`` where it has ended."""
    check_ending(consultant, by=by)
    return end_advising(consultant, actor=name_of(by), reason=reason)


def end_advising(consultant: Consultant, *, actor: str, reason: str) -> Consultant:
    """End it, once the caller has checked that the actor may. Raises ``MovedError`` where it has ended."""
    before = consultant.state
    state = moved(CONSULTANT, before, "end", what=f"The consulting of {consultant}")
    # The clock may have been put back since it began: it lasted no time then.
    now = max(clock.now(), consultant.began_at)
    with transaction.atomic():
        if not Consultant.objects.advising().filter(pk=consultant.pk).update(ended_at=now):
            raise MovedError("Somebody else ended it meanwhile.", "ended")
        _record(consultant, "end", before=before, state=state, actor=actor, reason=reason, at=now)
    consultant.ended_at = now
    return consultant


def check_advising(consultant: Consultant, *, by: User) -> None:
    """Raises ``NotAllowedError``; days and hours are looked at when there are some."""
    if rights.person_of(by) != consultant.person_id:
        _allow(by, consultant.service, WHO_NOTES)


def advise(consultant: Consultant, *, given_on: dt.date, hours: Decimal, text: str, by: User) -> AdviceNote:
    """Write down what was advised and how long it took; fewer than 0 hours take back what was too much.

    By the consultant's own log-in, or by whoever may name consultants of the service. Raises
    ``NotAllowedError``, ``InvalidError`` for no text, hours with which the day's would not be 0 to 24, or a
    day (in UTC) ahead or before the consulting began, and ``MovedError`` where it had ended before that day.
    """
    check_advising(consultant, by=by)
    if not text.strip():
        raise InvalidError("text", "Say what was advised.")
    with transaction.atomic():
        # Locked: of two notes of one day the later sees the hours of the earlier.
        known = Consultant.objects.select_for_update().get(pk=consultant.pk)
        _refuse_day(known, given_on)
        _refuse_hours(known, given_on, hours)
        return AdviceNote.objects.create(
            consultant=known,
            given_on=given_on,
            hours=hours,
            text=text.strip(),
            author=name_of(by),
            written_at=clock.now(),
        )


def _refuse_day(consultant: Consultant, day: dt.date) -> None:
    first, last = _day(consultant.began_at), _day(clock.now())
    if not first <= day <= last:
        raise InvalidError(
            "given_on", f"A day from {first}, when the consulting began, to today, {last} in UTC."
        )
    if consultant.ended_at is not None and day > _day(consultant.ended_at):
        raise MovedError(f"The consulting ended on {_day(consultant.ended_at)}.", "ended")


def _refuse_hours(consultant: Consultant, day: dt.date, hours: Decimal) -> None:
    """Notes are written once, so hours written by mistake are taken back by a note of fewer than 0."""
    written = consultant.notes.filter(given_on=day).aggregate(all=Sum("hours"))["all"] or Decimal(0)
    if not 0 <= written + hours <= DAY:
        besides = f", and {written.normalize():f} are written of this day already" if written else ""
        raise InvalidError("hours", f"Hours of a day are 0 to {DAY}{besides}.")


def _day(moment: dt.datetime) -> dt.date:
    return moment.astimezone(dt.UTC).date()


def _record(
    consultant: Consultant, move: str, *, before: str, state: str, actor: str, reason: str, at: dt.datetime
) -> None:
    transition = Transition(
        service=consultant.service,
        subject=Transition.Subject.CONSULTANT,
        subject_id=consultant.pk,
        about=str(consultant.person)[:200],
        move=move,
        from_state=before,
        to_state=state,
        actor=actor,
        reason=reason.strip(),
        at=at,
    )
    record([transition])


def _allow(by: User, service: Service, otherwise: str) -> None:
    if not by.has_perm(rights.NAME_CONSULTANT, service):
        raise NotAllowedError(otherwise)

"""Launch: from before launch to live, run by its developers from that moment, on a signed review."""

import datetime as dt

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from handoff.actions.recording import moved, name_of, record
from handoff.actions.refusals import InvalidError, MovedError, NotAllowedError
from handoff.actions.review_facts import Seen, look
from handoff.actions.review_filling import end, locked, refuse_worse
from handoff.machine import MANAGEMENT, REVIEW
from handoff.models import Review, Transition
from readiness import clock, evaluation, rights
from readiness.ingest import store_services
from readiness.models import Lifecycle, ManagementChange, ManagementState, Service
from readiness.turns import take_turn


def launch(review: Review, *, by: User, reason: str = "") -> ManagementChange:
    """Launch the service of a signed launch review: live from today (UTC), run by its developers from now.

    Its measured items must hold on the newest scorecard, too, which goes on record beside the one that was
    signed. Raises ``NotAllowedError``; ``InvalidError`` where an item no longer holds or a state is recorded
    for later; and ``MovedError`` where the review is not signed or the service not before its launch.
    """
    service = review.service
    if not by.has_perm(rights.REVIEW, service):
        raise NotAllowedError(
            f"{by.get_username()} may not launch {service.slug}: its own teams and leads do."
        )
    now = clock.now()
    try:
        with transaction.atomic():
            take_turn()
            mine = locked(review)
            _refuse_elsewhere(mine, now)
            seen = look(mine, now)
            refuse_worse(mine, seen)
            _store(mine.service, now)
            change = _change(mine.service, by=by, reason=reason, at=now)
            _record(change, mine, seen)
            end(mine, "launch", actor=name_of(by), reason=reason, at=now)
            evaluation.request(now, [service.pk], "launched")
    except IntegrityError as error:
        raise MovedError(f"Somebody else changed who runs {service.slug} meanwhile.", review.state) from error
    return change


def why_not_launch(review: Review, by: User) -> str:
    """Why this person cannot launch now by what the review shows, in a sentence; empty when they can try."""
    if review.state != Review.State.SIGNED:
        return "Everybody who must signs first."
    if review.service.lifecycle != Lifecycle.PRE_LAUNCH:
        return "It is live already: that both sides signed is on record, and nothing else is to do."
    return "" if by.has_perm(rights.REVIEW, review.service) else "Its own teams and SRE leads launch it."


def _refuse_elsewhere(review: Review, now: dt.datetime) -> None:
    """Another state of the review or the service than a launch needs."""
    moved(REVIEW, review.state, "launch", what="The review")
    service = Service.objects.select_for_update().get(pk=review.service_id)
    moved(MANAGEMENT, service.lifecycle, "launch", what=service.slug)
    if review.kind != Review.Kind.LAUNCH:
        raise InvalidError("review", "A launch rests on a launch review.")
    later = service.management_changes.filter(effective_at__gt=now).first()
    if later is not None:
        raise InvalidError("service", f"It is on record as {later.state} from {later.effective_at} on.")


def _store(service: Service, now: dt.datetime) -> None:
    """Through the catalogue's one writer, as an import does."""
    live = {"lifecycle": Lifecycle.LIVE.value, "launched_on": now.date()}
    store_services({service.slug: live}, aliases={}, note=lambda _: None)


def _change(service: Service, *, by: User, reason: str, at: dt.datetime) -> ManagementChange:
    return ManagementChange.objects.create(
        service=service,
        state=ManagementState.DEVELOPER_MANAGED,
        effective_at=at,
        way="launch",
        actor=name_of(by),
        reason=reason.strip(),
        recorded_at=clock.real_now(),
    )


def _record(change: ManagementChange, review: Review, seen: Seen) -> None:
    transition = Transition(
        service_id=change.service_id,
        subject=Transition.Subject.MANAGEMENT,
        move="launch",
        from_state=Lifecycle.PRE_LAUNCH.value,
        to_state=change.state,
        actor=change.actor,
        reason=change.reason or f"launch review #{review.pk}, signed",
        at=change.effective_at,
    )
    cards = {card.pk: card for card in (review.scorecard, seen.card) if card}
    record([transition], cards.values())

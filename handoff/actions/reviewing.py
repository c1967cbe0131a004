"""Reviews: opened, worked on by both sides, rejected on a blocking finding, or withdrawn."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import IntegrityError, transaction

from handoff.actions.recording import moved, name_of
from handoff.actions.refusals import InvalidError, MovedError, NotAllowedError
from handoff.actions.review_facts import look
from handoff.actions.review_filling import (
    CHECKLIST,
    asked_of,
    end,
    fill,
    items_of,
    locked,
    made,
    proposer_of,
    settle,
    tell,
    write_outcome,
)
from handoff.actions.unreviewed import takes_launch_review
from handoff.checklists import Outcome, Side
from handoff.checklists.rules import BOTH, blocking, is_settled, lapses_on, same_person
from handoff.machine import REVIEW
from handoff.models import ChecklistItem, Condition, ItemOutcome, Review, ReviewComment
from readiness import clock, rights
from readiness.models import Person, Service

CARRIED: Final = "rule: attestation carried over v1"
_is_url = URLValidator(schemes=["http", "https"])


def open_launch_review(service: Service, *, by: User, reason: str = "") -> Review:
    """Open the review before a launch, or after one that had none, filled from what is known now.

    Attestations of earlier reviews that still live are carried over. Raises ``NotAllowedError``,
    ``InvalidError`` for a service that is not before its launch and did not go live without a review, and
    ``MovedError`` where one is under way.
    """
    _allow(by, service)
    if not takes_launch_review(service):
        raise InvalidError("service", f"{service.slug} is not before its launch.")
    return open_review(service, kind=Review.Kind.LAUNCH, actor=name_of(by), reason=reason)


def open_review(service: Service, *, kind: str, actor: str, reason: str) -> Review:
    """Open a review of either kind, once the caller has checked that this one may be."""
    now = clock.now()
    review = Review(
        service=service,
        kind=kind,
        state=moved(REVIEW, "", "open", what="The review"),
        checklist=CHECKLIST.name,
        checklist_version=CHECKLIST.version,
        lapse_days=CHECKLIST.lapse_days,
        opened_by=actor,
        opened_at=now,
        reason=reason.strip(),
    )
    try:
        with transaction.atomic():
            review.save(force_insert=True)
            seen = look(review, now)
            made(review, asked_of(review, seen.dependencies))
            _carry_over(review, now)
            fill(review, now, seen)
            tell(review, "open", "", actor=actor, reason=reason, at=now)
    except IntegrityError as error:
        raise MovedError(f"A {review.get_kind_display()} of {service.slug} is under way.", "open") from error
    return review


def attest_item(
    item: ChecklistItem, *, name: str, said_on: dt.date, by: User, url: str = "", remark: str = ""
) -> ItemOutcome:
    """Say that an item is met: who attests it, since when, with a link or a remark.

    Raises ``NotAllowedError``, ``InvalidError`` for what is measured, a day that is ahead or so long ago that
    it has lapsed, or neither link nor remark, and ``MovedError`` where the review ended or was signed.
    """
    now = clock.now()
    if item.days is None:
        raise InvalidError("item", "This is measured: it cannot be ticked, only waived.")
    if not name.strip():
        raise InvalidError("name", "Say who attests it.")
    if said_on > now.date():
        raise InvalidError("said_on", "That day is still to come.")
    until = lapses_on(said_on, item.days)
    if until <= now.date():
        raise InvalidError("said_on", f"It lives for {item.days} days: that one has lapsed on {until}.")
    _needs_proof(url, remark)
    with _working_on(item, by) as mine:
        _fulfil_open(mine, by, now)
        settle(mine, Outcome.MET, remark.strip() or url, lapses_on=until)
        return write_outcome(
            mine,
            name_of(by),
            now,
            name=name.strip()[:300],
            said_on=said_on,
            url=url,
            remark=remark.strip(),
        )


def report_finding(
    item: ChecklistItem, *, remark: str, blocking: bool, by: User, url: str = ""
) -> ItemOutcome:
    """Say that an attested item is not met: a finding. One that blocks may be made until the last signature.

    Raises as :func:`attest_item`.
    """
    _refuse_measured(item)
    if not remark.strip():
        raise InvalidError("remark", "Say what was found.")
    _needs_proof(url, remark)
    now = clock.now()
    with _working_on(item, by, signed_too=blocking) as mine:
        _fulfil_open(mine, by, now)
        settle(mine, Outcome.NOT_MET, remark.strip(), blocking=blocking)
        return write_outcome(mine, name_of(by), now, remark=remark.strip(), url=url)


def accept_item(
    item: ChecklistItem, *, condition: str, severity: int, owner: Person, due_on: dt.date, by: User
) -> Condition:
    """Accept an item that is not met, under a condition with an owner and a due date; overdue, it reopens.

    Raises as :func:`attest_item`, also for a due date that is past.
    """
    _refuse_measured(item)
    now = clock.now()
    if not condition.strip():
        raise InvalidError("condition", "Say what is to be done.")
    if severity not in range(1, 5):
        raise InvalidError("severity", "Severities are 1 (the highest) to 4.")
    if due_on <= now.date():
        raise InvalidError("due_on", "A condition is due after today.")
    with _working_on(item, by) as mine:
        _fulfil_open(mine, by, now)
        settle(mine, Outcome.ACCEPTED, condition.strip())
        write_outcome(mine, name_of(by), now, remark=condition.strip())
        return Condition.objects.create(
            item=mine,
            text=condition.strip(),
            severity=severity,
            owner=owner,
            due_on=due_on,
            set_by=name_of(by),
            set_at=now,
        )


def fulfil_condition(condition: Condition, *, by: User) -> Condition:
    """Say that a condition is fulfilled, also after sign-off. Raises ``NotAllowedError``, ``MovedError``."""
    review = condition.item.review
    _allow(by, review.service)
    now = clock.now()
    with transaction.atomic():
        left = Condition.objects.filter(pk=condition.pk, fulfilled_at=None)
        if not left.update(fulfilled_at=now, fulfilled_by=name_of(by)):
            raise MovedError("It is fulfilled already.", "fulfilled")
        condition.fulfilled_at, condition.fulfilled_by = now, name_of(by)
    return condition


def set_item_aside(item: ChecklistItem, *, remark: str, side: Side, by: User) -> ItemOutcome:
    """Say for one side that an attested item is not applicable; it is once both sides do.

    Raises as :func:`attest_item`, and ``NotAllowedError`` for a side whose team one is not in, or where
    the same person spoke for the other.
    """
    _refuse_measured(item)
    if not remark.strip():
        raise InvalidError("remark", "Say why it does not apply.")
    now, actor = clock.now(), name_of(by)
    with _working_on(item, by) as mine:
        service = mine.review.service
        team = service.owner_id if side is Side.DEVELOPERS else service.ops_team_id
        if side not in BOTH or not rights.is_member(by, team):
            raise NotAllowedError(f"Only somebody of that team speaks for {side}.")
        agreed = set(mine.agreed) if mine.outcome == Outcome.NOT_APPLICABLE else set()
        last = mine.history.first()
        if agreed - {side} and last and same_person(last.actor, actor):
            raise NotAllowedError("Both sides agree: another person speaks for the other one.")
        _fulfil_open(mine, by, now)
        settle(mine, Outcome.NOT_APPLICABLE, remark.strip(), agreed=sorted(agreed | {side.value}))
        return write_outcome(mine, actor, now, remark=remark.strip(), side=side.value)


def comment_review(
    review: Review, *, text: str, by: User, item: ChecklistItem | None = None
) -> ReviewComment:
    """Say something of a review that has not ended, or of an item. Raises as :func:`attest_item`."""
    _allow(by, review.service)
    if not text.strip():
        raise InvalidError("text", "Say something.")
    with transaction.atomic():
        mine = locked(review)
        if mine.ended_at is not None:
            raise MovedError(f"The review is {mine.state} by now.", mine.state)
        return ReviewComment.objects.create(
            review=mine, item=item, author=name_of(by), text=text.strip(), at=clock.now()
        )


def assign_item(item: ChecklistItem, *, to: Person | None, due_on: dt.date | None, by: User) -> ChecklistItem:
    """Have a person see to an item by a day, or nobody. Raises as :func:`attest_item`."""
    if due_on is not None and due_on < clock.now().date():
        raise InvalidError("due_on", "That day is past.")
    with _working_on(item, by, signed_too=True) as mine:
        mine.assignee, mine.due_on = to, due_on
        mine.save(update_fields=["assignee", "due_on"])
    return mine


def reject_review(review: Review, *, reason: str, by: User) -> Review:
    """Close a review in which a blocking finding stands.

    Raises ``NotAllowedError``, ``InvalidError`` without reason or blocking finding, and ``MovedError``.
    """
    _allow(by, review.service)
    if not reason.strip():
        raise InvalidError("reason", "Say why: those who worked on it read it.")
    with transaction.atomic():
        mine = locked(review)
        moved(REVIEW, mine.state, "reject", what="The review")
        if same_person(proposer_of(mine), name_of(by)):
            raise NotAllowedError("Who proposed the handoff does not reject it: withdraw it instead.")
        if not blocking(item.state for item in items_of(mine)):
            raise InvalidError("review", "Only a blocking finding rejects a review: there is none.")
        _end(mine, "reject", by=by, reason=reason)
    return mine


def withdraw_review(review: Review, *, by: User, reason: str = "") -> Review:
    """Take back a review that one opened; an SRE lead any. Raises ``NotAllowedError``, ``MovedError``."""
    if not same_person(review.opened_by, name_of(by)) and not by.has_perm(rights.REVIEW):
        raise NotAllowedError("Who opened a review withdraws it, or an SRE lead.")
    with transaction.atomic():
        mine = locked(review)
        moved(REVIEW, mine.state, "withdraw", what="The review")
        _end(mine, "withdraw", by=by, reason=reason)
    return mine


def _end(review: Review, move: str, *, by: User, reason: str) -> None:
    if not end(review, move, actor=name_of(by), reason=reason, at=clock.now()):
        raise MovedError("Somebody else was faster; look at the review again.", review.state)


@contextmanager
def _working_on(item: ChecklistItem, by: User, *, signed_too: bool = False) -> Iterator[ChecklistItem]:
    """The item as it is now, in a transaction that holds its review.

    What somebody signed for stays as it is: once there is a sign-off, only items that opened again change,
    and what may change nevertheless (``signed_too``).
    """
    _allow(by, item.review.service)
    with transaction.atomic():
        review = locked(item.review)
        if review.state != Review.State.OPEN:
            raise MovedError(f"The review is {review.state} by now.", review.state)
        mine = ChecklistItem.objects.prefetch_related("conditions").get(pk=item.pk)
        mine.review = review
        signed = not signed_too and review.sign_offs.exists()
        if signed and is_settled(mine.state, clock.now().date()):
            raise MovedError("Somebody signed for this item as it is: withdraw, and open anew.", review.state)
        yield mine


def _fulfil_open(item: ChecklistItem, by: User, now: dt.datetime) -> None:
    """Another outcome takes the place of a condition that still stood."""
    item.conditions.filter(fulfilled_at=None).update(fulfilled_at=now, fulfilled_by=name_of(by))


def _carry_over(review: Review, now: dt.datetime) -> None:
    """What was attested in earlier reviews of the service and has not lapsed is met here, too."""
    items = {(item.slug, item.dependency): item for item in review.items.exclude(days=None)}
    earlier = ItemOutcome.objects.filter(
        item__review__service=review.service, item__outcome="met", item__lapses_on__gt=now.date()
    ).exclude(said_on=None)
    # the newest last, so that it stays
    told = {
        (row.item.slug, row.item.dependency): row for row in earlier.select_related("item").order_by("pk")
    }
    for key, row in told.items():
        item = items.get(key)
        until = lapses_on(row.said_on, item.days or 0) if item and row.said_on else None
        if item is not None and until is not None and until > now.date():
            settle(item, Outcome.MET, row.remark or row.url, lapses_on=until)
            write_outcome(
                item, CARRIED, now, name=row.name, said_on=row.said_on, url=row.url, remark=row.remark
            )


def _needs_proof(url: str, remark: str) -> None:
    if not url.strip() and not remark.strip():
        raise InvalidError("remark", "It needs a link or a remark.")
    if url:
        try:
            _is_url(url)
        except ValidationError as error:
            raise InvalidError("url", "This is no http or https address.") from error


def _refuse_measured(item: ChecklistItem) -> None:
    if item.days is None:
        raise InvalidError("item", "This is measured: only a waiver sets it aside.")


def _allow(by: User, service: Service) -> None:
    if not by.has_perm(rights.REVIEW, service):
        raise NotAllowedError(
            f"{by.get_username()} may not review {service.slug}: its own teams and SRE leads do."
        )

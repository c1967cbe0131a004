"""Fills reviews from scorecards, drills and dependencies, and lets those lapse that nobody ends."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final

from django.db import transaction
from django.db.models.functions import Coalesce

from handoff.actions.case_moving import move
from handoff.actions.recording import moved, record
from handoff.actions.refusals import InvalidError
from handoff.actions.review_facts import Seen, look, stale
from handoff.checklists import DELIVERED, SETTLED, Checklist, Item, Measure, Outcome, load_checklist, shown
from handoff.checklists.rules import BOTH, lapses_at, lapses_on
from handoff.machine import REVIEW
from handoff.models import Case, ChecklistItem, ItemOutcome, Review, Transition
from readiness import clock
from readiness.models import Scorecard

MEASURED: Final = "rule: measured items v1"
DRILLED: Final = "rule: filled by a drill v1"
DEPENDENCIES: Final = "rule: hard dependencies v1"
LAPSE: Final = "rule: review lapse v1"

FOLLOWS: Final = {"complete": "approve", "reject": "reject", "withdraw": "withdraw", "lapse": "lapse"}
"""Moves of a handoff review, and what becomes of the handoff by each."""

CHECKLIST: Final[Checklist] = load_checklist(DELIVERED.read_text())
"""What new reviews ask."""


def locked(review: Review) -> Review:
    """The row as it is now, which nobody else changes until the open transaction ends."""
    rows = Review.objects.select_for_update(of=("self",))
    return rows.select_related("service__owner", "service__ops_team", "scorecard").get(pk=review.pk)


def items_of(review: Review) -> list[ChecklistItem]:
    """Its items in order, with their conditions."""
    return list(review.items.prefetch_related("conditions__owner"))


def fill(review: Review, now: dt.datetime, seen: Seen | None = None) -> list[ChecklistItem]:
    """Bring an open review that is :func:`locked` up to what is known now; its items. Twice is as once."""
    found = seen or look(review, now)
    if found.card and review.scorecard_id != found.card.pk:
        review.scorecard = found.card
        review.save(update_fields=["scorecard"])
    _follow_dependencies(review, found, now)
    items = items_of(review)
    for item in items:
        if item.way == ChecklistItem.Way.SHOWN:
            _show(item, shown(item.source, found.facts))
        elif item.way == ChecklistItem.Way.MEASURED:
            _take(item, found.measured(item), card=found.card, now=now)
        elif item.drill and item.drill in found.drills:
            _take_drill(item, found.drills[item.drill], now)
    return items


def fill_reviews() -> int:
    """Fill every open review; how many there were."""
    rows = list(Review.objects.open().order_by("pk"))
    for row in rows:
        with transaction.atomic():
            review = locked(row)
            if review.state == Review.State.OPEN:
                fill(review, clock.now())
    return len(rows)


def lapse_reviews(now: dt.datetime | None = None) -> int:
    """End reviews that stayed without an end, or led nowhere once signed; how many. Each is recorded once."""
    moment = now or clock.now()
    rows = Review.objects.may_lapse().select_related("service", "scorecard")
    done = 0
    for row in rows.order_by(Coalesce("signed_at", "opened_at"), "pk"):
        if lapses_at(row.signed_at or row.opened_at, row.lapse_days) > moment:
            continue
        with transaction.atomic():
            done += end(row, "lapse", actor=LAPSE, reason=f"no end within {row.lapse_days} days", at=moment)
    return done


def end(review: Review, name: str, *, actor: str, reason: str, at: dt.datetime, **changes: Any) -> bool:
    """One guarded move of a review, with its transition, and that of the handoff that it decides about.

    Whether it was still in the state looked at.
    """
    before = review.state
    state = moved(REVIEW, before, name, what="The review")
    ends = {} if state == Review.State.SIGNED else {"ended_at": at}
    fields = {"state": state, **ends, **changes}
    if not Review.objects.filter(pk=review.pk, state=before).update(**fields):
        return False
    for field, value in fields.items():
        setattr(review, field, value)
    tell(review, name, before, actor=actor, reason=reason, at=at)
    _lead_on(review, name, actor=actor, reason=reason, at=at)
    return True


def proposer_of(review: Review) -> str:
    """Who proposed the handoff that a review decides about; empty for one that is about none."""
    proposers = Case.objects.filter(review=review).values_list("proposer", flat=True)
    return proposers.first() or ""


def refuse_worse(review: Review, seen: Seen) -> None:
    """Raises ``InvalidError`` where what was measured is too old, or no longer what was signed."""
    if old := stale(seen.card):
        raise InvalidError("review", old)
    for item in items_of(review):
        if item.way == ChecklistItem.Way.MEASURED:
            found = seen.measured(item)
            if found.outcome not in SETTLED:
                raise InvalidError("review", f"Since it was signed: {item.text}: {found.reason}")


def _lead_on(review: Review, name: str, *, actor: str, reason: str, at: dt.datetime) -> None:
    """The handoff that a review decides about goes where the review went; one that has ended stays so."""
    if review.kind != Review.Kind.HANDOFF or name not in FOLLOWS:
        return
    case = Case.objects.open().filter(review=review).select_related("service").first()
    if case is None:
        return
    changes: dict[str, object] = {} if name == "complete" else {"ended_at": at}
    if name == "reject":
        changes["decider"] = actor
    said = reason.strip() or f"{review.get_kind_display()} #{review.pk} is {review.get_state_display()}"
    move(case, FOLLOWS[name], actor=actor, reason=said, at=at, card=review.scorecard, changes=changes)


def tell(review: Review, name: str, before: str, *, actor: str, reason: str, at: dt.datetime) -> None:
    """Record a transition of a review, with the scorecard that it saw."""
    transition = Transition(
        service=review.service,
        subject=Transition.Subject.REVIEW,
        subject_id=review.pk,
        about=review.get_kind_display(),
        move=name,
        from_state=before,
        to_state=review.state,
        actor=actor,
        reason=reason.strip(),
        at=at,
    )
    record([transition], [review.scorecard] if review.scorecard else [])


def made(review: Review, asked: Iterable[tuple[int, str, Item, str]]) -> list[ChecklistItem]:
    """Items of a review: place, topic's title, what the checklist says, and the dependency asked about."""
    return ChecklistItem.objects.bulk_create(
        ChecklistItem(
            review=review,
            position=place,
            topic=topic,
            slug=item.slug,
            dependency=dependency,
            text=item.text,
            way=_way(item),
            source=item.source,
            days=item.attested,
            drill=item.drill or "",
        )
        for place, topic, item, dependency in asked
    )


def asked_of(review: Review, dependencies: Iterable[str]) -> list[tuple[int, str, Item, str]]:
    """What a review asks, in order; what is asked per dependency, for each of these."""
    each_dependency = list(dependencies)
    numbered = enumerate(CHECKLIST.items(_kind(review), review.service.tier))
    return [
        (place, topic.title, item, dependency)
        for place, (topic, item) in numbered
        for dependency in (each_dependency if item.per_dependency else [""])
    ]


def _kind(review: Review) -> Any:
    return review.kind


def _way(item: Item) -> str:
    if item.measured:
        return ChecklistItem.Way.MEASURED
    return ChecklistItem.Way.SHOWN if item.shown else ChecklistItem.Way.ATTESTED


def _follow_dependencies(review: Review, seen: Seen, now: dt.datetime) -> None:
    """An item for each that appeared, which makes the others lapse; none is asked for what went away."""
    there = {item.dependency: item for item in review.items.exclude(dependency="")}
    new = [each for each in seen.dependencies if each not in there]
    if new:
        made(review, [each for each in asked_of(review, new) if each[3]])
    for slug, item in there.items():
        if slug not in seen.dependencies:
            if not (item.outcome == Outcome.NOT_APPLICABLE and set(item.agreed) >= BOTH):
                gone = "It is no live hard dependency any more."
                settle(item, Outcome.NOT_APPLICABLE, gone, agreed=sorted(BOTH))
                write_outcome(item, DEPENDENCIES, now, remark=gone)
        elif new and item.outcome == Outcome.MET:
            why = f"A hard dependency appeared: {', '.join(new)}."
            settle(item, Outcome.LAPSED, why)
            write_outcome(item, DEPENDENCIES, now, remark=why)
        elif item.outcome == Outcome.NOT_APPLICABLE and _by_rule(item):
            back = "It is a live hard dependency again."
            settle(item, Outcome.OPEN, back)
            write_outcome(item, DEPENDENCIES, now, remark=back)


def _by_rule(item: ChecklistItem) -> bool:
    last = item.history.first()
    return last is not None and last.actor == DEPENDENCIES


def _show(item: ChecklistItem, said: str) -> None:
    if item.says != said:
        item.says = said
        item.save(update_fields=["says"])


def _take(item: ChecklistItem, found: Measure, *, card: Scorecard | None, now: dt.datetime) -> None:
    """What was measured. On record when the outcome or what it relies on is another; a new number is not."""
    before = (item.outcome, tuple(item.waivers))
    if (*before, item.says) == (found.outcome, found.waivers, found.reason):
        return
    agreed = sorted(BOTH) if found.outcome is Outcome.NOT_APPLICABLE else []
    settle(item, found.outcome, found.reason, agreed=agreed, waivers=list(found.waivers))
    if before != (found.outcome, found.waivers):
        write_outcome(item, MEASURED, now, remark=found.reason, scorecard=card)


def _take_drill(item: ChecklistItem, row: Any, now: dt.datetime) -> None:
    """A drill attests: newer than what was said, and not lapsed."""
    on = row.started_at.astimezone(dt.UTC).date()
    until = lapses_on(on, item.days or 0)
    if until <= now.date() or (item.lapses_on is not None and item.lapses_on >= until):
        return
    if item.outcome in {Outcome.NOT_MET, Outcome.ACCEPTED}:
        return  # what people found stays until people say otherwise
    said = f"The drill {row.source}:{row.external_id} of {on}."
    settle(item, Outcome.MET, said, lapses_on=until)
    write_outcome(item, DRILLED, now, remark=said, url=row.url or "", said_on=on, name=row.source)


def settle(item: ChecklistItem, outcome: Outcome, says: str, **fields: Any) -> None:
    """What it is now; what another outcome left behind goes."""
    plain: dict[str, Any] = {"blocking": False, "lapses_on": None, "agreed": [], "waivers": []}
    for name, value in {**plain, **fields, "outcome": outcome.value, "says": says}.items():
        setattr(item, name, value)
    item.save(update_fields=["outcome", "says", *plain])


def write_outcome(item: ChecklistItem, actor: str, now: dt.datetime, **fields: Any) -> ItemOutcome:
    return ItemOutcome.objects.create(
        item=item, outcome=item.outcome, blocking=item.blocking, actor=actor, at=now, **fields
    )

"""Sweeps over what the rules have not looked at yet: each service once for each of its current scorecards."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

from django.db import Error as DatabaseError
from django.db import transaction

from handoff import actions
from handoff.models import Case, Watermark
from handoff.proposals import wording
from handoff.proposals.reading import Subject, subjects, unlooked
from handoff.rules import Change, Kind, Lapse, Proposal, catch_up
from readiness.models import Scorecard

logger = logging.getLogger(__name__)

AT_ONCE: Final = 100
"""So many services are looked at in one transaction."""
_KEPT: Final = ("scorecard", "at", "other_at", "other_policy")


class Made(NamedTuple):
    """What a sweep did to a case."""

    case: Case
    move: str
    """``propose`` or ``lapse``."""
    actor: str
    """The rule with its version."""
    reason: str


@dataclass(slots=True)
class Outcome:
    """What a sweep came to."""

    looked: int = 0
    """Services that were looked at."""
    made: list[Made] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Services that could not be looked at, a fault of ours: the next sweep tries them again."""


def propose_moves() -> Outcome:
    """Look at every service whose current scorecard was not looked at, propose and lapse.

    Each batch is one transaction with its marks: killed half-way it is as if it had not begun, done twice it
    finds nothing left. Of two sweeps at once the second passes by what the first is at. Raises database
    errors as they come.
    """
    outcome = Outcome()
    for ids in _batches():
        with transaction.atomic():
            found = subjects(_locked(ids))
            _look(found, outcome)
    return outcome


def _batches() -> Iterator[Sequence[int]]:
    """By key, so that a service that breaks is met once."""
    last = 0
    while ids := list(unlooked().filter(pk__gt=last).values_list("pk", flat=True)[:AT_ONCE]):
        yield ids
        last = ids[-1]


def _locked(ids: Sequence[int]) -> dict[int, Watermark]:
    """The marks of these services, made where there is none, without those that another sweep is at."""
    marks = Watermark.objects.filter(pk__in=ids)
    there = set(marks.values_list("pk", flat=True))
    absent = [Watermark(service_id=pk) for pk in ids if pk not in there]
    Watermark.objects.bulk_create(absent, ignore_conflicts=True)
    free = marks.select_for_update(skip_locked=True, no_key=True).order_by("pk")
    return {mark.pk: mark for mark in free}


def _look(found: Sequence[Subject], outcome: Outcome) -> None:
    decided: list[tuple[Subject, Change]] = []
    for subject in found:
        with _apart(subject, outcome):
            decided.append((subject, _decide(subject)))
    cards, marks = _justifying([change for _, change in decided]), list[Watermark]()
    for subject, change in decided:
        with _apart(subject, outcome):
            outcome.made += _act(subject, change, cards)
            marks.append(subject.marked)
    Watermark.objects.bulk_create(
        marks, update_conflicts=True, unique_fields=["service"], update_fields=_KEPT
    )
    outcome.looked += len(marks)


@contextmanager
def _apart(subject: Subject, outcome: Outcome) -> Iterator[None]:
    """A service that breaks does not stop the others; what the database says concerns the batch."""
    try:
        yield
    except DatabaseError:
        raise
    except Exception:
        logger.exception("the rules could not look at %s", subject.service.slug)
        outcome.broken.append(subject.service.slug)


def _decide(subject: Subject) -> Change:
    """Nothing while a case is open that is not a rule's, or that people have answered."""
    if subject.case is None:
        open_ = None
    elif subject.rule is None:
        return Change()
    else:
        open_ = Proposal(rule=subject.rule, at=subject.case.opened_at, scorecards=())
    return catch_up(subject.known, subject.new, proposal=open_, rejections=subject.rejections)


def _justifying(changes: Iterable[Change]) -> dict[str, Scorecard]:
    """The scorecards that proposals and lapses rest on, by name."""
    names: set[str] = set()
    for change in changes:
        names.update(change.proposal.scorecards if change.proposal else ())
        names.update([change.lapse.seen.scorecard] if change.lapse else ())
    cards = Scorecard.objects.filter(pk__in=map(int, names)).defer("numbers").select_related("policy")
    return {str(card.pk): card for card in cards}


def _act(subject: Subject, change: Change, cards: Mapping[str, Scorecard]) -> list[Made]:
    """Lapse, then propose; where somebody was faster, or the service has moved meanwhile, it is left."""
    steps: list[Callable[[], Made]] = []
    if change.lapse and subject.case:
        steps.append(
            partial(_lapse, subject, change.lapse, case=subject.case, card=cards[change.lapse.seen.scorecard])
        )
    if change.proposal:
        steps.append(partial(_propose, subject, change.proposal, cards))
    made = []
    for step in steps:
        try:
            with transaction.atomic():
                made.append(step())
        except actions.RefusedError as refused:
            logger.info("%s: a rule was refused: %s", subject.service.slug, refused)
    return made


def _lapse(subject: Subject, lapse: Lapse, *, case: Case, card: Scorecard) -> Made:
    actor, reason = lapse.proposal.rule.actor, wording.lapsed(lapse, subject.numbers(lapse.seen.scorecard))
    actions.lapse_proposal(case, by=actor, reason=reason, card=card)
    return Made(case, "lapse", actor, reason)


def _propose(subject: Subject, proposal: Proposal, cards: Mapping[str, Scorecard]) -> Made:
    seen = {each.scorecard: each for each in (*subject.known, *subject.new)}
    first, last = proposal.scorecards[0], proposal.scorecards[-1]
    reason = wording.proposed(proposal, subject.numbers(last), now=seen[last], since=seen[first])
    actor, because = proposal.rule.actor, [cards[name] for name in proposal.scorecards]
    propose = actions.propose_handoff if proposal.kind is Kind.HANDOFF else actions.propose_handback
    case = propose(subject.service, reason=reason, by=actor, cards=because)
    return Made(case, "propose", actor, reason)

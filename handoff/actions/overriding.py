"""Overrides verdicts for a review: an SRE lead's word, with a reason that stays visible."""

from dataclasses import replace
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction

from handoff.actions.case_moving import needed
from handoff.actions.recording import name_of
from handoff.actions.refusals import InvalidError, MovedError, NotAllowedError
from handoff.actions.review_facts import Seen, look, override_of, stale
from handoff.actions.review_filling import fill, items_of, locked
from handoff.checklists import may_cover, measure
from handoff.checklists.rules import same_person
from handoff.models import Case, ChecklistItem, OverrideEnd, Review, VerdictOverride
from readiness import clock, rights
from readiness.models import Scorecard
from readiness.rendering.sentences import reason_text

WHY: Final = "Say why: it stays on record, and in the fleet list."


def override_verdict(review: Review, *, by: User, reason: str) -> VerdictOverride:
    """Let an open review be signed in spite of its verdict on the newest live scorecard.

    Measured items that this scorecard keeps open now are settled by it, whatever later scorecards say of
    them; what opens later, attested items, the catalogue's and the receiving team's room are not. A manager
    signs third. Raises ``NotAllowedError``; ``InvalidError`` without a reason, for a verdict that is ready or
    a scorecard that is too old; and ``MovedError`` where the review ended, was signed or is overridden.
    """
    now = clock.now()
    with transaction.atomic():
        mine = locked(review)
        if refused := _person_obstacle(mine, by):
            raise NotAllowedError(refused)
        said = needed(reason, "reason", WHY)
        _refuse_ended(mine)
        if override_of(mine) is not None:
            raise MovedError("Its verdict is overridden already: take that back first.", mine.state)
        seen = look(mine, now)
        card = _ground(mine, seen.card)
        verdict = card.numbers["verdicts"][mine.kind]
        fill(mine, now, seen)
        made = VerdictOverride.objects.create(
            review=mine,
            service=mine.service,
            verdict=verdict["verdict"],
            reasons=[reason_text(each, card.numbers) for each in verdict["reasons"]],
            scorecard=card,
            items=_covered(mine, seen),
            actor=name_of(by),
            reason=said,
            at=now,
        )
        fill(mine, now, replace(seen, override=made.told))
    return made


def take_back_override(review: Review, *, by: User, reason: str) -> OverrideEnd:
    """Let the verdict of an open review count again; any SRE lead may.

    Raises ``NotAllowedError``, ``InvalidError`` without a reason, and ``MovedError`` where the review is no
    longer open or nothing is overridden.
    """
    if not by.has_perm(rights.OVERRIDE):
        raise NotAllowedError("An SRE lead takes an override back.")
    said = needed(reason, "reason", WHY)
    now = clock.now()
    with transaction.atomic():
        mine = locked(review)
        _refuse_ended(mine)
        made = override_of(mine)
        if made is None:
            raise MovedError("Its verdict is not overridden.", mine.state)
        ended = OverrideEnd.objects.create(override=made, actor=name_of(by), reason=said, at=now)
        fill(mine, now)
    return ended


def override_obstacle(review: Review, by: User) -> str:
    """Why this person cannot override an open review's verdict now, by what it shows; empty when they can."""
    if refused := _person_obstacle(review, by):
        return refused
    try:
        _ground(review, review.scorecard)
    except InvalidError as refused_ground:
        return str(refused_ground)
    return ""


def take_back_obstacle(by: User) -> str:
    """Why this person cannot take an override back; empty when they can."""
    return "" if by.has_perm(rights.OVERRIDE) else "An SRE lead takes an override back."


def _person_obstacle(review: Review, by: User) -> str:
    if not by.has_perm(rights.OVERRIDE):
        return "Only an SRE lead overrides a verdict."
    actor = name_of(by)
    if same_person(review.opened_by, actor):
        return "Who opened a review does not override its verdict: another SRE lead does."
    proposers = Case.objects.open().filter(service=review.service_id).values_list("proposer", flat=True)
    if any(same_person(proposer, actor) for proposer in proposers):
        return "Who proposed the case does not override the verdict: another SRE lead does."
    if any(same_person(signer, actor) for signer in review.sign_offs.values_list("actor", flat=True)):
        return "Who signed a review does not override its verdict: another SRE lead does."
    return ""


def _ground(review: Review, card: Scorecard | None) -> Scorecard:
    """The scorecard whose verdict there is to override. Raises ``InvalidError``."""
    if card is None or (old := stale(card)):
        raise InvalidError("review", old if card else stale(card))
    verdict = card.numbers["verdicts"][review.kind]
    if verdict is None:
        raise InvalidError("review", f"Its newest scorecard has no {review.kind} verdict.")
    if verdict["verdict"] == "ready":
        raise InvalidError("review", f"Its {review.kind} verdict is ready: there is nothing to override.")
    return card


def _covered(review: Review, seen: Seen) -> list[str]:
    """The items that the scorecard keeps open."""
    return [
        item.slug
        for item in items_of(review)
        if item.way == ChecklistItem.Way.MEASURED and may_cover(item.source, measure(item.source, seen.facts))
    ]


def _refuse_ended(review: Review) -> None:
    if review.state != Review.State.OPEN:
        raise MovedError(f"The review is {review.state} by now.", review.state)

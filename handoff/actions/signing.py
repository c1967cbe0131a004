"""Signs reviews, one side after the other; who may, and if not, why."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from handoff.actions.recording import moved, name_of
from handoff.actions.refusals import InvalidError, MovedError, NotAllowedError
from handoff.actions.review_facts import override_of, stale
from handoff.actions.review_filling import end, fill, items_of, locked, proposer_of
from handoff.checklists import Side, Signer, Signing
from handoff.checklists.rules import is_complete, person_obstacle, relied_on, review_obstacle, sides_needed
from handoff.machine import REVIEW
from handoff.models import ChecklistItem, Review, SignOff
from readiness import clock, rights
from readiness.models import Person, Waiver


def sign_review(review: Review, *, side: Side, by: User, remark: str = "") -> SignOff:
    """Sign for a side, on the newest scorecard; with the last signature that is needed the review is signed.

    Raises ``NotAllowedError`` for who may not, ``InvalidError`` for a review that is not settled, and
    ``MovedError`` where it ended or the side has signed.
    """
    now = clock.now()
    try:
        with transaction.atomic():
            mine = locked(review)
            moved(REVIEW, mine.state, "complete", what="The review")
            found = standing(mine, fill(mine, now))
            _refuse(mine, side, by=by, found=found)
            made = SignOff.objects.create(
                review=mine, side=side.value, actor=name_of(by), remark=remark.strip(), at=now
            )
            found = standing(mine, items_of(mine))
            if is_complete(found):
                end(mine, "complete", actor=name_of(by), reason=made.remark, at=now, signed_at=now)
    except IntegrityError as error:
        raise MovedError(f"Somebody signed for {side} meanwhile.", review.state) from error
    return made


def standing(review: Review, items: Sequence[ChecklistItem]) -> Signing:
    """A review as the rules see it."""
    states = [item.state for item in items]
    authors = Waiver.objects.filter(pk__in=relied_on(states)).values_list("author", flat=True)
    override = override_of(review)
    return Signing(
        items=states,
        today=clock.now().date(),
        tier=review.service.tier,
        opened_by=review.opened_by,
        signed=dict(review.sign_offs.values_list("side", "actor")),
        waiver_authors=tuple(authors),
        overrider=override.actor if override else "",
        proposer=proposer_of(review),
    )


def why_not_sign(review: Review, found: Signing, by: User) -> dict[Side, str]:
    """For each side that must sign and has not: why this person may not now, or empty."""
    signer = _signer(review, by)
    old = stale(review.scorecard)
    needed = (side for side in sides_needed(found) if side not in found.signed)
    return {
        side: _person(side, by=by, review=review, found=found, signer=signer) or review_obstacle(found) or old
        for side in needed
    }


def _refuse(review: Review, side: Side, *, by: User, found: Signing) -> None:
    if side in found.signed:
        raise MovedError(f"{found.signed[side]} signed for {side} already.", review.state)
    if refused := _person(side, by=by, review=review, found=found, signer=_signer(review, by)):
        raise NotAllowedError(refused)
    if side not in sides_needed(found):
        raise InvalidError(
            "side", "A manager signs for tier 1, or where a waiver or an override is relied on."
        )
    if refused := review_obstacle(found) or stale(review.scorecard):
        raise InvalidError("review", refused)


def _person(side: Side, *, by: User, review: Review, found: Signing, signer: Signer | None) -> str:
    may = (
        rights.may_somewhere(by, rights.REVIEW)
        if side is Side.MANAGER
        else by.has_perm(rights.REVIEW, review.service)
    )
    if not may:
        return f"{by.get_username()} may not review {review.service.slug}."
    if signer is None:
        return "Your log-in belongs to no person: an SRE lead links it."
    return person_obstacle(side, signer, found)


def _signer(review: Review, by: User) -> Signer | None:
    key = rights.person_of(by)
    if key is None:
        return None
    person = Person.objects.get(pk=key)
    teams = set(person.teams.values_list("pk", flat=True))
    service = review.service
    return Signer(name_of(by), person.role, service.owner_id in teams, service.ops_team_id in teams)

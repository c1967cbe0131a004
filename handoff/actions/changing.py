"""Changes of services while something of them is open: what comes of it, told before, and done with it."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from django.db import transaction

from handoff.actions.case_moving import move
from handoff.actions.consulting import end_advising
from handoff.actions.review_filling import end
from handoff.actions.waiving import end_waiver
from handoff.checklists import Side
from handoff.consequences import Consequence, Fate, Foreseen, Happening, Open, Subject, consequence
from handoff.models import Case, CaseComment, Consultant, Review
from readiness import clock
from readiness.models import Service, Waiver

Happenings = Mapping[int, Sequence[Happening]]
"""What happens to services, by key."""
SIDES: Final = {Case.Side.DEVELOPERS: Side.DEVELOPERS, Case.Side.OPS: Side.OPERATIONS}
BOTH: Final = frozenset(SIDES.values())
REVIEWED: Final = ("approved", "shadowing")
"""States of a handoff that rests on a review that both sides signed."""


def foresee(happenings: Happenings) -> list[Foreseen]:
    """What would come of changes, service by service in the order of their names. Nothing is written.

    A constant number of queries, none where nothing happens.
    """
    if not happenings:
        return []
    services = Service.objects.filter(pk__in=happenings).order_by("slug").values_list("pk", "slug")
    things = _open_things(happenings.keys())
    return [
        Foreseen(
            pk,
            slug,
            tuple(happenings[pk]),
            tuple(consequence(thing, happenings[pk]) for thing in things[pk]),
        )
        for pk, slug in services
    ]


def change_services(happenings: Happenings, *, actor: str, reason: str) -> list[Foreseen]:
    """End what changes leave nothing of, each with its transition; what came of it. The caller writes the
    changes themselves, in the same transaction, and has asked those whom it may.

    Done twice is done once: what has ended is not open. Raises ``MovedError`` where somebody was faster.
    """
    if not happenings:
        return []
    with transaction.atomic():
        # As whoever decides about a case does, so that nothing is decided meanwhile.
        list(Service.objects.filter(pk__in=happenings).order_by("pk").select_for_update())
        found = foresee(happenings)
        for each in found:
            for one in each.consequences:
                if one.move:
                    _end(one, actor=actor, reason=f"{one.why} ({reason})")
                elif one.fate is Fate.ACCEPTANCE_TAKEN_BACK:
                    _take_back_acceptance(one, actor=actor, reason=reason)
    return found


def _open_things(services: Collection[int]) -> Mapping[int, list[Open]]:
    """Cases first, then reviews, waivers and consultants, each from the oldest on."""
    found: dict[int, list[Open]] = defaultdict(list)
    reviews = list(_reviews(services))
    signed = {pk: thing.signed for pk, kind, thing in reviews if kind == Review.Kind.HANDOFF}
    for case in Case.objects.open().filter(service__in=services).order_by("pk"):
        found[case.service_id].append(_case(case, signed.get(case.service_id, frozenset())))
    for pk, _, thing in reviews:
        found[pk].append(thing)
    asked_or_live = Waiver.objects.in_state([Waiver.State.ASKED, Waiver.State.LIVE], clock.now())
    for waiver in asked_or_live.filter(service__in=services).order_by("pk"):
        found[waiver.service_id].append(
            Open(subject=Subject.WAIVER, key=waiver.pk, name=waiver.target, state=waiver.state)
        )
    advising = Consultant.objects.advising().filter(service__in=services).select_related("person")
    for each in advising.order_by("pk"):
        found[each.service_id].append(
            Open(subject=Subject.CONSULTANT, key=each.pk, name=str(each.person), state=each.state)
        )
    return found


def _reviews(services: Collection[int]) -> Iterator[tuple[int, str, Open]]:
    rows = Review.objects.under_way().filter(service__in=services).prefetch_related("sign_offs")
    for review in rows.order_by("pk"):
        signed = frozenset(Side(each.side) for each in review.sign_offs.all())
        name, state = review.get_kind_display(), review.state
        yield (
            review.service_id,
            review.kind,
            Open(subject=Subject.REVIEW, key=review.pk, name=name, state=state, signed=signed),
        )


def _case(case: Case, signed: frozenset[Side]) -> Open:
    """A case, with the sides whose signature it rests on: of a release, who proposed it signs by that."""
    is_handoff = case.kind == Case.Kind.HANDOFF
    if is_handoff:
        sides = BOTH if case.state in REVIEWED else signed
    else:
        is_release = case.handback_kind == Case.HandbackKind.RELEASE
        sides = frozenset({SIDES[Case.Side(case.proposer_side)]}) if is_release else frozenset()
    return Open(
        subject=Subject.CASE,
        key=case.pk,
        name=case.about,
        state=case.state,
        signed=sides,
        accepted=case.accepted_at is not None,
    )


def _end(one: Consequence, *, actor: str, reason: str) -> None:
    key, now = one.thing.key, clock.now()
    if one.thing.subject is Subject.CASE:
        case = Case.objects.select_related("service").get(pk=key)
        move(case, one.move, actor=actor, reason=reason, at=now, changes={"ended_at": now})
    elif one.thing.subject is Subject.REVIEW:
        review = Review.objects.select_related("service", "scorecard").get(pk=key)
        end(review, one.move, actor=actor, reason=reason, at=now)
    elif one.thing.subject is Subject.WAIVER:
        waiver = Waiver.objects.select_related("service").get(pk=key)
        end_waiver(waiver, one.move, actor=actor, reason=reason)
    else:
        consultant = Consultant.objects.select_related("service", "person").get(pk=key)
        end_advising(consultant, actor=actor, reason=reason)


def _take_back_acceptance(one: Consequence, *, actor: str, reason: str) -> None:
    """Nobody has accepted it any more; who had, and why that is over, stays on record as a comment."""
    accepted = Case.objects.filter(pk=one.thing.key, accepted_at__isnull=False)
    before = accepted.values_list("accepted_by", flat=True).first()
    accepted.update(accepted_by="", accepted_at=None, room_seen=None)
    said = f"The acceptance by {before} is taken back: {one.why} ({reason})"
    CaseComment.objects.create(case_id=one.thing.key, text=said, author=actor, written_at=clock.now())

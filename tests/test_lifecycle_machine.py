"""Whatever people do in whatever order, states stay what they may be; every legal move must have occurred."""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise, product
from typing import Any, ClassVar, Final

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from handoff import actions
from handoff.actions.refusals import RefusedError
from handoff.checklists import Side
from handoff.checklists.rules import relied_on, same_person
from handoff.machine import CASES
from handoff.models import Case, Review, Shadow, Transition, TransitionScorecard
from readiness.models import Service
from tests.handing_back import DAY
from tests.lifecycle import FOLLOWS, TABLES, WAYS, WHY, Key, Walk, World, every_move, nearest, shape

pytestmark = pytest.mark.django_db
ROUNDS = 30
"""Further walks are made, each round from its own seed, until every move has occurred."""
WALKS = settings(
    max_examples=8,
    stateful_step_count=20,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # to shrink a walk takes minutes, and it is short
    suppress_health_check=list(HealthCheck),
)
PEOPLE: Final = ("lead", "eng", "other", "dev", "dan", "boss", "stranger", "viewer", "proposer")
DECIDING: Final = {"reject", "approve", "take over", "confirm", "release", "repair jointly"}
"""Moves of a case that take somebody who did not propose it."""

Attempt = Callable[[Walk, User], object]


def _on(find: Callable[[Walk], Any], act: Callable[[Walk, User, Any], object]) -> Attempt:
    """Try it with the newest of something, where there is one."""

    def attempt(walk: Walk, by: User) -> object:
        found = find(walk)
        return None if found is None else act(walk, by, found)

    return attempt


def _sign(side: Side) -> Attempt:
    return _on(Walk.review, lambda _, by, review: actions.sign_review(review, side=side, by=by))


def _confirm(side: Side) -> Attempt:
    def act(walk: Walk, by: User, case: Case) -> object:
        near = [walk.world.person(walk.world.dev), walk.world.person(walk.world.dan)]
        return actions.confirm_shadow(case, side=side, by=by, reachable=near, reason=WHY)

    return _on(Walk.handoff, act)


def _said(act: Callable[..., object], find: Callable[[Walk], Any], **told: Any) -> Attempt:
    return _on(find, lambda _, by, found: act(found, by=by, **{"reason": WHY, **told}))


def _repair(walk: Walk, by: User, case: Case) -> object:
    owner, ends_at = walk.world.person(walk.world.dev), walk.world.now + 28 * DAY
    return actions.repair_jointly(case, plan="Mend.", owner=owner, ends_at=ends_at, by=by)


def _ask(walk: Walk, by: User) -> object:
    ends_at = walk.world.now + 3 * DAY
    return actions.ask_waiver(walk.look(), target="telemetry", reason=WHY, ends_at=ends_at, by=by)


def _find(walk: Walk, by: User, review: Review) -> object:
    item = review.items.get(slug="runbooks")
    return actions.report_finding(item, remark="They are wrong.", blocking=True, by=by)


def _assess(walk: Walk, by: User, case: Case) -> object:
    page = walk.world.page()
    return actions.assess_page(case, page, critical=False, actionable=True, by=by)


def _advised(walk: Walk) -> list[Any]:
    return [walk.world.person(walk.world.other)]


ATTEMPTS: Final[Mapping[str, Attempt]] = {
    "propose a handoff": lambda walk, by: actions.propose_handoff(walk.look(), reason=WHY, by=by),
    "propose a repair": lambda walk, by: actions.propose_handback(walk.look(), reason=WHY, by=by),
    "propose a release": lambda walk, by: actions.propose_handback(
        walk.look(), kind="release", reason=WHY, by=by
    ),
    "propose without a reason": lambda walk, by: actions.propose_handoff(walk.look(), reason=" ", by=by),
    "reject a handoff": _said(actions.reject_handoff, Walk.handoff),
    "withdraw a handoff": _said(actions.withdraw_handoff, Walk.handoff),
    "withdraw without a reason": _said(actions.withdraw_handoff, Walk.handoff, reason=" "),
    "open a handoff review": _said(actions.open_handoff_review, Walk.handoff),
    "accept a handoff": _said(actions.accept_handoff, Walk.handoff),
    "begin a shadow": _said(actions.begin_shadow, Walk.handoff),
    "assess a page": _on(Walk.handoff, _assess),
    "stop a shadow": _said(actions.stop_shadow, Walk.handoff),
    "confirm for developers": _confirm(Side.DEVELOPERS),
    "confirm for operations": _confirm(Side.OPERATIONS),
    "complete a handoff": _said(actions.complete_handoff, Walk.handoff),
    "reject a handback": _said(actions.reject_handback, Walk.handback),
    "withdraw a handback": _said(actions.withdraw_handback, Walk.handback),
    "repair jointly": _on(Walk.handback, _repair),
    "confirm a handback": _on(
        Walk.handback,
        lambda walk, by, case: actions.confirm_handback(case, by=by, reason=WHY, consultants=_advised(walk)),
    ),
    "stabilise a handback": _said(actions.stabilise_handback, Walk.handback),
    "comment": _on(Walk.case, lambda _, by, case: actions.comment_case(case, text="So.", by=by)),
    "open a launch review": lambda walk, by: actions.open_launch_review(walk.look(), by=by),
    "sign for developers": _sign(Side.DEVELOPERS),
    "sign for operations": _sign(Side.OPERATIONS),
    "sign as a manager": _sign(Side.MANAGER),
    "find": _on(Walk.review, _find),
    "reject a review": _said(actions.reject_review, Walk.review),
    "withdraw a review": _said(actions.withdraw_review, Walk.review),
    "launch": _said(actions.launch, Walk.review),
    "ask for a waiver": _ask,
    "approve a waiver": _said(actions.approve_waiver, Walk.waiver),
    "refuse a waiver": _said(actions.refuse_waiver, Walk.waiver),
    "withdraw a waiver": _said(actions.withdraw_waiver, Walk.waiver),
    "revoke a waiver": _said(actions.revoke_waiver, Walk.waiver),
    "name a consultant": lambda walk, by: actions.name_consultant(
        walk.look(), person=_advised(walk)[0], by=by
    ),
    "end consulting": _said(actions.end_consulting, Walk.consultant),
}
"""What anybody may try at any time."""


_SIGNING: Final = ("sign for developers", "sign for operations")
BARRED: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("handoff", "reject"): ("reject a handoff",),
    ("handoff", "approve"): _SIGNING,
    ("handoff", "begin shadow"): ("accept a handoff",),
    ("handoff", "take over"): ("confirm for developers", "confirm for operations"),
    ("handback", "reject"): ("reject a handback",),
    ("handback", "repair jointly"): ("repair jointly",),
    ("handback", "confirm"): ("confirm a handback",),
    ("handback", "release"): ("confirm a handback",),
    ("review", "complete"): _SIGNING,
    ("waiver", "approve"): ("approve a waiver",),
    ("waiver", "refuse"): ("refuse a waiver",),
}
"""What those who have a part in it already try before others do it."""


class Lifecycle(RuleBasedStateMachine):
    """One service; the right people go on with it, and everybody tries everything."""

    world: ClassVar[World]
    made: ClassVar[set[Key]] = set()
    missing: ClassVar[set[Key]] = set()
    """What no round before this one made."""

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.changed = False
        self.been: set[Key] = set()

    def teardown(self) -> None:
        """Nothing stays; what was made is remembered."""
        rows = Transition.objects.values_list("subject", "about", "from_state", "move")
        type(self).made.update(
            (about.split()[0] if subject == "case" else subject, state, move)
            for subject, about, state, move in rows
        )
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    @initialize(beginning=st.sampled_from(["pre_launch", "live", "live"]))
    def begin(self, beginning: str) -> None:
        """Before its launch, or live and found by an import."""
        self.walk = Walk(self.world, beginning)

    @rule(choice=st.integers(0, 59), vary=st.integers(0, 11))
    def go_on(self, choice: int, vary: int) -> None:
        """Who may makes any legal move, which is made."""
        moves = self.walk.moves()
        self.make(moves[choice % len(moves)], vary)

    @rule(steps=st.integers(1, 6), vary=st.integers(0, 11))
    def go_where_nobody_was(self, steps: int, vary: int) -> None:
        """On the shortest way to what has not been made."""
        for step in range(steps):
            moves = nearest(self.walk.moves(), self.missing - self.been)
            self.make(moves[vary % len(moves)], vary + step)

    def make(self, key: Key, vary: int) -> None:
        """One legal move by those who may."""
        table, state, move = key
        subject = "case" if table in CASES else table
        before = Transition.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        self.walk.vary = vary
        self.refuse_those_who_have_a_part(table, move)
        WAYS[table, move](self.walk)
        self.walk.later()
        made = Transition.objects.filter(pk__gt=before, subject=subject, from_state=state)
        assert TABLES[table][state, move] in made.values_list("to_state", flat=True)
        self.been.add(key)
        self.changed = True

    def refuse_those_who_have_a_part(self, table: str, move: str) -> None:
        """Nothing is lacking but another person."""
        if (table, move) in BARRED:
            if move == "approve" and self.walk.vary % 2:
                self.walk.rest_on_a_waiver()
            self.walk.make_ready()
            before = shape()
            users = self.walk.have_a_part(table, signs=BARRED[table, move] is _SIGNING)
            for user, what in product(users, BARRED[table, move]):
                with pytest.raises(RefusedError):
                    ATTEMPTS[what](self.walk, user)
                assert shape() == before

    @rule(what=st.sampled_from(list(ATTEMPTS)), by=st.sampled_from(PEOPLE))
    def anybody(self, what: str, by: str) -> None:
        """Somebody tries something; a refusal changes nothing."""
        user = (self.walk.proposer() if by == "proposer" else None) or self.walk.world.person_in(
            "dan" if by == "proposer" else by
        )
        before = shape()
        try:
            ATTEMPTS[what](self.walk, user)
        except RefusedError:
            assert shape() == before
        else:
            self.changed = True
        self.walk.later()

    @rule(days=st.sampled_from([0, 1, 29]), verdict=st.sampled_from(["holds", "below", "urgent", None]))
    def sweep(self, days: int, verdict: str | None) -> None:
        """Time passes, and the sweep looks; a second look finds nothing."""
        self.walk.later(days * DAY)
        if verdict is None:
            self.walk.come_due()
        else:
            self.walk.judge(verdict)
        for sweep in (actions.follow_handbacks, actions.lapse_reviews, actions.expire_waivers):
            sweep()
            assert sweep() == 0
        self.changed = True

    # What always holds -----------------------------------------------------------------------------------

    @invariant()
    def all_holds(self) -> None:
        """Asked again only where something has changed."""
        if self.changed:
            self.changed = False
            service = self.walk.look()
            transitions = audit(service)
            cases = {case.pk: case for case in Case.objects.filter(service=service)}
            has_exactly_one_state(service, transitions, cases)
            has_one_open_case_at_most(cases)
            follows_the_tables(service, transitions, cases)
            decides_with_two_people_and_grounds(transitions, cases)
            is_signed_by_others(service, cases)


def audit(service: Service) -> list[Any]:
    """Its transitions in order, each with whether a scorecard justifies it."""
    card = TransitionScorecard.objects.filter(transition=OuterRef("pk"))
    return list(Transition.objects.filter(service=service).annotate(rests=Exists(card)).order_by("pk"))


def has_exactly_one_state(service: Service, transitions: list[Any], cases: Mapping[int, Case]) -> None:
    """Changes alternate, no two at one moment; each has its transition, and its case where one moved it."""
    changes = list(service.management_changes.order_by("effective_at"))
    assert len({each.effective_at for each in changes}) == len(changes)
    assert all(one.state != two.state for one, two in pairwise(changes))
    told = [each for each in transitions if each.subject == "management"]
    assert [(each.at, each.to_state) for each in told] == [
        (each.effective_at, each.state) for each in changes
    ]
    froms = [each.from_state for each in told]
    assert froms[1:] == [each.to_state for each in told][:-1]
    assert not changes or (service.lifecycle, froms[0]) in {("live", ""), ("live", "pre_launch")}
    for kind in CASES:
        moved = {case.confirmed_at for case in cases.values() if case.kind == kind and case.confirmed_at}
        assert {each.effective_at for each in changes if each.way.startswith(kind)} == moved


def has_one_open_case_at_most(cases: Mapping[int, Case]) -> None:
    """And each in a state of its kind; of a handoff that ended no review is under way, and no shadow runs."""
    assert sum(case.ended_at is None for case in cases.values()) <= 1
    assert all(case.state in CASES[case.kind].values() for case in cases.values())
    running = Shadow.objects.running().filter(case__in=cases).values_list("case__state", flat=True)
    assert set(running) <= {"shadowing"}
    under_way = Review.objects.under_way().filter(kind="handoff", service__cases__in=cases)
    assert not under_way.exclude(case__state__in=["in_review", "approved", "shadowing"]).exists()


def follows_the_tables(service: Service, transitions: list[Any], cases: Mapping[int, Case]) -> None:
    """What was made was legal, from where it last was; the audit alone tells every state."""
    last: dict[tuple[str, int | None], str] = {}
    for each in transitions:
        table = cases[each.subject_id].kind if each.subject == "case" else each.subject
        assert TABLES[table][each.from_state, each.move] == each.to_state
        begins = last.get((each.subject, each.subject_id), "")
        assert each.from_state == begins or (each.move, each.from_state) == ("launch", "pre_launch")
        last[each.subject, each.subject_id] = each.to_state
    now: Iterable[tuple[str, Any]] = (
        (subject, each)
        for subject, rows in (
            ("case", cases.values()),
            ("review", service.reviews.all()),
            ("consultant", service.consultants.all()),
        )
        for each in rows
    )
    assert all(last[subject, each.pk] == each.state for subject, each in now)
    for waiver in service.waivers.all():
        assert last["waiver", waiver.pk] in {
            waiver.state,
            *({"asked", "live"} if waiver.state == "expired" else ()),
        }


def decides_with_two_people_and_grounds(transitions: list[Any], cases: Mapping[int, Case]) -> None:
    """No decision without a reason or scorecard, and none by who proposed it."""
    for each in transitions:
        assert each.actor
        assert each.reason.strip() or each.rests or each.subject == "consultant", each
        if each.subject == "case":
            assert each.reason.strip()
            assert each.move not in DECIDING or not same_person(each.actor, cases[each.subject_id].proposer)
    for case in cases.values():
        assert case.accepted_by != case.proposer
        assert case.decider != case.proposer
        said = [each.actor for shadow in case.shadows.all() for each in shadow.confirmations.all()]
        assert case.proposer not in said


def is_signed_by_others(service: Service, cases: Mapping[int, Case]) -> None:
    """Neither by who opened the review, proposed its handoff or asked for what it relies on; nobody twice."""
    proposers = {case.review_id: case.proposer for case in cases.values()}
    authors = {waiver.pk: waiver.author for waiver in service.waivers.all()}
    for review in service.reviews.prefetch_related("sign_offs", "items__conditions"):
        signed = [each.actor for each in review.sign_offs.all()]
        relied = relied_on(item.state for item in review.items.all())
        assert len(set(signed)) == len(signed)
        assert not {review.opened_by, proposers.get(review.pk, "")} & set(signed)
        if review.signed_at is not None:  # until then what is relied on may still become another
            assert not {authors[key] for key in relied} & set(signed)
            assert len(signed) >= (3 if relied else 2)
    waivers = service.waivers.exclude(approved_at=None)
    assert all(waiver.approver != waiver.author for waiver in waivers)


def test_every_move_of_the_tables_has_somebody_who_makes_it() -> None:
    assert {(table, move) for table, _, move in every_move()} == WAYS.keys() | FOLLOWS


def test_every_legal_move_occurs_and_the_invariants_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    Lifecycle.world, wanted = World(monkeypatch), every_move()
    Lifecycle.made, Lifecycle.missing = set(), wanted
    rounds = iter(range(ROUNDS))
    while Lifecycle.missing and (number := next(rounds, None)) is not None:
        run_state_machine_as_test(seed(number)(Lifecycle), settings=WALKS)
        Lifecycle.missing = wanted - Lifecycle.made
    assert not Lifecycle.missing, f"never made: {sorted(Lifecycle.missing)}"

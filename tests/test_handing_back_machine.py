"""Whatever people do in whatever order, states stay what they may be; every legal move must have occurred."""

import datetime as dt
from itertools import pairwise
from typing import Any, ClassVar

import pytest
from django.db import transaction
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from handoff import actions
from handoff.actions.recording import name_of
from handoff.actions.refusals import RefusedError
from handoff.consequences import RULE, Change, Happening
from handoff.machine import HANDBACK, MANAGEMENT
from handoff.models import Case, Transition
from handoff.rules import rule_of
from readiness.models import ManagementChange
from tests.handing_back import DAY, Place

pytestmark = pytest.mark.django_db
ROUNDS = 10
"""Further walks are made, each round from its own seed, until every move has occurred."""
WALKS = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
PEOPLE = ("lead", "eng", "other", "dev", "stranger")
USERS = st.sampled_from(PEOPLE)
REASONS = st.sampled_from(["Because.", "We agreed.", "It is so.", " "])


class Handbacks(RuleBasedStateMachine):
    """One service; everybody tries everything."""

    made: ClassVar[set[tuple[str, str, str]]] = set()

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.place = Place(self.patch)

    def teardown(self) -> None:
        """Nothing stays; what was made is remembered."""
        rows = Transition.objects.filter(subject__in=["case", "management"])
        type(self).made.update(rows.values_list("subject", "from_state", "move"))
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)
        self.patch.undo()

    def attempt(self, act: Any, *told: Any, **named: Any) -> None:
        """Try; a refusal changes nothing."""
        before = self.shape()
        try:
            with transaction.atomic():
                act(*told, **named)
        except RefusedError:
            assert self.shape() == before
        self.place.pass_time(dt.timedelta(minutes=1))

    def shape(self) -> Any:
        """What could have changed."""
        states = list(Case.objects.order_by("pk").values_list("pk", "state"))
        return states, Transition.objects.count(), ManagementChange.objects.count()

    def user(self, name: str) -> Any:
        """A log-in; ``proposer`` is whoever proposed the newest case, or olga for a rule."""
        if name != "proposer":
            return getattr(self.place, name)
        case = self.case()
        named = {name_of(each): each for each in (getattr(self.place, one) for one in PEOPLE)}
        return named.get(case.proposer if case else "", self.place.eng)

    def state(self) -> str:
        """Where the newest case is."""
        case = self.case()
        return case.state if case else ""

    def case(self) -> Case | None:
        """The newest case, as somebody sees it who has just looked."""
        return Case.objects.order_by("-pk").first()

    @rule(by=USERS, kind=st.sampled_from(["repair", "repair", "release"]), reason=REASONS)
    def propose(self, by: str, kind: str, reason: str) -> None:
        """A person proposes."""
        self.attempt(actions.propose_handback, self.place.service, kind=kind, reason=reason, by=self.user(by))

    @rule(by=st.sampled_from(["eng", "dev", "lead"]), signer=USERS)
    def propose_and_sign_a_release(self, by: str, signer: str) -> None:
        """Somebody proposes a release, and somebody signs."""
        self.propose(by, "release", "It winds down.")
        if self.case():
            self.confirm(signer, "It winds down.", named=False)

    @rule()
    def propose_by_rule(self) -> None:
        """A rule proposes."""
        self.attempt(
            actions.propose_handback, self.place.service, reason="It regressed.", by="rule: regressed v1"
        )

    @precondition(lambda self: self.case())
    @rule(by=USERS, kind=st.sampled_from(["design", "other"]))
    def prepare(self, by: str, kind: str) -> None:
        """Somebody finds something, and plans."""
        case, due_on = self.case(), (self.place.now + DAY).date()
        dev = self.place.person(self.place.dev)
        self.attempt(actions.add_finding, case, kind=kind, severity=2, text="Found.", by=self.user(by))
        self.attempt(actions.add_plan_item, case, text="Do.", owner=dev, due_on=due_on, by=self.user(by))

    @precondition(lambda self: self.case())
    @rule(by=st.sampled_from(["lead", "dev", "stranger", "proposer"]), reason=REASONS)
    def reject(self, by: str, reason: str) -> None:
        """Somebody rejects it."""
        self.attempt(actions.reject_handback, self.case(), by=self.user(by), reason=reason)

    @precondition(lambda self: self.state() in {"proposed", "joint_repair"})
    @rule(by=st.sampled_from(["proposer", "proposer", "lead", "dev"]), reason=REASONS)
    def withdraw(self, by: str, reason: str) -> None:
        """Somebody withdraws it."""
        self.attempt(actions.withdraw_handback, self.case(), by=self.user(by), reason=reason)

    @precondition(lambda self: self.state() == "proposed")
    @rule(by=USERS, days=st.sampled_from([28, 27, 29]), verdict=st.sampled_from(["below", "below", "urgent"]))
    def repair(self, by: str, days: int, verdict: str) -> None:
        """It is judged, and somebody answers by joint repair."""
        self.judged(verdict)
        owner, ends_at = self.place.person(self.place.dev), self.place.now + days * DAY
        self.attempt(
            actions.repair_jointly, self.case(), plan="Mend.", owner=owner, ends_at=ends_at, by=self.user(by)
        )

    @precondition(lambda self: self.case())
    @rule(by=USERS, reason=REASONS, named=st.booleans())
    def confirm(self, by: str, reason: str, named: bool) -> None:
        """Somebody confirms or signs."""
        consultants = [self.place.person(self.place.other)] if named else []
        self.attempt(
            actions.confirm_handback, self.case(), by=self.user(by), reason=reason, consultants=consultants
        )

    @precondition(lambda self: self.state() == "proposed")
    @rule(by=USERS)
    def prepare_and_confirm(self, by: str) -> None:
        """All that a repair needs, and somebody confirms."""
        self.prepare("dev", "code")
        self.confirm(by, "We agreed.", named=True)

    @precondition(lambda self: self.case())
    @rule(by=USERS)
    def mend_and_stabilise(self, by: str) -> None:
        """All is mended, and somebody says so."""
        case = self.case()
        assert case is not None
        self.place.pass_time(31 * DAY)
        self.judged(None, days=31, defects=90)
        for finding in case.findings.filter(closed_at=None):
            self.attempt(actions.close_finding, finding, by=self.user(by))
        self.attempt(actions.stabilise_handback, case, by=self.user(by))

    @precondition(lambda self: self.state() == "stabilising")
    @rule()
    def retire(self) -> None:
        """The catalogue says that it is retired; the next one, that it was not meant so."""
        retired = {self.place.service.pk: [Happening(Change.RETIREMENT, "live", "retired")]}
        self.attempt(actions.change_services, retired, actor=RULE, reason="catalogue of shop")

    @rule(verdict=st.sampled_from(["holds", "below", "below", "urgent"]), days=st.sampled_from([1, 29]))
    def sweep(self, verdict: str, days: int) -> None:
        """Time passes, and the sweep looks."""
        self.sweep_as(verdict, days)

    def judged(self, verdict: str | None, **told: Any) -> None:
        """At a moment of its own."""
        self.place.pass_time(dt.timedelta(minutes=1))
        self.place.judge(verdict, **told)
        self.place.pass_time(dt.timedelta(minutes=1))

    def sweep_as(self, verdict: str, days: int) -> None:
        """A second look finds nothing."""
        self.place.pass_time(days * DAY)
        self.judged(verdict)
        actions.follow_handbacks()
        assert actions.follow_handbacks() == 0
        case = self.case()
        if verdict == "holds" and case and rule_of(case.proposer):
            card, said = actions.newest(case.service), "It holds."
            self.attempt(actions.lapse_proposal, case, by="rule: regressed v1", reason=said, card=card)

    @precondition(lambda self: self.state() == "proposed")
    @rule(by=st.sampled_from(["lead", "other"]))
    def repair_well(self, by: str) -> None:
        """A proposal that is answered by joint repair, most likely."""
        self.repair(by, 28, "below")

    @precondition(lambda self: self.state() == "joint_repair")
    @rule()
    def withdraw_while_it_rests(self) -> None:
        """Who proposed it thinks again."""
        self.withdraw("proposer", "It is mended.")

    @precondition(lambda self: self.state() == "joint_repair")
    @rule(verdict=st.sampled_from(["holds", "holds", "below", "urgent"]))
    def rest(self, verdict: str) -> None:
        """A day of joint repair, and what the judgement of it is."""
        self.sweep_as(verdict, 1)

    @precondition(lambda self: not Case.objects.open().exists())
    @rule()
    def hand_off(self) -> None:
        """Operations run it again: by a handoff, which is another story."""
        if self.place.service.management_changes.latest("effective_at").state == "developer_managed":
            ManagementChange.objects.create(
                service=self.place.service,
                state="ops_managed",
                effective_at=self.place.now,
                way="handoff",
                actor="1 ada",
                recorded_at=self.place.now,
            )
            self.judged("below")

    @invariant()
    def exactly_one_state_at_every_moment(self) -> None:
        """Changes alternate, no two at one moment, and follow the confirmed cases."""
        changes = list(self.place.service.management_changes.order_by("effective_at"))
        assert len({each.effective_at for each in changes}) == len(changes) >= 1
        assert all(one.state != two.state for one, two in pairwise(changes))
        confirmed = Case.objects.filter(confirmed_at__isnull=False).values_list("confirmed_at", flat=True)
        assert {each.effective_at for each in changes if "handback" in each.way} == set(confirmed)

    @invariant()
    def one_open_case_at_most(self) -> None:
        """And only one that the table knows."""
        assert Case.objects.open().count() <= 1
        assert set(Case.objects.values_list("state", flat=True)) <= set(HANDBACK.values())

    @invariant()
    def each_move_is_in_the_table_with_its_reason_and_by_another(self) -> None:
        """What was made was legal, reasoned, and not approved by who proposed it."""
        table = {"case": HANDBACK, "management": MANAGEMENT}
        for made in Transition.objects.filter(subject__in=table):
            assert table[made.subject][made.from_state, made.move] == made.to_state
            assert made.reason.strip()
        deciding = Transition.objects.filter(
            subject="case", move__in=["confirm", "release", "reject", "repair jointly"]
        )
        proposers = dict(Case.objects.values_list("pk", "proposer"))
        assert all(each.actor != proposers[each.subject_id or 0] for each in deciding)

    @invariant()
    def states_are_where_their_transitions_led(self) -> None:
        """The audit alone tells the state."""
        for case in Case.objects.all():
            last = Transition.objects.filter(subject="case", subject_id=case.pk).order_by("pk").last()
            assert last is not None
            assert last.to_state == case.state


def test_every_legal_move_occurs_and_the_invariants_hold() -> None:
    wanted = {("case", state, move) for state, move in HANDBACK}
    wanted |= {("management", state, move) for state, move in MANAGEMENT if move.startswith("hand back")}
    Handbacks.made.clear()
    rounds = iter(range(ROUNDS))
    while not Handbacks.made >= wanted and (number := next(rounds, None)) is not None:
        run_state_machine_as_test(seed(number)(Handbacks), settings=WALKS)
    assert Handbacks.made >= wanted, f"never made: {sorted(wanted - Handbacks.made)}"

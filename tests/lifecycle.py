"""Walks of one service through all that may become of it: how the right people make each legal move."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final

import pytest
from django.contrib.auth.models import User

from handoff import actions
from handoff.actions import review_filling
from handoff.actions.recording import name_of
from handoff.checklists import Side, load_checklist
from handoff.consequences import RULE, Change, Happening
from handoff.machine import CASES, CONSULTANT, HANDBACK, HANDOFF, MANAGEMENT, REVIEW, WAIVER, Moves, legal
from handoff.models import (
    AdviceNote,
    Case,
    CaseComment,
    ChecklistItem,
    Consultant,
    Finding,
    ItemOutcome,
    Message,
    PageAssessment,
    Review,
    Shadow,
    ShadowConfirmation,
    SignOff,
    StabilisationItem,
    Transition,
)
from handoff.rules import Rule, rule_of
from readiness import rights
from readiness.models import Evaluation, ManagementChange, Person, Scorecard, Service, Waiver
from tests.factories import ServiceFactory
from tests.handing_back import DAY
from tests.handing_off import Handover
from tests.members import member
from tests.reviewing import LINKS

TABLES: Final[Mapping[str, Moves]] = {
    "handoff": HANDOFF,
    "handback": HANDBACK,
    "review": REVIEW,
    "waiver": WAIVER,
    "consultant": CONSULTANT,
    "management": MANAGEMENT,
}
DEVELOPERS, ENGINEERS = ("dev", "dan", "dee", "dirk"), ("eng", "other", "oona", "orla")
"""Four of each team: one may have proposed, one opened the review, one asked for a waiver it relies on."""
WHY = "It was talked about."
# A short one, for speed: what each delivered item comes to is held where reviews and checklists are tested.
SHORT = load_checklist(
    """
    {name: short, version: 1, lapse_days: 90, topics: [{slug: all, title: All, items: [
      {slug: description, text: The catalogue describes it, measured: description},
      {slug: telemetry, text: Telemetry meets its threshold, measured: telemetry, reviews: [handoff]},
      {slug: runbooks, text: The runbooks were walked through, attested: 365},
    ]}]}
    """
)

CHANGING: Final = (Case, Review, ChecklistItem, Shadow, Waiver, Consultant, Finding, StabilisationItem)
ADDED: Final = (
    *(Transition, ManagementChange, CaseComment, ItemOutcome, SignOff, ShadowConfirmation, PageAssessment),
    *(Message, AdviceNote, Evaluation, Case.reachable.through),
)

Key = tuple[str, str, str]
"""Of a move: its table, the state that it leaves, its name."""


class World(Handover):
    """Everybody who may act, and services at each beginning: before launch, and live without a state."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(monkeypatch)
        monkeypatch.setattr(review_filling, "CHECKLIST", SHORT)
        for name in ("dee", "dirk"):
            setattr(self, name, member(rights.DEVELOPER, name=name, teams=[self.owner]))
        for name in ("oona", "orla"):
            setattr(self, name, member(rights.OPS_ENGINEER, name=name, teams=[self.ops]))
        self.boss, self.chief = (
            member(rights.DEVELOPER, name=name, teams=[self.owner]) for name in ("boss", "chief")
        )
        Person.objects.filter(name__in=["boss", "chief"]).update(role="manager")
        self.viewer = member(rights.VIEWER, name="viola", teams=[self.owner, self.ops])
        self.began = self.now
        self.beginnings = {
            lifecycle: self._service(lifecycle, launched_on) for lifecycle, launched_on in _BEGINNINGS.items()
        }

    def _service(self, lifecycle: str, launched_on: dt.date | None) -> int:
        self.service = ServiceFactory.create(
            slug=lifecycle.replace("_", "-"),
            owner=self.owner,
            ops_team=self.ops,
            lifecycle=lifecycle,
            launched_on=launched_on,
            description="Takes the money.",
            links=LINKS,
        )
        self.judge_ready()
        return self.service.pk

    def person_in(self, name: str) -> User:
        """A log-in, by what this world calls it."""
        found: User = getattr(self, name)
        return found


_BEGINNINGS: Final[Mapping[str, dt.date | None]] = {"pre_launch": None, "live": dt.date(2024, 1, 1)}


class Walk:
    """One service of a :class:`World` on its way; ``vary`` chooses where the right people have a choice."""

    def __init__(self, world: World, beginning: str) -> None:
        self.world, self.vary = world, 0
        world.now = world.began
        self.pk = world.beginnings[beginning]
        self.look()

    # What there is ---------------------------------------------------------------------------------------

    def look(self) -> Service:
        """The service as it is now."""
        self.world.service = Service.objects.select_related("owner", "ops_team").get(pk=self.pk)
        return self.world.service

    def case(self) -> Case | None:
        """The newest case."""
        rows = Case.objects.select_related("service__owner", "service__ops_team", "review__service")
        return rows.filter(service=self.pk).order_by("-pk").first()

    def handoff(self) -> Case | None:
        """The newest case, where it is one."""
        return self._of("handoff")

    def handback(self) -> Case | None:
        """Likewise."""
        return self._of("handback")

    def _of(self, kind: str) -> Case | None:
        case = self.case()
        return case if case and case.kind == kind else None

    def review(self) -> Review | None:
        """The newest review."""
        return Review.objects.filter(service=self.pk).select_related("service").order_by("-pk").first()

    def waiver(self) -> Waiver | None:
        """The newest waiver."""
        return Waiver.objects.filter(service=self.pk).select_related("service").order_by("-pk").first()

    def consultant(self) -> Consultant | None:
        """The newest consultant."""
        rows = Consultant.objects.filter(service=self.pk).select_related("service", "person")
        return rows.order_by("-pk").first()

    def moves(self) -> list[Key]:
        """What the right people, or time, could do now."""
        case, review, waiver, consultant = self.case(), self.review(), self.waiver(), self.consultant()
        ended = waiver is None or any(getattr(waiver, f"{end}_at") for end in _WAIVER_ENDS)
        here = _open(case)
        states = {
            **{
                kind: "" if here is None else here.state
                for kind in CASES
                if here is None or here.kind == kind
            },
            "review": getattr(_open(review), "state", ""),
            "waiver": "" if waiver is None or ended else "live" if waiver.approved_at else "asked",
            "consultant": getattr(_open(consultant), "state", ""),
            "management": self.run_by(),
        }
        over = waiver is not None and not ended and waiver.ends_at <= self.world.now
        closed = self._closed(here, run_by=states["management"], over=over)
        return [
            (table, state, move)
            for table, state in states.items()
            for move in legal(TABLES[table], state)
            if (table, move) in WAYS and not closed(table, move)
        ]

    def run_by(self) -> str:
        """Who runs it; empty while nobody said so."""
        last = ManagementChange.objects.filter(service=self.pk).order_by("effective_at").last()
        lifecycle = Service.objects.values_list("lifecycle", flat=True).get(pk=self.pk)
        return last.state if last else "" if lifecycle == "live" else lifecycle

    @staticmethod
    def _closed(here: Case | None, *, run_by: str, over: bool) -> Callable[[str, str], bool]:
        """Whether a legal move is not at hand: the tables do not say everything."""
        by_run = {
            ("handoff", "propose"): run_by != "developer_managed",
            ("handback", "propose"): run_by != "ops_managed",
            ("consultant", "name"): run_by in {"ops_managed", ""},
        }
        by_case = _closed_of(here) if here else {}

        def closed(table: str, move: str) -> bool:
            if table == "review":
                return run_by != "pre_launch"  # one of a handoff goes with its case
            if table == "waiver":
                return over and move != "expire"
            return by_run.get((table, move), table in CASES and by_case.get(move, False))

        return closed

    def opened(self) -> Case:
        """The newest case, which there is."""
        case = self.case()
        assert case is not None
        return case

    def reviewed(self) -> Review:
        """The newest review, which there is."""
        review = self.review()
        assert review is not None
        return review

    # Who, and when ---------------------------------------------------------------------------------------

    def proposer(self) -> User | None:
        """The person who proposed the newest case; nobody where a rule did."""
        case = self.case()
        return self.named(case.proposer) if case else None

    def named(self, actor: str) -> User | None:
        """Whose name stands on a record."""
        return User.objects.filter(pk=key).first() if (key := actor.partition(" ")[0]).isdecimal() else None

    def have_a_part(self, table: str, *, signs: bool) -> list[User]:
        """Who cannot decide: they proposed it, opened its review, or asked for a waiver that is relied on."""
        case, review, waiver = self.case(), self.review(), self.waiver()
        actors = [case.proposer] if table in CASES and case else []
        if signs and review is not None:
            actors.append(review.opened_by)
        if waiver is not None and (
            table == "waiver" or (signs and table in CASES and waiver.state == "live")
        ):
            actors.append(waiver.author)
        return [user for actor in actors if (user := self.named(actor)) is not None]

    def another(self, *names: str, but: Collection[str] = ()) -> User:
        """One of these who neither proposed the newest case nor is one of ``but``."""
        case = self.case()
        barred = {*but, case.proposer if case else ""}
        turned = (names[(self.vary + place) % len(names)] for place in range(len(names)))
        return next(user for name in turned if name_of(user := self.world.person_in(name)) not in barred)

    def later(self, span: dt.timedelta = dt.timedelta(minutes=1)) -> None:
        """Time passes."""
        self.world.pass_time(span)

    def judge_ready(self) -> Scorecard:
        """Judged now as ready; telemetry fails where a waiver sets it aside."""
        self.later()
        waivers = Waiver.objects.live_at(self.world.now).filter(service=self.pk)
        live = list(waivers.values_list("pk", "target"))
        card = self.world.judge_ready(telemetry=40.0 if live else 90.0)
        Scorecard.objects.filter(pk=card.pk).update(
            numbers={
                **card.numbers,
                "standing": {**card.numbers["standing"], "waivers": list(map(list, live))},
            }
        )
        self.later()
        return card

    def judge(self, verdict: str | None, **told: Any) -> Scorecard:
        """Judged now, as a service that operations run."""
        self.later()
        card = self.world.judge(verdict, **told)
        self.later()
        return card

    # Handoffs --------------------------------------------------------------------------------------------

    def propose_handoff(self) -> None:
        names = (*DEVELOPERS, "eng", "lead")
        by = Rule.READY.actor if self.vary % 3 == 0 else self.another(*names)
        actions.propose_handoff(self.look(), reason=WHY, by=by)

    def reject_handoff(self) -> None:
        case = self.opened()
        if case.state == "proposed":
            actions.reject_handoff(case, by=self.another("lead", *ENGINEERS), reason=WHY)
        else:
            self.reject_review()

    def withdraw_handoff(self) -> None:
        case, by = self.opened(), self.proposer()
        if case.state != "proposed" and by is None:
            by = self.world.lead
        if by is None:
            self.retire()
        else:
            actions.withdraw_handoff(case, by=by, reason=WHY)

    def lapse_handoff(self) -> None:
        case = self.opened()
        if case.state == "proposed":
            self.lapse_proposal(case)
        elif case.state == "shadowing":
            self.stop()
        else:
            self.lapse_review()

    def lapse_proposal(self, case: Case) -> None:
        card = self.judge("holds") if case.kind == "handback" else self.judge_ready()
        actions.lapse_proposal(case, by=case.proposer, reason="It holds no longer.", card=card)

    def open_handoff_review(self) -> None:
        actions.open_handoff_review(self.opened(), by=self.another("lead", *DEVELOPERS, *ENGINEERS))

    def make_ready(self) -> None:
        """Nothing is lacking for what comes next but somebody who may."""
        review, case = self.review(), self.case()
        if review is not None and review.ended_at is None:
            self.judge_ready()
            # attested at once: who may attest what, and until when, is held elsewhere
            review.items.filter(way="attested").update(
                outcome="met", blocking=False, lapses_on=self.world.now.date() + 365 * DAY
            )
        if case is not None and case.state == "shadowing":
            self.come_due()
        elif case is not None and case.kind == "handback" and case.state == "proposed":
            self.judge("below")
            self.prepare()

    def sign_review(self) -> None:
        """Signed by all who must and have not."""
        self.make_ready()
        review = self.reviewed()
        signed = dict(review.sign_offs.values_list("side", "actor"))
        live = Waiver.objects.live_at(self.world.now).filter(service=self.pk)
        relied = set(live.values_list("author", flat=True))
        third = relied and review.kind == "handoff"
        people = {Side.DEVELOPERS: DEVELOPERS, Side.OPERATIONS: ENGINEERS}
        for side, names in {**people, **({Side.MANAGER: ("boss", "chief")} if third else {})}.items():
            if side not in signed:
                by = self.another(*names, but={review.opened_by, *relied, *signed.values()})
                actions.sign_review(review, side=side, by=by)

    def begin_shadow(self) -> None:
        case = self.opened()
        if case.accepted_at is None:
            actions.accept_handoff(case, by=self.another(*ENGINEERS), reason=WHY)
            self.later()
        actions.begin_shadow(case, by=self.another("lead", *ENGINEERS))

    def stop(self) -> None:
        self.later(DAY)
        actions.stop_shadow(self.opened(), by=self.another(*DEVELOPERS, *ENGINEERS), reason=WHY)

    def take_over(self) -> None:
        """Its time is over, its pages are assessed, the rota has turned, and both sides confirm."""
        self.come_due()
        case = self.opened()
        shadow = actions.running(case)
        assert shadow is not None
        near = [self.world.person(self.world.person_in(name)) for name in DEVELOPERS[:2]]
        for side, names in ((Side.DEVELOPERS, DEVELOPERS), (Side.OPERATIONS, ENGINEERS)):
            said = dict(shadow.confirmations.values_list("side", "actor"))
            if side not in said:
                by = self.another(*names, but=set(said.values()))
                actions.confirm_shadow(case, side=side, by=by, reachable=near)
                self.later()

    def come_due(self) -> None:
        """Nothing is lacking of a shadow that runs."""
        case = self.case()
        shadow = actions.running(case) if case else None
        if case is None or shadow is None:
            return
        self.later()
        self.world.page()
        if actions.tally(shadow).unturned:
            self.world.turn()
        for page in actions.pages_of(shadow):
            actions.assess_page(case, page, critical=True, actionable=True, by=self.world.eng)
        self.later(max(shadow.due_at - self.world.now, dt.timedelta()))
        self.judge_ready()

    def complete(self) -> None:
        actions.complete_handoff(self.opened(), by=self.another("lead", *ENGINEERS), reason=WHY)

    # Handbacks -------------------------------------------------------------------------------------------

    def propose_handback(self) -> None:
        kind = "repair" if self.vary % 3 else "release"
        if kind == "repair" and self.vary % 4 == 0:
            actions.propose_handback(self.look(), reason=WHY, by=Rule.REGRESSED.actor)
            return
        by = self.another(*ENGINEERS, *DEVELOPERS, "lead")
        actions.propose_handback(self.look(), kind=kind, reason=WHY, by=by)

    def reject_handback(self) -> None:
        actions.reject_handback(self.opened(), by=self.another("lead", *ENGINEERS), reason=WHY)

    def withdraw_handback(self) -> None:
        if (by := self.proposer()) is None:
            self.retire()
        else:
            actions.withdraw_handback(self.opened(), by=by, reason=WHY)

    def lapse_handback(self) -> None:
        case = self.opened()
        if case.state == "proposed":
            self.lapse_proposal(case)
        else:
            self.judge("holds")
            actions.follow_handbacks()

    def repair_jointly(self) -> None:
        self.judge("below")
        by, owner = self.another("lead", *ENGINEERS), self.world.person(self.world.dev)
        ends_at = self.world.now + 28 * DAY
        actions.repair_jointly(self.opened(), plan="Mend.", owner=owner, ends_at=ends_at, by=by)

    def come_back(self) -> None:
        urgent = self.vary % 2
        self.later(DAY if urgent else 29 * DAY)
        self.judge("urgent" if urgent else "below")
        actions.follow_handbacks()

    def prepare(self) -> None:
        case, dev = self.opened(), self.world.dev
        due_on = self.world.now.date() + DAY
        actions.add_finding(case, kind="code", severity=2, text="Found.", by=dev)
        actions.add_plan_item(case, text="Do.", owner=self.world.person(dev), due_on=due_on, by=dev)

    def confirm_handback(self) -> None:
        self.make_ready()
        by, advises = self.another("lead", *ENGINEERS), self.world.person(self.world.other)
        actions.confirm_handback(self.opened(), by=by, reason=WHY, consultants=[advises])

    def release(self) -> None:
        case = self.opened()
        others = ENGINEERS if case.proposer_side == "developers" else DEVELOPERS
        actions.confirm_handback(case, by=self.another(*others), reason=WHY)

    def stabilise(self) -> None:
        self.later(31 * DAY)
        self.judge(None, days=31, defects=90)
        case = self.opened()
        for finding in case.findings.filter(closed_at=None):
            actions.close_finding(finding, by=self.world.dev)
        actions.stabilise_handback(case, by=self.another("lead", *ENGINEERS))

    def retire(self) -> None:
        """The catalogue says that it is retired; the next one, that it was not meant so."""
        retired = {self.pk: [Happening(Change.RETIREMENT, "live", "retired")]}
        actions.change_services(retired, actor=RULE, reason="catalogue of shop")

    # Reviews ---------------------------------------------------------------------------------------------

    def open_launch_review(self) -> None:
        actions.open_launch_review(self.look(), by=self.another("lead", *DEVELOPERS, *ENGINEERS))

    def reject_review(self) -> None:
        review, by = self.reviewed(), self.another("lead", *DEVELOPERS, *ENGINEERS)
        item = review.items.get(slug="runbooks")
        actions.report_finding(item, remark="They are wrong.", blocking=True, by=by)
        actions.reject_review(review, reason=WHY, by=by)

    def withdraw_review(self) -> None:
        review = self.reviewed()
        actions.withdraw_review(review, reason=WHY, by=self.named(review.opened_by) or self.world.lead)

    def lapse_review(self) -> None:
        self.later(91 * DAY)
        actions.lapse_reviews()

    def launch(self) -> None:
        self.judge_ready()
        actions.launch(self.reviewed(), by=self.another(*DEVELOPERS))

    # Waivers, consultants, adoption -----------------------------------------------------------------------

    def ask_waiver(self) -> None:
        by = self.another(*DEVELOPERS, *ENGINEERS, "lead")
        ends_at = self.world.now + 30 * DAY
        actions.ask_waiver(self.look(), target="telemetry", reason=WHY, ends_at=ends_at, by=by)

    def rest_on_a_waiver(self) -> None:
        """One is live from now on, where none was asked for."""
        if ("waiver", "", "ask") in self.moves():
            self.ask_waiver()
            WAYS["waiver", "approve"](self)
            self.later()

    def decide_waiver(self, act: Callable[..., object], *names: str) -> None:
        """By one of these who did not ask."""
        waiver = self.waiver()
        assert waiver is not None
        turned = (
            self.world.person_in(names[(self.vary + place) % len(names)]) for place in range(len(names))
        )
        act(waiver, by=next(user for user in turned if name_of(user) != waiver.author), reason=WHY)

    def withdraw_waiver(self) -> None:
        waiver = self.waiver()
        assert waiver is not None
        by = self.named(waiver.author)
        assert by is not None
        actions.withdraw_waiver(waiver, by=by)

    def expire_waiver(self) -> None:
        waiver = self.waiver()
        assert waiver is not None
        self.later(max(waiver.ends_at - self.world.now, dt.timedelta()))
        actions.expire_waivers()

    def name_consultant(self) -> None:
        person = self.world.person(self.world.person_in(ENGINEERS[self.vary % len(ENGINEERS)]))
        actions.name_consultant(self.look(), person=person, by=self.another("lead", *ENGINEERS))

    def end_consulting(self) -> None:
        consultant = self.consultant()
        assert consultant is not None
        actions.end_consulting(consultant, by=self.another("lead", *ENGINEERS))

    def adopt(self, state: str) -> None:
        """Found so this minute."""
        actions.adopt(self.look(), state=state, effective_at=self.world.now, actor="1 Ada", reason=WHY)


_WAIVER_ENDS: Final = ("refused", "withdrawn", "revoked", "expired")


def _open(found: Any) -> Any:
    """What has not ended."""
    return None if found is None or found.ended_at is not None else found


def _closed_of(case: Case) -> dict[str, bool]:
    """Whether moves of an open case are not at hand, although its state has them."""
    shadows, release = case.shadows.count(), case.handback_kind == "release"
    lapses = {
        "proposed": rule_of(case.proposer) is not None,
        "joint_repair": True,
        "in_review": True,
        "approved": shadows == 0,
        "shadowing": shadows == 2,
    }
    return {
        "lapse": not lapses.get(case.state, False),
        "stop": shadows != 1,
        "repair jointly": release or case.repair_ends_at is not None,
        "confirm": release,
        "release": not release,
    }


WAYS: Final[Mapping[tuple[str, str], Callable[[Walk], None]]] = {
    ("handoff", "propose"): Walk.propose_handoff,
    ("handoff", "reject"): Walk.reject_handoff,
    ("handoff", "withdraw"): Walk.withdraw_handoff,
    ("handoff", "lapse"): Walk.lapse_handoff,
    ("handoff", "open review"): Walk.open_handoff_review,
    ("handoff", "approve"): Walk.sign_review,
    ("handoff", "begin shadow"): Walk.begin_shadow,
    ("handoff", "stop"): Walk.stop,
    ("handoff", "take over"): Walk.take_over,
    ("handoff", "complete"): Walk.complete,
    ("handback", "propose"): Walk.propose_handback,
    ("handback", "reject"): Walk.reject_handback,
    ("handback", "withdraw"): Walk.withdraw_handback,
    ("handback", "lapse"): Walk.lapse_handback,
    ("handback", "repair jointly"): Walk.repair_jointly,
    ("handback", "return"): Walk.come_back,
    ("handback", "confirm"): Walk.confirm_handback,
    ("handback", "release"): Walk.release,
    ("handback", "stabilise"): Walk.stabilise,
    ("handback", "cut short"): Walk.retire,
    ("review", "open"): Walk.open_launch_review,
    ("review", "complete"): Walk.sign_review,
    ("review", "reject"): Walk.reject_review,
    ("review", "withdraw"): Walk.withdraw_review,
    ("review", "lapse"): Walk.lapse_review,
    ("review", "launch"): Walk.launch,
    ("waiver", "ask"): Walk.ask_waiver,
    ("waiver", "approve"): lambda walk: walk.decide_waiver(actions.approve_waiver, "lead", *ENGINEERS),
    ("waiver", "refuse"): lambda walk: walk.decide_waiver(actions.refuse_waiver, "lead", *ENGINEERS),
    ("waiver", "revoke"): lambda walk: walk.decide_waiver(actions.revoke_waiver, "lead", *ENGINEERS),
    ("waiver", "withdraw"): Walk.withdraw_waiver,
    ("waiver", "expire"): Walk.expire_waiver,
    ("consultant", "name"): Walk.name_consultant,
    ("consultant", "end"): Walk.end_consulting,
    ("management", "adopt as developer_managed"): lambda walk: walk.adopt("developer_managed"),
    ("management", "adopt as ops_managed"): lambda walk: walk.adopt("ops_managed"),
}
"""How each move is made by those who may; who runs a service changes by the others."""
FOLLOWS: Final = frozenset(
    {
        ("review", "hand off"),
        ("management", "launch"),
        ("management", "hand off"),
        ("management", "hand back (repair)"),
        ("management", "hand back (release)"),
    }
)
"""Moves that nobody makes by themselves: they come of another one."""


def shape() -> Any:
    """All that an action could have changed."""
    rows = [list(model._default_manager.order_by("pk").values_list()) for model in CHANGING]
    return rows, [model._default_manager.count() for model in ADDED]


def every_move() -> set[Key]:
    """All that is legal."""
    return set(
        chain.from_iterable(
            ((table, state, move) for state, move in moves) for table, moves in TABLES.items()
        )
    )


def nearest(moves: Sequence[Key], wanted: Collection[Key]) -> list[Key]:
    """Those of these moves that are wanted; where none is, those after which one is the fewest moves away."""
    far = _distances(frozenset(key for key in wanted if (key[0], key[2]) in WAYS))
    cost = {key: 0 if key in wanted else 1 + far.get(_leads_to(key), len(WAYS)) for key in moves}
    return [key for key in moves if cost[key] == min(cost.values())]


@cache
def _distances(wanted: frozenset[Key]) -> dict[tuple[str, str], int]:
    """How many moves each state is away from one that has a wanted move."""
    far = dict.fromkeys(((table, state) for table, state, _ in wanted), 0)
    edges = [((key[0], key[1]), _leads_to(key)) for key in every_move()]
    for distance in range(1, len(WAYS)):
        ahead = {start for start, end in edges if far.get(end) == distance - 1}
        far.update(dict.fromkeys(ahead - far.keys(), distance))
    return far


def _leads_to(key: Key) -> tuple[str, str]:
    """Table and state from which one goes on after a move; after a last one the next begins."""
    table, state, move = key
    reached = TABLES[table][state, move]
    if table not in {*CASES, "management"} and move != "launch":
        return (table, reached if legal(TABLES[table], reached) else "")
    if table in CASES and legal(TABLES[table], reached):
        return (table, reached)
    kept = "handback" if (table, reached) in _RUN_BY_OPS else "handoff"
    return (kept, "")


_RUN_BY_OPS: Final = {
    ("handoff", "completed"),
    ("handback", "rejected"),
    ("handback", "withdrawn"),
    ("handback", "lapsed"),
    ("management", "ops_managed"),
}
"""Where a table ended with operations running the service, so that a handback may begin."""

"""A service that its developers run well, the people around it, and a handoff half-way."""

import datetime as dt
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
from django.contrib.auth.models import User

from handoff import actions
from handoff.checklists import Side
from handoff.models import Case, Review, Shadow
from readiness import rights
from readiness.models import CurrentScore, ManagementChange, Page, Scorecard
from readiness.scoring import judge
from tests.factories import (
    CurrentScoreFactory,
    PageFactory,
    PersonFactory,
    PolicyVersionFactory,
    ScorecardFactory,
    ShiftFactory,
)
from tests.handing_back import DAY, Place
from tests.judged import default_policy
from tests.members import member
from tests.reviewing import LINKS
from tests.worked_fleet import WorkedFleet

ROTA = ("olga", "otto", "ola", "oscar", "odin", "oda")


class Handover(Place):
    """A :class:`Place` whose service ``pay`` is ready to be taken over; ``dan`` is a second developer.

    Six people are in the rota of the ops team, whose shifts are on ``pay`` itself.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(monkeypatch)
        self.dan = member(rights.DEVELOPER, name="dan", teams=[self.owner])
        for name in ROTA[2:]:
            PersonFactory.create(name=name, teams=[self.ops])
        self.service.description, self.service.links = "Takes the money.", LINKS
        self.service.save()
        ManagementChange.objects.create(
            service=self.service,
            state="developer_managed",
            effective_at=self.now - dt.timedelta(hours=1),
            way="handback_repair",
            actor="test",
            reason="For the test.",
            recorded_at=self.now,
        )
        self.turn()
        self.pass_time(dt.timedelta(minutes=1))
        self.judge_ready()

    def turn(self) -> None:
        """Everybody of the rota has a shift of a minute now."""
        for name in ROTA:
            ShiftFactory.create(
                service=self.service,
                person=name,
                role="ops",
                starts_at=self.now,
                ends_at=self.now + dt.timedelta(minutes=1),
            )

    def judge_ready(self, **scores: float | None) -> Scorecard:
        """A live scorecard of now that meets all that a handoff review measures, but for these scores."""
        card: Scorecard = ScorecardFactory.create(
            service=self.service,
            policy=PolicyVersionFactory.create(in_force=True),
            at=self.now,
            handoff="ready",
            numbers=document(scores),
        )
        CurrentScore.objects.filter(service=self.service).delete()
        CurrentScoreFactory.create(scorecard=card, verdict="ready", verdict_of="handoff")
        return card

    def offered(self, by: User | str | None = None) -> Case:
        """A handoff that dan, or somebody else, proposed."""
        return actions.propose_handoff(self.service, reason="It has been quiet.", by=by or self.dan)

    def in_review(self) -> Case:
        """With a review that lena opened, all attested."""
        case = self.offered()
        review = actions.open_handoff_review(case, by=self.lead)
        for item in review.items.exclude(days=None):
            actions.attest_item(
                item, name="Ada", said_on=self.now.date(), by=self.dev, remark="We looked at it."
            )
        return case

    def approved(self) -> Case:
        """Signed by dora and olga."""
        case = self.in_review()
        sign(case.review, Side.DEVELOPERS, self.dev)
        sign(case.review, Side.OPERATIONS, self.eng)
        case.refresh_from_db()
        return case

    def accepted(self) -> Case:
        """Approved, and accepted by otto."""
        return actions.accept_handoff(self.approved(), by=self.other, reason="We take it.")

    def shadowed(self) -> tuple[Case, Shadow]:
        """Accepted, and the shadow begun."""
        case = self.accepted()
        self.pass_time(dt.timedelta(minutes=1))
        return case, actions.begin_shadow(case, by=self.eng)

    def page(self, **told: Any) -> Page:
        """A page of now."""
        page: Page = PageFactory.create(service=self.service, paged_at=self.now, **told)
        return page

    def due(self, *, critical: bool = True, actionable: bool = True) -> tuple[Case, Shadow]:
        """A shadow that may end: one page, assessed as this, a turn of the rota, 14 days, judged anew."""
        case, shadow = self.shadowed()
        self.pass_time(DAY)
        self.turn()
        actions.assess_page(case, self.page(), critical=critical, actionable=actionable, by=self.eng)
        self.pass_time(14 * DAY)
        self.judge_ready()
        self.pass_time(dt.timedelta(minutes=1))
        return case, shadow

    def moved(self) -> Case:
        """Confirmed by both sides: operations run it."""
        case, _ = self.due()
        actions.confirm_shadow(
            case, side=Side.DEVELOPERS, by=self.dev, reachable=[self.person(self.dev), self.person(self.dan)]
        )
        self.pass_time(dt.timedelta(minutes=1))
        actions.confirm_shadow(case, side=Side.OPERATIONS, by=self.eng)
        case.refresh_from_db()
        return case


def document(scores: dict[str, float | None]) -> dict[str, Any]:
    """A whole document that says ready, but for these scores."""
    made = deepcopy(model())
    for slug, score in scores.items():
        made["criteria"][slug]["score"] = score
    return made


@cache
def model() -> dict[str, Any]:
    """The document of the service ``model`` of the worked fleet, which is ready."""
    made = judge(WorkedFleet().facts("model"), default_policy()).document()
    assert made["verdicts"]["handoff"]["verdict"] == "ready"
    return made


def sign(review: Review | None, side: Side, by: User) -> None:
    """Sign for a side."""
    assert review is not None
    actions.sign_review(review, side=side, by=by)

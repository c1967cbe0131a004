"""What the tests of reviews share: a service before its launch, the people of both sides, and a clock."""

from collections.abc import Iterable
from typing import Any

import pytest
from django.contrib.auth.models import User

from handoff import actions
from handoff.checklists import Side
from handoff.models import ChecklistItem, Review
from readiness import clock, rights
from readiness.models import CurrentScore, Person, Scorecard, Service, Team
from tests.factories import (
    NOW,
    CurrentScoreFactory,
    ScorecardFactory,
    ServiceFactory,
    TeamFactory,
)
from tests.members import member

LINKS = [
    {"url": "https://git.example.org/pay", "title": "Code", "type": "source"},
    {"url": "https://docs.example.org/pay", "title": "Manual", "type": "documentation"},
]
READY = {"verdict": "ready", "reasons": [["launch_met", {"score": 92.0}]], "waivers": []}
UNREADY = {
    "verdict": "not_ready",
    "reasons": [["launch_below", {"score": 41.0, "threshold": 60}]],
    "waivers": [],
}


def numbers(launch: dict[str, Any] | None = READY, **said: Any) -> dict[str, Any]:
    """A scorecard's document as far as a launch review reads it."""
    return {
        "tier": 3,
        "standing": {"state": None, "handback_at": None, "waivers": []},
        "verdicts": {"handoff": None, "launch": launch, "deploy": None, "handback": None},
        "blockers": [],
        "criteria": {},
        "feeds": {"defect": {"status": "observed"}},
        **said,
    }


class Desk:
    """A service before its launch whose measured items are met, with an engineer of each side and more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **service: Any) -> None:
        self.now = NOW
        monkeypatch.setattr(clock, "real_now", lambda: self.now)
        self.developers: Team = TeamFactory.create(slug="payments")
        self.operations: Team = TeamFactory.create(slug="sre")
        self.service: Service = ServiceFactory.create(
            **{
                "slug": "pay",
                "pre_launch": True,
                "description": "Takes the money.",
                "owner": self.developers,
                "ops_team": self.operations,
                "links": LINKS,
                **service,
            }
        )
        self.opener = self.person("opener", rights.DEVELOPER, "developer", self.developers)
        self.developer = self.person("dev", rights.DEVELOPER, "developer", self.developers)
        self.engineer = self.person("ops", rights.OPS_ENGINEER, "ops", self.operations)
        self.manager = self.person("boss", rights.DEVELOPER, "manager", self.developers)
        self.lead = self.person("lead", rights.SRE_LEAD, "ops", self.operations)
        self.stranger = self.person(
            "stranger", rights.DEVELOPER, "developer", TeamFactory.create(slug="other")
        )
        self.judge()

    def person(self, name: str, group: str, role: str, *teams: Team) -> User:
        """A log-in of a group, linked with a person of this role and these teams."""
        user = member(group, name=name, teams=teams)
        person = Person.objects.get(name=name)
        person.role = role
        person.save()
        return user

    def judge(self, document: dict[str, Any] | None = None) -> Scorecard:
        """A new live scorecard of the service."""
        card: Scorecard = ScorecardFactory.create(
            service=self.service,
            at=self.now,
            revision=Scorecard.objects.filter(service=self.service).count() + 1,
            numbers=numbers() if document is None else document,
        )
        CurrentScore.objects.filter(service=self.service).delete()
        CurrentScoreFactory.create(scorecard=card)
        return card

    def open(self) -> Review:
        """An open launch review."""
        return actions.open_launch_review(self.service, by=self.opener)

    def attested(self, review: Review, *, but: Iterable[str] = ()) -> Review:
        """With all that people attest attested today, but for some items."""
        for item in review.items.exclude(days=None).exclude(slug__in=list(but)):
            actions.attest_item(
                item, name="Ada", said_on=self.now.date(), by=self.developer, remark="We looked at it."
            )
        return review

    def signed(self, review: Review) -> Review:
        """Signed by both sides."""
        actions.sign_review(review, side=Side.DEVELOPERS, by=self.developer)
        actions.sign_review(review, side=Side.OPERATIONS, by=self.engineer)
        review.refresh_from_db()
        return review

    def ready_to_launch(self) -> Review:
        """A signed launch review."""
        return self.signed(self.attested(self.open()))


def item(review: Review, slug: str) -> ChecklistItem:
    """An item of a review, fresh."""
    return review.items.prefetch_related("conditions").get(slug=slug)

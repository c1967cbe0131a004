"""A service that operations run, the people around it, a clock to set, and a handback half-way."""

import datetime as dt
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
from django.contrib.auth.models import User

from handoff import actions
from handoff.models import Case
from readiness import clock, rights
from readiness.models import CurrentScore, Identity, Person, Scorecard, Service
from readiness.scoring import judge
from tests.factories import (
    NOW,
    CurrentScoreFactory,
    PolicyVersionFactory,
    ScorecardFactory,
    ServiceFactory,
    TeamFactory,
)
from tests.judged import default_policy, service
from tests.members import member

DAY = dt.timedelta(days=1)
SCORES = {
    "defects": 40.0,
    "telemetry": 90.0,
    "after_hours": 80.0,
    "coupling": 75.0,
    "change_safety": None,
    "stability": 100.0,
}


class Place:
    """Where a handback happens: ``owner`` builds it and ``ops`` run it; each moment is the story's to set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = NOW
        monkeypatch.setattr(clock, "real_now", lambda: self.now)
        self.owner, self.ops = TeamFactory.create(slug="builders"), TeamFactory.create(slug="sre")
        self.lead = member(rights.SRE_LEAD, name="lena")
        self.dev = member(rights.DEVELOPER, name="dora", teams=[self.owner])
        self.eng = member(rights.OPS_ENGINEER, name="olga", teams=[self.ops])
        self.other = member(rights.OPS_ENGINEER, name="otto", teams=[self.ops])
        self.stranger = member(rights.DEVELOPER, name="stan")
        self.service = self.another("pay")

    def another(self, slug: str) -> Service:
        """A service of the same teams, judged ``below``."""
        service: Service = ServiceFactory.create(
            slug=slug, owner=self.owner, ops_team=self.ops, ops_managed=True
        )
        self.judge("below", service=service)
        return service

    def judge(
        self,
        verdict: str | None,
        *,
        service: Service | None = None,
        days: float = 400.0,
        **scores: float | None,
    ) -> Scorecard:
        """A live scorecard of now, which becomes the current one."""
        whose = service or self.service
        document = numbers(days, {**SCORES, **scores})
        document["verdicts"]["handback"] = verdict and {"verdict": verdict, "reasons": [], "waivers": []}
        card: Scorecard = ScorecardFactory.create(
            service=whose,
            policy=PolicyVersionFactory.create(in_force=True),
            at=self.now,
            handback=verdict,
            numbers=document,
        )
        CurrentScore.objects.filter(service=whose).delete()
        CurrentScoreFactory.create(
            scorecard=card, verdict=verdict, verdict_of="handback" if verdict else None
        )
        return card

    def pass_time(self, span: dt.timedelta = DAY) -> None:
        """Later."""
        self.now += span

    def person(self, user: User) -> Person:
        """Who a log-in is."""
        return Identity.objects.get(source=Identity.LOG_IN, external_id=user.get_username()).person

    def proposed(self, kind: str = "repair", by: User | str | None = None) -> Case:
        """A case that olga, or somebody else, proposed."""
        return actions.propose_handback(
            self.service, kind=kind, reason="It wakes us every night.", by=by or self.eng
        )

    def prepared(self, **told: Any) -> Case:
        """A proposal with a finding and a plan."""
        case = self.proposed(**told)
        actions.add_finding(case, kind="design", severity=1, text="No timeouts.", by=self.dev)
        actions.add_plan_item(
            case,
            text="Add timeouts.",
            owner=self.person(self.dev),
            due_on=(self.now + 7 * DAY).date(),
            by=self.dev,
        )
        return case

    def resting(self) -> Case:
        """A case in joint repair for four weeks."""
        return actions.repair_jointly(
            self.prepared(),
            plan="Mend the timeouts.",
            owner=self.person(self.dev),
            ends_at=self.now + 28 * DAY,
            by=self.other,
        )

    def confirmed(self) -> Case:
        """A repair that was confirmed an hour after it was proposed."""
        case = self.prepared()
        self.pass_time(dt.timedelta(hours=1))
        return actions.confirm_handback(
            case, by=self.other, reason="We agree.", consultants=[self.person(self.other)]
        )


def numbers(days: float, scores: dict[str, float | None]) -> dict[str, Any]:
    """A whole document of a service about which nothing is known, with these scores and days of the clock."""
    document = deepcopy(unheard())
    for slug, score in scores.items():
        document["criteria"][slug]["score"] = score
    document["criteria"]["stability"]["parts"]["clock_days"] = [days, scores["stability"]]
    return document


@cache
def unheard() -> dict[str, Any]:
    """The document of a service that did nothing."""
    return judge(service("ops_managed"), default_policy()).document()

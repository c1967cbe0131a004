"""A service whose scorecards differ for known reasons: late evidence, an exclusion, the passing of time."""

import datetime as dt
from typing import Any

import pytest

from readiness import clock, evaluation, exclusions
from readiness.models import Incident, Scorecard, Service
from tests.factories import (
    DefectFactory,
    DeploymentFactory,
    FeedFactory,
    IncidentFactory,
    ServiceFactory,
    ago,
)

STEP = dt.timedelta(hours=1)


class Days:
    """Lives through moments: what is received then is judged then, under a clock that the story sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = ago(days=10)
        monkeypatch.setattr(clock, "real_now", lambda: self.now)
        self.service: Service = ServiceFactory.create(slug="pay", developer_managed=True)
        for kind in ("incident", "deployment", "defect"):
            FeedFactory.create(service=self.service, kind=kind, first_received_at=ago(days=300))
        for number in range(8):
            DeploymentFactory.create(
                service=self.service, started_at=ago(days=20 + number), first_received_at=ago(days=15)
            )
        self.judge()

    def receive(self, factory: Any, **what: Any) -> Any:
        """A row that comes in now."""
        return factory.create(service=self.service, first_received_at=self.now, **what)

    def judge(self, later: dt.timedelta = STEP) -> Scorecard:
        """Let time pass, and judge."""
        self.now += later
        evaluation.run(evaluation.request(self.now))
        self.now += STEP
        return Scorecard.objects.latest("pk")

    def late_incident(self) -> Scorecard:
        """An open incident of severity 1 that began before it came in; judged with it."""
        self.receive(
            IncidentFactory,
            external_id="INC-1",
            severity=1,
            started_at=self.now - dt.timedelta(days=2),
            resolved_at=None,
        )
        self.receive(DefectFactory, external_id="BUG-1", opened_at=self.now - dt.timedelta(days=1))
        return self.judge()

    def without_it(self) -> Scorecard:
        """The incident is excluded; judged without it."""
        rows = Incident.objects.filter(external_id="INC-1")
        exclusions.exclude(rows, actor="7 Grace", reason="The pager was tested.")
        return self.judge()

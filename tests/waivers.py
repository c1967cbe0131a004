"""People around a service who ask for and decide about waivers, and the clock that they live by."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User

from handoff import actions
from handoff.models import Transition
from readiness import clock, evaluation
from readiness.models import Evaluation, Scorecard, Service, Waiver
from tests.factories import NOW, ServiceFactory, TeamFactory
from tests.members import member

DAY = dt.timedelta(days=1)
TICK = dt.timedelta(microseconds=1)


class Clock:
    """A clock that a test sets; all moments of a test are its."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = NOW
        monkeypatch.setattr(clock, "real_now", lambda: self.now)


@dataclass(frozen=True)
class People:
    """A service with its two teams, and log-ins in and beside them."""

    service: Service
    developer: User
    ops: User
    lead: User
    other_lead: User
    stranger: User
    """An ops engineer of another team."""
    viewer: User

    def ask(self, target: str = "telemetry", *, days: float = 30, by: User | None = None) -> Waiver:
        """The developer asks."""
        return actions.ask_waiver(
            self.service,
            target=target,
            reason="Moves to the new collector in August.",
            url="https://tickets.example/PAY-1",
            ends_at=clock.now() + days * DAY,
            by=by or self.developer,
        )

    def live(self, target: str = "telemetry", *, days: float = 30) -> Waiver:
        """The developer asks, the lead approves."""
        return actions.approve_waiver(self.ask(target, days=days), by=self.lead)


def people(**service: Any) -> People:
    """Everybody, around a new service that its developers run unless told otherwise."""
    owner, operators = TeamFactory.create(slug="builders"), TeamFactory.create(slug="operators")
    told = {"slug": "pay", "developer_managed": not service.get("ops_managed"), **service}
    return People(
        service=ServiceFactory.create(owner=owner, ops_team=operators, **told),
        developer=member("developer", name="dev", teams=[owner]),
        ops=member("ops engineer", name="ops", teams=[operators]),
        lead=member("SRE lead", name="lead"),
        other_lead=member("SRE lead", name="grace"),
        stranger=member("ops engineer", name="stranger", teams=[TeamFactory.create()]),
        viewer=member("viewer", name="viewer", teams=[owner, operators]),
    )


def in_state(around: People, state: str, at: Clock) -> Waiver:
    """A waiver that came to this state by actions; an expired one a moment after its end, not on record."""
    waiver = around.ask()
    if state in {"live", "revoked", "expired"}:
        actions.approve_waiver(waiver, by=around.lead)
    if state == "revoked":
        actions.revoke_waiver(waiver, by=around.lead, reason="Mended.")
    if state == "refused":
        actions.refuse_waiver(waiver, by=around.lead, reason="Mend it.")
    if state == "withdrawn":
        actions.withdraw_waiver(waiver, by=around.developer)
    if state == "expired":
        at.now = waiver.ends_at
    return Waiver.objects.get(pk=waiver.pk)


def story(waiver: Waiver) -> list[str]:
    """Its transitions as ``move: from > to``."""
    rows = Transition.objects.filter(subject="waiver", subject_id=waiver.pk).order_by("pk")
    return [f"{each.move}: {each.from_state} > {each.to_state}" for each in rows]


def judged(service: Service) -> Scorecard:
    """Do every evaluation that was asked for, and answer the newest scorecard of the service."""
    for run in Evaluation.objects.filter(state=Evaluation.State.RUNNING).order_by("at", "pk"):
        evaluation.run(run)
    return Scorecard.objects.filter(service=service).order_by("at", "pk").last() or pytest.fail("not judged")

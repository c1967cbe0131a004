"""What the database counts is what folding the rows one by one gives, for worked, made-up and odd fleets."""

from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.core.management import call_command
from django.db import models
from factory.django import DjangoModelFactory

from readiness.evaluation import in_force, parsed
from readiness.evaluation.judging import scope_of
from readiness.facts import ServiceFacts
from readiness.folding import fold
from readiness.measures import Scope, measure, rows_of
from readiness.measures.graph import cycles
from readiness.models import Service
from tests import factories
from tests.bench import fleet
from tests.factories import NOW, ago
from tests.worked_fleet import FOLDER

pytestmark = pytest.mark.django_db

YES_OR_NO = (True, False)
UNORDERED = ("pages", "signals", "edges", "shifts")
"""Rows whose order nothing depends on."""


def differences(at: datetime, ids: list[int] | None = None) -> list[str]:
    """Where measured facts are not the folded ones, in words."""
    whole = ids is None
    ids = list(Service.objects.order_by("pk").values_list("pk", flat=True)) if ids is None else ids
    scope = scope_of(parsed(in_force()), at, ids, whole=whole)
    looped = cycles(scope)
    measured, rows = measure(scope, looped), rows_of(scope, looped)
    assert sorted(measured) == sorted(rows) == ids
    folded = {pk: fold(base, each, scope.spans) for pk, (base, each) in rows.items()}
    return [line for pk in ids for line in _unlike(measured[pk], folded[pk])]


def _unlike(measured: ServiceFacts, folded: ServiceFacts) -> Iterator[str]:
    for field in fields(measured):
        one, other = getattr(measured, field.name), getattr(folded, field.name)
        if field.name in UNORDERED:
            one, other = sorted(map(repr, one)), sorted(map(repr, other))
        if one != other:
            yield f"{measured.service}.{field.name}: measured {one}, folded {other}"


@pytest.mark.parametrize("days_before", [0, 17, 200])
def test_the_worked_fleet_is_measured_as_it_folds(days_before: int) -> None:
    call_command("import_fleet", FOLDER, verbosity=0)
    assert differences(NOW - timedelta(days=days_before)) == []


def test_a_made_up_fleet_is_measured_as_it_folds(tmp_path: Path) -> None:
    fleet.generate(tmp_path, 12)
    call_command("import_fleet", tmp_path, verbosity=0)
    assert differences(fleet.AT) == []
    assert differences(fleet.AT - timedelta(days=100)) == []


@pytest.mark.parametrize("seed", range(6))
def test_an_odd_fleet_is_measured_as_it_folds(seed: int) -> None:
    ids = OddFleet(Random(seed)).store()
    assert differences(NOW) == []
    assert differences(NOW - timedelta(days=45)) == []
    # a few services, named by a list instead of a range
    assert differences(NOW, ids[1::3]) == []


def test_a_change_remedied_before_it_began_is_mended_by_a_later_pass() -> None:
    """A remedy that ended before the change began mends nothing; without an incident the next pass does."""
    service = factories.ServiceFactory.create()
    factories.FeedFactory.create(service=service, kind="deployment")
    changed = factories.DeploymentFactory.create(service=service, started_at=ago(days=20))
    factories.DeploymentFactory.create(
        service=service,
        started_at=ago(days=30),
        remediates_source=changed.source,
        remediates_id=changed.external_id,
    )
    factories.DeploymentFactory.create(service=service, started_at=ago(days=10), verification="passed")
    assert differences(NOW) == []


def test_effort_of_many_digits_is_summed_alike() -> None:
    service = factories.ServiceFactory.create()
    for _ in range(3):
        factories.WorkItemFactory.create(service=service, effort_hours=1 / 3)
    assert differences(NOW) == []


def test_odd_fleets_hold_what_makes_measuring_hard() -> None:
    """Shows the teeth: all of it is there, in the facts that were compared."""
    seen: set[str] = set()
    for seed in range(6):
        Service.objects.all().delete()
        ids = OddFleet(Random(seed)).store()
        scope: Scope = scope_of(parsed(in_force()), NOW, ids, whole=True)
        for base, rows in rows_of(scope, cycles(scope)).values():
            facts = fold(base, rows, scope.spans)
            seen |= {name for name, holds in HARD.items() if holds(facts)}
    assert seen == set(HARD)


HARD: dict[str, Callable[[ServiceFacts], bool]] = {
    "a remedy": lambda facts: any(each.remedies for each in facts.changes.failed),
    "a blame": lambda facts: any(each.blames for each in facts.changes.failed),
    "mended by a later pass": lambda facts: any(
        each.mended_at and not each.remedies and not each.blames for each in facts.changes.failed
    ),
    "unmended": lambda facts: bool(facts.changes.unmended),
    "before the first covered moment": lambda facts: facts.changes.plain.total > facts.changes.plain.in_rate,
    "another environment": lambda facts: facts.changes.other_environment,
    "a cycle": lambda facts: any(edge.same_cycle for edge in facts.edges),
    "a target outside the catalogue": lambda facts: any(edge.target_tier is None for edge in facts.edges),
    "a broken pipeline": lambda facts: bool(facts.pipeline.broken),
    "several broken pipelines": lambda facts: len(facts.pipeline.broken) > 1,
    "a restored pipeline": lambda facts: bool(facts.pipeline.restore_hours),
    "a severe fault": lambda facts: bool(facts.defects.recent_severe),
    "an attributed incident": lambda facts: any(row.attributed for row in facts.incidents),
    "an incident that is open": lambda facts: any(row.resolved_at is None for row in facts.incidents),
    "work that was done": lambda facts: any(row.done for row in facts.observations),
    "effort": lambda facts: any(tally.effort_hours for tally in facts.work),
    "inbound edges": lambda facts: bool(facts.inbound),
}


class OddFleet:
    """Services whose rows have every value that a record may have, at random: ends after T, ties, limits."""

    def __init__(self, random: Random, services: int = 9) -> None:
        self.random = random
        self.services = [
            factories.ServiceFactory.create(
                tier=random.randint(1, 4),
                default_branch=random.choice(("", "", "trunk")),
                lifecycle=random.choice(("live", "live", "pre_launch", "retired")),
                components=random.choice(([], ["web", "db"])),
            )
            for _ in range(services)
        ]

    def store(self) -> list[int]:
        """Store all rows; the services' keys, in order."""
        for service in self.services:
            self._changes(service)
            self._disturbances(service)
            self._work(service)
            self._spans(service)
        return sorted(service.pk for service in self.services)

    def _some(self, factory: type[DjangoModelFactory[Any]], make: Callable[[], Any], up_to: int) -> None:
        rows: list[models.Model] = [factory.build(**make()) for _ in range(self.random.randint(0, up_to))]
        factory._meta.get_model_class()._default_manager.bulk_create(rows, ignore_conflicts=True)

    def _row(self, service: Service, kind: str) -> dict[str, Any]:
        """What every evidence row has; a few rows do not count."""
        odd = self.random.choice((None,) * 9 + ("drill", "withdrawn", "excluded"))
        return {
            "service": service,
            "source": self.random.choice(("a", "b")),
            "external_id": f"{kind}-{service.pk}-{self.random.randint(1, 40)}",
            **({odd: True} if odd else {}),
        }

    def _moment(self, first: int = 300, last: int = -12) -> datetime:
        """Whole quarter days, so that rows meet, and lie on the limits of windows."""
        return NOW - timedelta(days=self.random.randint(last * 4, first * 4) / 4)

    def _after(self, moment: datetime, days: float = 20) -> datetime | None:
        """Later, at the same time, or never."""
        later = moment + timedelta(hours=self.random.randint(0, int(days * 24)))
        return self.random.choice((None, moment, later, later))

    def _named(self, kind: str, *, often: float = 0.3) -> tuple[str | None, str | None]:
        """A reference to some service's row, of its own or another source; it may resolve to nothing."""
        if self.random.random() > often:
            return None, None
        service = self.random.choice(self.services)
        return self.random.choice(("a", "b")), f"{kind}-{service.pk}-{self.random.randint(1, 45)}"

    def _maybe(self, *values: Any) -> Any:
        return self.random.choice((None, *values))

    def _changes(self, service: Service) -> None:
        def deployment() -> dict[str, Any]:
            begun = self._moment()
            ended = self._after(begun)
            source, named = self._named("deployment")
            verification = self._maybe("passed", "passed", "failed", "inconclusive")
            return {
                **self._row(service, "deployment"),
                "environment": self.random.choice(("production",) * 5 + ("staging",)),
                "started_at": begun,
                "finished_at": ended,
                "outcome": self.random.choice(("succeeded",) * 5 + ("failed", "cancelled")),
                "commits": self._maybe(0, 1, 4, 4, 9),
                "automated": self._maybe(*YES_OR_NO),
                "first_commit_at": self._maybe(begun - timedelta(hours=self.random.randint(0, 99)), begun),
                "remediates_source": source,
                "remediates_id": named,
                "remediation": self._maybe("rollback", "fix_forward", "toggle_off"),
                "verification": verification,
                "verified_at": self._after(ended or begun) if verification else None,
            }

        def run() -> dict[str, Any]:
            begun = self._moment()
            return {
                **self._row(service, "run"),
                "pipeline": self.random.choice(("build", "build", "nightly")),
                "branch": self.random.choice((None, "", "main", "main", "master", "trunk", "x")),
                "started_at": begun,
                "finished_at": self._after(begun),
                "outcome": self.random.choice(
                    ("succeeded", "succeeded", "failed", "failed", "skipped", "cancelled")
                ),
                "tests_run": self._maybe(0, 10),
                "responders": self._maybe(0, 3),
            }

        self._some(factories.DeploymentFactory, deployment, 40)
        self._some(factories.PipelineRunFactory, run, 60)

    def _disturbances(self, service: Service) -> None:
        def incident() -> dict[str, Any]:
            begun = self._moment(500)
            source, named = self._named("deployment")
            return {
                **self._row(service, "incident"),
                "severity": self.random.randint(1, 5),
                "started_at": begun,
                "resolved_at": self._after(begun),
                "detected_by": self._maybe("alert", "person", "customer"),
                "cause": self._maybe("design", "code", "dependency", "unknown"),
                "caused_by_source": source,
                "caused_by_id": named,
                "after_hours": self.random.random() < 0.5,
            }

        def page() -> dict[str, Any]:
            paged = self._moment()
            source, named = self._named("incident")
            return {
                **self._row(service, "page"),
                "paged_at": paged,
                "acknowledged_at": self._after(paged),
                "incident_source": source,
                "incident_id": named,
                "actionable": self._maybe(*YES_OR_NO),
                "night": self.random.random() < 0.5,
                "responder_role": self._maybe("developer", "ops"),
            }

        def shift() -> dict[str, Any]:
            begins = self._moment()
            return {
                **self._row(service, "shift"),
                "person": self.random.choice(("ada", "grace")),
                "starts_at": begins,
                "ends_at": begins + timedelta(hours=self.random.randint(0, 400)),
            }

        self._some(factories.IncidentFactory, incident, 20)
        self._some(factories.PageFactory, page, 20)
        self._some(factories.ShiftFactory, shift, 8)

    def _work(self, service: Service) -> None:
        def defect() -> dict[str, Any]:
            opened = self._moment()
            return {
                **self._row(service, "defect"),
                "severity": self.random.randint(1, 4),
                "opened_at": opened,
                "closed_at": self._after(opened, 90),
                "reopened": self._maybe(0, 0, 2),
                "found_in": self._maybe("production", "production", "pre_production"),
                "kind": self._maybe("design", "code", "other"),
            }

        def item() -> dict[str, Any]:
            opened = self._moment()
            return {
                **self._row(service, "item"),
                "category": self.random.choice(("feature", "incident", "technical_debt", "non_functional")),
                "opened_at": opened,
                "closed_at": self._after(opened, 90),
                "effort_hours": self._maybe(self.random.random() * 10, 0.1),
            }

        def observation() -> dict[str, Any]:
            source, named = self._named("item", often=0.7)
            return {
                **self._row(service, "observation"),
                "observed": self.random.choice(("client", "downstream")),
                "observer_role": self.random.choice(("developer", "ops")),
                "observed_at": self._moment(),
                "finding": "odd" * self.random.randint(1, 100),
                "work_item_source": source,
                "work_item_id": named,
            }

        self._some(factories.DefectFactory, defect, 30)
        self._some(factories.WorkItemFactory, item, 20)
        self._some(factories.ObservationFactory, observation, 10)

    def _spans(self, service: Service) -> None:
        def signal() -> dict[str, Any]:
            seen = self._moment()
            return {
                **self._row(service, "signal"),
                "signal": self.random.choice(("latency", "errors", "alert")),
                "component": self._maybe("web", "db"),
                "environment": self._maybe("production", "staging"),
                "first_seen_at": seen,
                "last_seen_at": self._after(seen, 200) or NOW + timedelta(days=30),
            }

        def edge() -> dict[str, Any]:
            seen = self._maybe(self._moment())
            target = self._maybe(*self.services)
            return {
                **self._row(service, "edge"),
                "target": target,
                "on": target.slug if target else self.random.choice(("mainframe", service.slug)),
                "type": self.random.choice(("sync", "sync", "async", "shared_database", "build")),
                "criticality": self._maybe("hard", "soft"),
                "first_seen_at": seen,
                "last_seen_at": self._after(seen, 300) if seen else None,
            }

        def feed() -> dict[str, Any]:
            since = self._moment(400)
            return {
                "service": service,
                "source": self.random.choice(("a", "b")),
                "kind": self.random.choice(("defect", "deployment", "incident", "page", "work_item")),
                "since": since,
                "last_seen_at": self._after(since, 300) or NOW + timedelta(days=30),
                "reports_failures": self._maybe(*YES_OR_NO),
            }

        self._some(factories.SignalFactory, signal, 8)
        self._some(factories.DependencyFactory, edge, 8)
        self._some(factories.FeedFactory, feed, 12)

"""Simulations and backtests in the admin: asked for from a policy's page, followed, and read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kombu.exceptions import OperationalError
from pytest_django import DjangoAssertNumQueries

from readiness import clock, evaluation, simulation, tasks
from readiness.models import PolicyVersion, Simulation
from readiness.simulation import runs
from tests.admin_pages import Visitor
from tests.candidates import easier_telemetry, stored, text_with
from tests.factories import SimulationFactory

AT = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
LIST = "/admin/readiness/simulation/"
MOMENTS = {"since": "2026-06-10", "until": "2026-07-01", "every": "7"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The simulations that a broker was told of."""
    told: list[int] = []
    monkeypatch.setattr(tasks.run_simulation, "delay", told.append)
    return told


@pytest.fixture
def draft(worked_fleet_once: None, monkeypatch: pytest.MonkeyPatch) -> PolicyVersion:
    """A draft beside the worked fleet; the clock stands where its data ends."""
    monkeypatch.setattr(clock, "now", lambda: AT)
    return stored(text_with(easier_telemetry))


@pytest.fixture
def leader() -> Visitor:
    """Somebody who may simulate."""
    return Visitor("add_simulation")


def ask(version: PolicyVersion, kind: str = "simulation") -> str:
    """The address of the form."""
    return f"{LIST}ask/{version.pk}/{kind}/"


def page_of(row: Simulation) -> str:
    """The address of a simulation."""
    return f"{LIST}{row.pk}/change/"


def test_the_page_of_a_policy_leads_to_both_forms(draft: PolicyVersion, leader: Visitor) -> None:
    page = leader.get(f"/admin/readiness/policyversion/{draft.pk}/change/")
    assert ask(draft) in page
    assert ask(draft, "backtest") in page

    in_force = leader.get(f"/admin/readiness/policyversion/{evaluation.in_force().pk}/change/")
    assert ask(evaluation.in_force()) not in in_force
    assert ask(evaluation.in_force(), "backtest") in in_force
    assert "/ask/" not in Visitor(name="eve").get(f"/admin/readiness/policyversion/{draft.pk}/change/")


@pytest.mark.parametrize("key", ["nonsense", "_5F1", "9" * 30])
def test_an_address_that_names_no_simulation_is_not_found(leader: Visitor, key: str) -> None:
    assert leader.client.get(f"{LIST}{key}/change/").status_code == 404


@pytest.mark.parametrize(("broken", "kind"), [(1, "simulation"), (2, "simulation"), (2, "backtest")])
def test_what_cannot_be_read_is_refused_when_it_is_asked_for(
    draft: PolicyVersion, leader: Visitor, sent: list[int], broken: int, kind: str
) -> None:
    PolicyVersion.objects.filter(version=broken).update(text="name: of-another-time")
    moments = {"since": "2026-01-10", "until": "2026-02-01", "every": "7", "horizon": "30"}
    page = leader.post(ask(draft, kind), **moments)

    assert f"Default v{broken} cannot judge any more: " in page
    assert not Simulation.objects.exists()
    assert sent == []


def test_asking_makes_a_row_and_tells_a_worker(
    draft: PolicyVersion, leader: Visitor, sent: list[int]
) -> None:
    page = leader.post(ask(draft), **MOMENTS)
    row = Simulation.objects.get()

    assert sent == [row.pk]
    assert (row.kind, row.policy, row.baseline) == ("simulation", draft, evaluation.in_force())
    assert (row.since, row.until) == (AT - timedelta(days=21), AT)
    assert (row.steps, row.every_days, row.state) == (4, 7, "running")
    assert row.requested_by == f"{leader.user.pk} ada"
    assert "0 of 4 moments" in page
    assert '<meta http-equiv="refresh" content="5">' in page


def test_another_last_day_than_today_means_its_beginning(
    draft: PolicyVersion, leader: Visitor, sent: list[int]
) -> None:
    leader.post(ask(draft), **{**MOMENTS, "until": "2026-06-20", "every": "4"})
    row = Simulation.objects.get()

    # counted back: 20, 16 and 12, and none before the 10th
    assert (row.since, row.until) == (
        datetime(2026, 6, 12, tzinfo=UTC),
        datetime(2026, 6, 20, tzinfo=UTC),
    )


def test_the_page_of_a_done_simulation_names_services_and_the_part_that_did_it(
    draft: PolicyVersion, leader: Visitor, sent: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    leader.post(ask(draft), **MOMENTS)
    row = Simulation.objects.get()
    with monkeypatch.context() as briefly:
        briefly.setattr(runs, "BUDGET", timedelta(0))
        simulation.work(row.pk)
    under_way = leader.get(page_of(row))
    assert "1 of 4 moments" in under_way
    assert "As of 2026-06-10 09:30, of 30 services so many would change: 1 the verdict." in under_way

    simulation.work(row.pk)
    page = leader.get(page_of(row))
    for said in (
        "4 of 4 moments",
        "default v2 instead of default v1",
        "Services as of 2026-07-01 09:30",
        "handoff: not ready → ready",
        "Telemetry coverage: threshold 80 becomes 60",
        "Over 4 moments",
    ):
        assert said in page
    assert "http-equiv" not in page


def test_a_backtest_is_asked_for_with_its_horizon_and_read_in_words(
    draft: PolicyVersion, leader: Visitor, sent: list[int]
) -> None:
    assert 'value="90"' in leader.get(ask(draft, "backtest"))
    leader.post(ask(draft, "backtest"), since="2025-10-01", until="2026-03-01", every="28", horizon="90")
    row = Simulation.objects.get()
    assert (row.kind, row.horizon_days, row.baseline) == ("backtest", 90, None)
    assert "stands here when all moments are judged" in leader.get(page_of(row))

    simulation.work(row.pk)
    page = leader.get(page_of(row))
    for said in (
        "In words",
        "Incidents of severity 1 to 3 per 30 observed days",
        "each beside the 90 days after",
    ):
        assert said in page
    assert "What came after a verdict" in page


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        ("simulation", {"until": "2026-07-02"}, "That is in the future: today is 2026-07-01."),
        ("simulation", {"until": "2026-06-01"}, "That is before the first day."),
        ("simulation", {"every": "0"}, "greater than or equal to 1"),
        ("simulation", {"since": "soon"}, "Enter a valid date."),
        ("simulation", {"since": "1000-01-01", "every": "1"}, "judgements: take fewer moments"),
        ("backtest", {"horizon": "90"}, "The horizon of 2026-06-10 has not passed"),
        ("backtest", {}, "This field is required."),
    ],
)
def test_mistakes_are_told_in_the_form_and_nothing_is_asked_for(
    draft: PolicyVersion, leader: Visitor, sent: list[int], kind: str, given: dict[str, str], said: str
) -> None:
    page = leader.post(ask(draft, kind), **{**MOMENTS, **given})

    assert said in page
    assert (Simulation.objects.count(), sent) == (0, [])


def test_with_a_dead_broker_it_is_noted_and_the_page_says_so(
    draft: PolicyVersion, leader: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(key: int) -> None:
        raise OperationalError("nobody listens")

    monkeypatch.setattr(tasks.run_simulation, "delay", refuse)
    assert "The broker does not answer" in leader.post(ask(draft), **MOMENTS)
    assert list(simulation.due()) == [Simulation.objects.get()]


def test_it_takes_the_right_to(draft: PolicyVersion) -> None:
    eve = Visitor(name="eve")
    assert [eve.client.get(ask(draft)).status_code, eve.client.post(ask(draft), MOMENTS).status_code] == [
        403
    ] * 2
    row = SimulationFactory.create()
    assert "0 of 1 moments" in eve.get(page_of(row))
    assert Visitor(name="joan", views=False).client.get(page_of(row)).status_code == 403
    assert Visitor("add_simulation").client.get(f"{LIST}ask/{draft.pk}/nonsense/").status_code == 404
    assert Simulation.objects.count() == 1


def test_a_failed_one_says_why(leader: Visitor) -> None:
    row = SimulationFactory.create(state="failed", error="given up after 5 attempts at one moment.")
    page = leader.get(page_of(row))

    assert "given up after 5 attempts" in page
    assert "http-equiv" not in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"ada", "grace", "joan"}),
        ({"kind__exact": "backtest"}, {"grace"}),
        ({"state__exact": "failed"}, {"joan"}),
        ({"q": "ada"}, {"ada"}),
        ({"policy__id__exact": 0}, set()),
    ],
)
def test_the_list_has_filters(leader: Visitor, query: dict[str, Any], found: set[str]) -> None:
    SimulationFactory.create(requested_by="ada")
    SimulationFactory.create(requested_by="grace", kind="backtest", horizon_days=90)
    SimulationFactory.create(requested_by="joan", state="failed")
    page = leader.get(LIST, **query)

    assert {name for name in ("ada", "grace", "joan") if f">{name}</td>" in page} == found


def test_the_page_takes_as_many_queries_for_many_services(
    draft: PolicyVersion, leader: Visitor, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    row = simulation.request(simulation.Ask(draft, AT, AT, 7), requested_by="ada")
    simulation.work(row.pk)
    row.refresh_from_db()
    rows = row.result["last"]["rows"] * 200
    Simulation.objects.update(result={**row.result, "last": {**row.result["last"], "rows": rows}})

    with django_assert_max_num_queries(9):
        leader.get(page_of(row))

"""Evaluations that people ask for in the admin."""

import pytest
from django.test import Client
from kombu.exceptions import OperationalError

from readiness import tasks
from readiness.models import Evaluation, Service
from tests.admin_pages import FLEET, Visitor, page_of, text
from tests.factories import ServiceFactory
from tests.members import member

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The evaluations that a broker was told of."""
    told: list[int] = []
    monkeypatch.setattr(tasks.run_evaluation, "delay", told.append)
    return told


@pytest.fixture
def services() -> list[Service]:
    """Two services."""
    return list(ServiceFactory.create_batch(2))


def test_evaluating_one_service_asks_for_it_alone(services: list[Service], sent: list[int]) -> None:
    page = Visitor("add_evaluation").post(page_of(services[0], "evaluate"))
    run = Evaluation.objects.get()

    assert sent == [run.pk]
    assert (run.kind, run.services, run.requested_by) == ("live", 1, "ada")
    assert [batch.service_ids for batch in run.batches.all()] == [[services[0].pk]]
    assert "is being evaluated" in page


def test_evaluating_the_fleet_asks_for_every_service(services: list[Service], sent: list[int]) -> None:
    page = Visitor("add_evaluation").post(f"{FLEET}evaluate/")

    assert Evaluation.objects.get(pk=sent[0]).services == 2
    assert "0 of 1 batches" in page


def test_with_a_dead_broker_the_run_is_noted_and_the_page_says_so(
    services: list[Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(key: int) -> None:
        raise OperationalError("nobody listens")

    monkeypatch.setattr(tasks.run_evaluation, "delay", refuse)
    page = Visitor("add_evaluation").post(page_of(services[0], "evaluate"))

    assert Evaluation.objects.get().state == "running"
    assert "The broker does not answer" in page


@pytest.mark.parametrize("method", ["get", "post"])
def test_it_takes_the_right_and_a_post(services: list[Service], sent: list[int], method: str) -> None:
    visitor = Visitor(*([] if method == "post" else ["add_evaluation"]))
    answer = getattr(visitor.client, method)(page_of(services[0], "evaluate"))

    assert answer.status_code == (403 if method == "post" else 405)
    assert not Evaluation.objects.exists()
    assert "Evaluate now" not in Visitor(name="bob").get(page_of(services[0]))


@pytest.mark.parametrize("group", ["developer", "ops engineer"])
def test_members_of_a_team_may_evaluate_its_services_and_no_others(
    services: list[Service], sent: list[int], group: str
) -> None:
    own, other = services
    client = Client()
    client.force_login(member(group, teams=[own.owner]))

    assert "Evaluate now" in text(client.get(page_of(own)))
    assert "Evaluate now" not in text(client.get(page_of(other)))
    assert "Evaluate the fleet now" not in text(client.get("/admin/"))
    assert client.post(page_of(own, "evaluate")).status_code == 302
    assert client.post(page_of(other, "evaluate")).status_code == 403
    assert client.post(f"{FLEET}evaluate/").status_code == 403
    assert [run.services for run in Evaluation.objects.all()] == [1]

"""What the standard groups may do over REST."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from handoff.api.urls import router
from readiness import tasks
from readiness.models import Evaluation, Service, Team
from tests.factories import ServiceFactory, TeamFactory
from tests.members import member
from tests.rest import ROOT, Asker, problem

pytestmark = pytest.mark.django_db

VIEWS = {prefix: viewset for prefix, viewset, _ in router.registry}


def client_of(group: str | None, *teams: Team) -> APIClient:
    """Requests of a log-in of this group, in these teams."""
    client = APIClient()
    client.force_authenticate(member(group, teams=teams))
    return client


@pytest.fixture
def team() -> Team:
    """The team that ada is in."""
    made: Team = TeamFactory.create(slug="builders")
    return made


@pytest.fixture
def own(team: Team) -> Service:
    """A service of that team."""
    made: Service = ServiceFactory.create(slug="shop", owner=team)
    return made


@pytest.fixture
def others() -> Service:
    """A service of another team."""
    made: Service = ServiceFactory.create(slug="bank")
    return made


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.run_evaluation, "delay", lambda key: None)


@pytest.mark.parametrize("prefix", VIEWS)
def test_a_log_in_without_a_group_is_told_whom_to_ask(prefix: str) -> None:
    details = problem(client_of(None).get(f"{ROOT}{prefix}/"))

    assert details["status"] == 403
    assert details["detail"].endswith("ask an SRE lead.")


@pytest.mark.parametrize("prefix", VIEWS)
@pytest.mark.parametrize("group", ["viewer", "developer", "ops engineer", "SRE lead"])
def test_a_member_of_any_group_sees_the_whole_fleet(group: str, prefix: str) -> None:
    assert client_of(group).get(f"{ROOT}{prefix}/").status_code == 200


def test_the_right_to_view_one_list_opens_no_other(own: Service) -> None:
    asker = Asker("view_team", views=False)

    assert asker.client.get(f"{ROOT}teams/").status_code == 200
    assert problem(asker.client.get(f"{ROOT}services/"))["status"] == 403
    assert problem(asker.client.get(f"{ROOT}services/shop/"))["status"] == 403
    assert problem(asker.client.get(f"{ROOT}services/shop/scorecard/"))["status"] == 403


# Starting evaluations --------------------------------------------------------------------------------


def ask(client: APIClient, **body: Any) -> Any:
    return client.post(f"{ROOT}evaluations/", body, format="json")


@pytest.mark.parametrize("group", ["developer", "ops engineer"])
def test_members_of_a_team_may_evaluate_its_services_and_no_others(
    team: Team, own: Service, others: Service, group: str
) -> None:
    client = client_of(group, team)

    assert ask(client, services=["shop"]).status_code == 202
    assert problem(ask(client, services=["bank"]))["detail"] == "Your teams neither own nor run bank."
    assert problem(ask(client, services=["shop", "bank"]))["detail"] == "Your teams neither own nor run bank."
    assert "SRE leads" in problem(ask(client))["detail"]
    assert Evaluation.objects.count() == 1


def test_a_lead_may_evaluate_any_and_the_fleet(own: Service, others: Service) -> None:
    client = client_of("SRE lead")

    assert ask(client, services=["shop", "bank"]).status_code == 202
    assert ask(client).status_code == 202


def test_a_viewer_may_start_none(team: Team, own: Service) -> None:
    client = client_of("viewer", team)

    assert problem(ask(client, services=["shop"]))["status"] == 403
    assert problem(ask(client, services=["nothing"]))["status"] == 403
    assert not Evaluation.objects.exists()

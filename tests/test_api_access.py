"""Who may ask the REST interface, and how it refuses."""

from base64 import b64encode
from typing import Any

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from handoff.api.urls import router
from tests.factories import ServiceFactory
from tests.rest import ROOT, Asker, fields, problem

pytestmark = pytest.mark.django_db

LISTS = [prefix for prefix, _, _ in router.registry]


@pytest.mark.parametrize("prefix", LISTS)
def test_a_list_asks_for_a_log_in_and_answers_those_who_have_one(prefix: str) -> None:
    asker, anonymous = Asker(), APIClient()
    refused = anonymous.get(f"{ROOT}{prefix}/")

    assert asker.rows(f"{prefix}/") == []
    assert problem(refused)["status"] == 401
    assert refused["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    "path", ["services/shop/", "services/shop/scorecard/", "services/shop/history/", "schema/"]
)
def test_a_resource_asks_for_a_log_in_before_it_says_whether_it_exists(path: str) -> None:
    assert problem(APIClient().get(ROOT + path))["status"] == 401
    assert problem(APIClient().get(ROOT + path.replace("shop", "nothing")))["status"] == 401


def test_a_password_is_accepted_and_a_wrong_one_is_not() -> None:
    Asker(name="grace")

    def ask(password: str) -> Any:
        token = b64encode(f"grace:{password}".encode()).decode()
        return APIClient().get(f"{ROOT}teams/", headers={"Authorization": f"Basic {token}"})

    assert ask("secret").status_code == 200
    assert problem(ask("wrong"))["status"] == 401


def test_a_session_is_accepted() -> None:
    client = APIClient()
    client.force_login(Asker().user)

    assert client.get(f"{ROOT}teams/").status_code == 200


def test_the_page_to_try_it_leads_to_the_log_in_and_loads_nothing_from_elsewhere() -> None:
    client = APIClient()
    refused = client.get(f"{ROOT}docs/")
    client.force_login(Asker().user)
    page = client.get(f"{ROOT}docs/").content.decode()

    assert refused.status_code == 302
    assert refused["Location"].startswith(reverse("admin:login"))
    assert "swagger-ui-bundle.js" in page
    assert "https://" not in page


def test_the_root_names_every_list() -> None:
    assert set(Asker().get("")) == set(LISTS)


def test_there_is_no_list_of_people() -> None:
    assert Asker().problem("people/")["status"] == 404


@pytest.mark.parametrize(
    ("path", "words"),
    [("nothing/", "nothing at this address"), ("teams", "end with a slash"), ("%00/", "nothing")],
)
def test_what_is_not_there_is_a_problem(path: str, words: str) -> None:
    details = Asker().problem(path)

    assert details["status"] == 404
    assert details["title"] == "Not Found"
    assert words in details["detail"]
    assert details["instance"].startswith(ROOT)


@pytest.mark.parametrize("path", ["/api/", "/api/v2/services/", "/api/index.html"])
def test_an_address_of_no_version_is_a_problem_too(path: str) -> None:
    assert problem(APIClient().get(path))["status"] == 401
    assert problem(Asker().client.get(path))["status"] == 404
    assert problem(Asker(name="grace").client.post(path))["status"] == 404


@pytest.mark.parametrize("path", ["services/", "systems/", "teams/"])
def test_an_unknown_name_is_a_problem(path: str) -> None:
    assert Asker().problem(f"{path}no.such-thing/")["status"] == 404


@pytest.mark.parametrize("path", ["scorecards/", "evaluations/", "policies/"])
@pytest.mark.parametrize("number", ["1", "999999999999999999", "99999999999999999999", "x", "-1"])
def test_an_unknown_number_is_a_problem(path: str, number: str) -> None:
    assert Asker().problem(f"{path}{number}/")["status"] == 404


@pytest.mark.parametrize(("method", "status"), [("post", 403), ("put", 405), ("patch", 405), ("delete", 405)])
def test_people_write_no_facts_here_whatever_their_rights(method: str, status: int) -> None:
    asker = Asker("add_service", "change_service", "delete_service")
    service = ServiceFactory.create()
    answers = [
        getattr(asker.client, method)(f"{ROOT}{path}", {}, format="json")
        for path in ("services/", f"services/{service.slug}/", "deployments/", "feeds/")
    ]

    assert [problem(each)["status"] for each in answers] == [status] * 4
    assert "GET" in answers[0]["Allow"]


def test_an_answer_that_is_no_json_cannot_be_had() -> None:
    response = Asker().client.get(f"{ROOT}teams/", headers={"Accept": "text/html"})

    assert problem(response)["status"] == 406


def test_a_body_that_is_no_json_is_refused() -> None:
    client = Asker("add_evaluation").client
    form = client.post(f"{ROOT}evaluations/", "at=now", content_type="application/x-www-form-urlencoded")
    broken = client.post(f"{ROOT}evaluations/", "{", content_type="application/json")

    assert problem(form)["status"] == 415
    assert problem(broken)["status"] == 400


def test_what_was_not_foreseen_is_a_problem_that_tells_no_secrets_and_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("the password is 1234")

    asker = Asker()
    monkeypatch.setattr("readiness.api.pagination.CursorPages.paginate_queryset", fails)
    asker.client.raise_request_exception = False
    details = problem(asker.client.get(f"{ROOT}teams/"))

    assert details["status"] == 500
    assert "1234" not in str(details)
    assert "the password is 1234" in caplog.text


@pytest.mark.parametrize("prefix", LISTS)
def test_a_parameter_that_a_list_does_not_know_is_refused_by_name(prefix: str) -> None:
    details = Asker().problem(f"{prefix}/", sevrity="1")

    assert details["status"] == 400
    assert fields(details) == ["sevrity"]

"""Waivers over REST: asking, deciding, ending; what is refused and how; lists with their filters."""

import datetime as dt
import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from handoff import actions
from handoff.models import Transition
from readiness.models import Evaluation, MachineToken, Service, Waiver
from tests.factories import NOW, ServiceFactory, WaiverFactory, ago
from tests.machines import Machine
from tests.rest import ROOT, Asker, fields, problem
from tests.waivers import DAY, TICK, Clock, People, in_state, people, story

pytestmark = pytest.mark.django_db

LIST = f"{ROOT}waivers/"


@pytest.fixture(autouse=True)
def at(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock stands at the moment of the tests."""
    return Clock(monkeypatch)


@pytest.fixture
def around(at: Clock) -> People:
    """Everybody around a service."""
    return people()


def client_of(user: User) -> APIClient:
    """Requests of a log-in."""
    client = APIClient()
    client.force_authenticate(user)
    return client


def post(user: User, path: str = "", **body: Any) -> Any:
    """What somebody is answered who asks or decides."""
    # dumped here: the test's client could not send half a character
    return client_of(user).post(LIST + path, json.dumps(body), content_type="application/json")


ASKED = {
    "service": "pay",
    "target": "telemetry",
    "reason": "Moves to the new collector in August.",
    "url": "https://tickets.example/PAY-1",
    "ends_at": (NOW + 30 * DAY).isoformat(),
}


# Asking ----------------------------------------------------------------------------------------------


def test_asking_answers_the_waiver_and_where_it_is(around: People) -> None:
    response = post(around.developer, **ASKED)
    waiver = Waiver.objects.get()

    assert response.status_code == 201
    assert response["Location"].endswith(f"{LIST}{waiver.pk}/")
    assert response.json() == {
        "id": waiver.pk,
        "service": "pay",
        "target": "telemetry",
        "state": "asked",
        "reason": ASKED["reason"],
        "url": ASKED["url"],
        "author": f"{around.developer.pk} dev",
        "asked_at": "2026-07-01T00:00:00Z",
        "approver": "",
        "approved_at": None,
        "ends_at": "2026-07-31T00:00:00Z",
        "refused_at": None,
        "withdrawn_at": None,
        "revoked_at": None,
        "expired_at": None,
    }
    assert Asker().get(f"waivers/{waiver.pk}/") == response.json()


def test_a_service_may_be_named_by_its_alias(around: People) -> None:
    around.service.aliases.create(name="payments-api")

    assert post(around.developer, **{**ASKED, "service": "payments-api"}).status_code == 201


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"service": "nothing"}, "service"),
        ({"service": "half \ud800"}, "service"),
        ({"target": "smell"}, "target"),
        ({"target": "half \ud800"}, "target"),
        ({"target": "missing_signal"}, "target"),
        ({"reason": " "}, "reason"),
        ({"reason": "half \ud800"}, "reason"),
        ({"reason": None}, "reason"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"ends_at": NOW.isoformat()}, "ends_at"),
        ({"ends_at": (NOW + 180 * DAY + TICK).isoformat()}, "ends_at"),
        ({"ends_at": "2026-08-01T00:00:00"}, "ends_at"),
        ({"ends_at": "soon"}, "ends_at"),
        ({"untill": "2026-08-01"}, "untill"),
    ],
)
def test_what_is_wrong_is_said_of_its_field(around: People, changes: dict[str, Any], field: str) -> None:
    details = problem(post(around.developer, **{**ASKED, **changes}))

    assert (details["status"], fields(details)) == (400, [field])
    assert not Waiver.objects.exists()


@pytest.mark.parametrize("missing", ["service", "target", "reason", "ends_at"])
def test_what_is_missing_is_said(around: People, missing: str) -> None:
    body = {name: value for name, value in ASKED.items() if name != missing}

    assert fields(problem(post(around.developer, **body))) == [missing]


def test_asking_for_what_is_asked_for_already_is_a_conflict_with_the_state(around: People) -> None:
    assert post(around.developer, **ASKED).status_code == 201
    response = post(around.lead, **ASKED)

    assert (response.status_code, response.json()["state"]) == (409, "asked")
    assert response["Content-Type"] == "application/problem+json"
    assert Waiver.objects.count() == 1


@pytest.mark.parametrize("name", ["stranger", "viewer"])
def test_who_may_not_ask_is_told_and_not_whether_there_is_such_a_service(around: People, name: str) -> None:
    user = getattr(around, name)

    assert problem(post(user, **ASKED))["status"] == 403
    if name == "viewer":
        assert problem(post(user, **{**ASKED, "service": "nothing"}))["status"] == 403
    assert not Waiver.objects.exists()


def test_a_log_in_without_the_right_to_view_waivers_may_nothing(around: People) -> None:
    waiver = around.ask()
    blind = User.objects.create_user("blind")
    blind.user_permissions.set(Permission.objects.filter(codename__in=["add_waiver", "decide_waiver"]))

    assert problem(post(blind, **ASKED))["status"] == 403
    assert problem(post(blind, f"{waiver.pk}/approve/"))["status"] == 403


def test_a_machine_s_token_neither_asks_nor_decides(around: People) -> None:
    waiver, machine = around.ask(), Machine()
    machine_user = MachineToken.objects.get().user
    machine_user.user_permissions.set(Permission.objects.filter(codename__contains="waiver"))
    client = APIClient(headers={"Authorization": f"Token {machine.text}"})
    for path, body in (("", ASKED), (f"{waiver.pk}/approve/", {})):
        details = problem(client.post(LIST + path, body, format="json"))
        assert details["status"] == 403
        assert "people do" in details["detail"]
    assert problem(client.get(LIST))["status"] == 403
    assert waiver.state == "asked"


def test_nobody_at_all_is_asked_to_log_in(around: People) -> None:
    waiver = around.ask()
    for path in ("", f"{waiver.pk}/approve/"):
        assert problem(APIClient().post(LIST + path, ASKED, format="json"))["status"] == 401


# Deciding and ending ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "verb", "by", "reached"),
    [
        ("asked", "approve", "lead", "live"),
        ("asked", "approve", "ops", "live"),
        ("asked", "refuse", "lead", "refused"),
        ("asked", "withdraw", "developer", "withdrawn"),
        ("live", "revoke", "lead", "revoked"),
        ("live", "revoke", "developer", "revoked"),
    ],
)
def test_a_legal_move_is_answered_with_the_waiver_as_it_is_by_now(
    around: People, at: Clock, state: str, verb: str, by: str, reached: str
) -> None:
    waiver = in_state(around, state, at)
    Evaluation.objects.all().delete()
    response = post(getattr(around, by), f"{waiver.pk}/{verb}/", reason="Looked at it.")

    assert response.status_code == 200, response.content
    assert response.json()["state"] == reached
    assert response.json() == Asker().get(f"waivers/{waiver.pk}/")
    assert story(waiver)[-1] == f"{verb}: {state} > {reached}"
    assert Transition.objects.latest("pk").reason == "Looked at it."
    assert Evaluation.objects.exists() is ("live" in {state, reached})


@pytest.mark.parametrize("verb", ["approve", "withdraw"])
def test_what_needs_no_reason_needs_no_body(around: People, verb: str) -> None:
    waiver = around.ask()
    user = around.lead if verb == "approve" else around.developer

    assert client_of(user).post(f"{LIST}{waiver.pk}/{verb}/").status_code == 200


@pytest.mark.parametrize("body", [{}, {"reason": " "}, {"reason": "x", "resaon": "y"}])
@pytest.mark.parametrize("verb", ["refuse", "revoke"])
def test_refusing_and_revoking_take_a_reason(
    around: People, at: Clock, verb: str, body: dict[str, str]
) -> None:
    waiver = in_state(around, "asked" if verb == "refuse" else "live", at)
    details = problem(post(around.lead, f"{waiver.pk}/{verb}/", **body))

    assert (details["status"], fields(details)) == (400, ["resaon" if "resaon" in body else "reason"])


@pytest.mark.parametrize(
    ("verb", "by", "said"),
    [
        ("approve", "developer", "another person"),
        ("refuse", "developer", "another person"),
        ("approve", "stranger", "takes an SRE lead"),
        ("refuse", "viewer", "takes an SRE lead"),
        ("withdraw", "lead", "Only who asked"),
    ],
)
def test_who_may_not_is_told_why(around: People, verb: str, by: str, said: str) -> None:
    waiver = around.ask()
    details = problem(post(getattr(around, by), f"{waiver.pk}/{verb}/", reason="x"))

    assert details["status"] == 403
    assert said in details["detail"]
    assert story(waiver) == ["ask:  > asked"]


@pytest.mark.parametrize("state", ["live", "refused", "withdrawn", "revoked", "expired"])
def test_what_somebody_else_did_first_is_a_conflict_with_the_current_state(
    around: People, at: Clock, state: str
) -> None:
    waiver = in_state(around, state, at)
    response = post(around.lead, f"{waiver.pk}/approve/")

    assert (response.status_code, response.json()["state"]) == (409, state)
    assert f"is {state} by now" in response.json()["detail"]


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_nobody_edits_or_deletes_one(around: People, method: str) -> None:
    waiver = around.ask()

    assert getattr(client_of(around.lead), method)(f"{LIST}{waiver.pk}/", {}).status_code == 405


def test_what_is_not_there_is_not_found(around: People) -> None:
    assert problem(post(around.lead, "999/approve/"))["status"] == 404
    assert problem(client_of(around.lead).get(f"{LIST}999/"))["status"] == 404


# Lists -----------------------------------------------------------------------------------------------


@pytest.fixture
def several() -> None:
    """One of each state, of two services."""
    pay, quote = ServiceFactory.create(slug="pay"), ServiceFactory.create(slug="quote")
    pay.aliases.create(name="payments-api")
    ways: list[tuple[str, Service, dict[str, Any]]] = [
        ("telemetry", pay, {}),
        ("defects", pay, {"asked": True, "reason": "A new tracker."}),
        ("coupling", pay, {"asked": True, "refused_at": ago(hours=1)}),
        ("stability", quote, {"asked": True, "withdrawn_at": ago(hours=1)}),
        ("pipeline", quote, {"revoked_at": ago(days=1)}),
        ("on_call", quote, {"approved_at": ago(days=30), "ends_at": ago(days=2)}),
    ]
    for target, service, values in ways:
        WaiverFactory.create(service=service, target=target, **values)


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"telemetry", "defects", "coupling", "stability", "pipeline", "on_call"}),
        ({"service": "payments-api"}, {"telemetry", "defects", "coupling"}),
        ({"target": "pipeline"}, {"pipeline"}),
        ({"target": "smell"}, set()),
        ({"state": "asked"}, {"defects"}),
        ({"state": "live"}, {"telemetry"}),
        ({"state": ["refused", "withdrawn"]}, {"coupling", "stability"}),
        ({"state": "revoked"}, {"pipeline"}),
        ({"state": "expired"}, {"on_call"}),
        ({"at": NOW.isoformat()}, {"telemetry"}),
        ({"at": ago(days=1, seconds=1).isoformat()}, {"telemetry", "pipeline"}),
        ({"at": ago(days=2).isoformat()}, {"telemetry", "pipeline"}),
        ({"at": ago(days=2, seconds=1).isoformat()}, {"telemetry", "pipeline", "on_call"}),
        ({"at": ago(days=20).isoformat()}, {"on_call"}),
        ({"search": "tracker"}, {"defects"}),
    ],
)
def test_lists_are_filtered(query: dict[str, Any], found: set[str]) -> None:
    assert {row["target"] for row in Asker().rows("waivers/", **query)} == found


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize(
    ("query", "field"),
    [({"state": "lively"}, "state"), ({"at": "2026-07-01T00:00:00"}, "at"), ({"service": "no"}, "service")],
)
def test_a_filter_that_means_nothing_is_refused(query: dict[str, str], field: str) -> None:
    details = Asker().problem("waivers/", **query)

    assert (details["status"], fields(details)) == (400, [field])


@pytest.mark.usefixtures("several")
def test_a_list_is_ordered() -> None:
    asker = Asker()
    ends = [row["ends_at"] for row in asker.rows("waivers/", ordering="ends_at")]
    targets = [row["target"] for row in asker.rows("waivers/", ordering="-target")]

    assert ends == sorted(ends)
    assert targets == sorted(targets, reverse=True)


def test_it_takes_the_right_to_view_waivers() -> None:
    assert Asker("view_service", views=False).problem("waivers/")["status"] == 403


@pytest.mark.parametrize("rows", [3, 30])
def test_a_list_by_state_takes_as_many_queries_for_many_rows_as_for_few(
    rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    WaiverFactory.create_batch(rows)
    asker = Asker()
    with django_assert_num_queries(3):  # the log-in's own rights, those of its groups, the rows
        assert len(asker.rows("waivers/", state="live", at=NOW.isoformat(), page_size=500)) == rows


def test_a_decision_moves_its_service_s_newest_verdict_by_row_not_by_message(around: People) -> None:
    waiver = around.ask()
    post(around.lead, f"{waiver.pk}/approve/")
    run = Evaluation.objects.get()

    assert (run.state, run.services, run.at) == ("running", 1, dt.datetime(2026, 7, 1, tzinfo=dt.UTC))
    assert actions.waiver_moves(Waiver.objects.get(), around.lead) == {"revoke": ""}

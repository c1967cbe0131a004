"""Consultants over REST: lists, naming, ending and notes, for people with the right, never for tokens."""

import datetime as dt
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from handoff.models import AdviceNote, Consultant, Transition
from readiness import clock
from readiness.models import Person, Service
from tests.factories import (
    NOW,
    AdviceNoteFactory,
    ConsultantFactory,
    PersonFactory,
    ServiceAliasFactory,
    ServiceFactory,
    TeamFactory,
    ago,
)
from tests.machines import Machine
from tests.members import member
from tests.rest import ROOT, Asker, fields, problem

pytestmark = pytest.mark.django_db

PATH = f"{ROOT}consultants/"


@pytest.fixture(autouse=True)
def _standing(settings: Settings) -> None:
    """The clock stands a minute after the moment of the tests."""
    settings.CLOCK_OFFSET = NOW + dt.timedelta(minutes=1) - clock.real_now()


@pytest.fixture
def asker() -> Asker:
    """Somebody who may view everything and name consultants."""
    return Asker("add_consultant")


@pytest.fixture
def shop() -> Service:
    """A service that its developers run."""
    made: Service = ServiceFactory.create(slug="shop", developer_managed=True)
    return made


@pytest.fixture
def linus() -> Person:
    """Somebody of a team that operates a service."""
    team = TeamFactory.create(slug="sre")
    ServiceFactory.create(slug="mail", ops_team=team, ops_managed=True)
    made: Person = PersonFactory.create(slug="linus", name="Linus", teams=[team])
    return made


@pytest.fixture
def consultant(shop: Service, linus: Person) -> Consultant:
    """Linus has advised on the shop for a hundred days, last three days ago."""
    made: Consultant = ConsultantFactory.create(service=shop, person=linus)
    AdviceNoteFactory.create(consultant=made, given_on=ago(days=95).date(), hours="4")
    AdviceNoteFactory.create(consultant=made, given_on=ago(days=3).date(), hours="1.25", text="newest")
    return made


def client_of(group: str | None, *, name: str = "ada") -> APIClient:
    client = APIClient()
    client.force_authenticate(member(group, name=name))
    return client


def post(asker: Asker | APIClient, path: str, **body: Any) -> Any:
    client = asker.client if isinstance(asker, Asker) else asker
    return client.post(PATH + path, body, format="json")


# Reading ---------------------------------------------------------------------------------------------


def test_a_list_says_who_advises_and_how_much(asker: Asker, consultant: Consultant) -> None:
    assert asker.rows("consultants/") == [
        {
            "id": consultant.pk,
            "service": "shop",
            "person": "linus",
            "name": "Linus",
            "state": "advising",
            "began_at": "2026-03-23T00:00:00Z",
            "ended_at": None,
            "hours": 5.25,
            "notes_written": 2,
            "hours_90_days": 1.25,
            "notes_written_90_days": 1,
            "newest_note_on": "2026-06-28",
        }
    ]


def test_one_alone_has_its_notes_the_newest_first(asker: Asker, consultant: Consultant) -> None:
    said = asker.get(f"consultants/{consultant.pk}/")

    assert [(note["text"], note["hours"]) for note in said["notes"]] == [
        ("newest", 1.25),
        ("Alert on symptoms, not on causes.", 4.0),
    ]
    assert {"id", "given_on", "author", "written_at"} < said["notes"][0].keys()
    assert problem(asker.client.get(f"{PATH}999999/"))["status"] == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"linus", "ended"}),
        ({"service": "shop"}, {"linus"}),
        ({"service": "the-shop"}, {"linus"}),
        ({"person": "ended"}, {"ended"}),
        ({"person": ["ended", "linus"]}, {"linus", "ended"}),
        ({"advising": "true"}, {"linus"}),
        ({"advising": "false"}, {"ended"}),
        ({"from": "2026-06-30T00:00:00Z"}, {"linus"}),
        ({"to": "2026-03-01T00:00:00Z"}, set()),
        ({"search": "linu"}, {"linus"}),
    ],
)
def test_it_is_filtered(asker: Asker, consultant: Consultant, query: dict[str, Any], found: set[str]) -> None:
    ServiceAliasFactory.create(name="the-shop", service=consultant.service)
    ConsultantFactory.create(ended=True, person__slug="ended")

    assert {row["person"] for row in asker.rows("consultants/", **query)} == found


@pytest.mark.parametrize(
    ("query", "field"),
    [({"service": "no"}, "service"), ({"person": "no"}, "person"), ({"advising": "x"}, "advising")],
)
def test_a_filter_by_what_is_not_there_is_refused(asker: Asker, query: dict[str, str], field: str) -> None:
    assert fields(asker.problem("consultants/", **query)) == [field]


def test_a_filter_does_not_tell_who_exists(consultant: Consultant) -> None:
    """Viewers may see consultants, and not who else there is."""
    PersonFactory.create(slug="olga")
    viewer = client_of("viewer")

    answers = [problem(viewer.get(PATH, {"person": name})) for name in ("olga", "nobody")]
    assert [each["errors"][0]["reason"] for each in answers] == ["there is no olga", "there is no nobody"]


def test_it_is_paged_by_each_of_its_orderings(asker: Asker) -> None:
    ConsultantFactory.create_batch(3)
    ConsultantFactory.create_batch(2, ended=True)

    for ordering in ("began_at", "-ended_at", "ended_at", "service", "-person"):
        pages = asker.walk("consultants/", ordering=ordering, page_size=2)
        assert len({row["id"] for page in pages for row in page}) == 5


@pytest.mark.parametrize("rows", [3, 30])
def test_a_list_takes_one_query_and_one_alone_two(
    rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    several = ConsultantFactory.create_batch(rows)
    for each in several:
        AdviceNoteFactory.create_batch(rows, consultant=each)
    asker = Asker()

    # after those for the permissions of the log-in
    with django_assert_num_queries(2 + 1):
        assert len(asker.rows("consultants/")) == rows
    with django_assert_num_queries(2):
        assert len(asker.get(f"consultants/{several[0].pk}/")["notes"]) == rows


# Naming ----------------------------------------------------------------------------------------------


def test_somebody_is_named(asker: Asker, shop: Service, linus: Person) -> None:
    answer = post(asker, "", service="shop", person="linus", reason="nobody did")

    made = Consultant.objects.get()
    assert answer.status_code == 201
    assert answer["Location"].endswith(f"/api/v1/consultants/{made.pk}/")
    assert answer.json() == asker.get(f"consultants/{made.pk}/")
    assert (made.service, made.person) == (shop, linus)
    assert Transition.objects.get().reason == "nobody did"


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({"service": "nope"}, "service", "there is no nope"),
        ({"person": "nope"}, "person", "there is no nope"),
        ({"person": "dev"}, "person", "Dev is in no team that operates services."),
        (
            {"service": "mail"},
            "service",
            "mail is retired or run by operations: consultants advise developers.",
        ),
        ({"service": None}, "service", "This field may not be null."),
        ({"person": "li\0nus"}, "person", "Null characters are not allowed."),
        ({"reasn": "x"}, "reasn", "is no parameter here; there are person, reason, service"),
    ],
)
def test_a_slip_is_answered_with_its_field(
    asker: Asker, shop: Service, linus: Person, body: dict[str, Any], field: str, says: str
) -> None:
    PersonFactory.create(slug="dev", name="Dev")
    details = problem(post(asker, "", **{"service": "shop", "person": "linus", **body}))

    assert details["status"] == 400
    assert details["errors"] == [{"field": field, "reason": says}]
    assert not Consultant.objects.exists()


def test_who_advises_already_is_a_conflict_with_the_state(asker: Asker, consultant: Consultant) -> None:
    answer = post(asker, "", service="shop", person="linus")

    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["state"] == "advising"
    assert answer.json()["detail"] == "Linus advises on shop already."
    assert Consultant.objects.count() == 1


# Ending ----------------------------------------------------------------------------------------------


def test_it_is_ended_once(asker: Asker, consultant: Consultant) -> None:
    answer = post(asker, f"{consultant.pk}/end/", reason="moves on")

    assert answer.status_code == 200
    assert (answer.json()["state"], len(answer.json()["notes"])) == ("ended", 2)
    assert Transition.objects.get().reason == "moves on"

    again = post(asker, f"{consultant.pk}/end/")
    assert (again.status_code, again.json()["state"]) == (409, "ended")
    assert "ended by now" in again.json()["detail"]


def test_an_end_needs_no_reason_and_takes_nothing_else(asker: Asker, consultant: Consultant) -> None:
    assert fields(problem(post(asker, f"{consultant.pk}/end/", reasn="x"))) == ["reasn"]
    assert post(asker, f"{consultant.pk}/end/").status_code == 200


# Notes -----------------------------------------------------------------------------------------------

NOTE = {"given_on": "2026-06-30", "hours": 1.5, "text": "Split the queue."}


def test_a_note_is_written(asker: Asker, consultant: Consultant) -> None:
    answer = post(asker, f"{consultant.pk}/notes/", **NOTE)

    assert answer.status_code == 201
    assert {name: answer.json()[name] for name in NOTE} == NOTE
    assert answer.json()["author"] == f"{asker.user.pk} ada"
    assert asker.get(f"consultants/{consultant.pk}/")["notes_written"] == 3


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"hours": 25}, "hours"),
        ({"hours": "NaN"}, "hours"),
        ({"hours": 1.234}, "hours"),
        ({"hours": -1}, "hours"),
        ({"text": " "}, "text"),
        ({"given_on": "2026-07-02"}, "given_on"),
        ({"given_on": "2026-03-22"}, "given_on"),
        ({"given_on": "soon"}, "given_on"),
        ({"houres": 2}, "houres"),
    ],
)
def test_a_slip_in_a_note_is_answered_with_its_field(
    asker: Asker, consultant: Consultant, body: dict[str, Any], field: str
) -> None:
    details = problem(post(asker, f"{consultant.pk}/notes/", **{**NOTE, **body}))

    assert (details["status"], fields(details)) == (400, [field])
    assert AdviceNote.objects.count() == 2


def test_a_note_of_a_day_after_the_end_is_a_conflict(asker: Asker) -> None:
    over = ConsultantFactory.create(ended=True)
    answer = post(asker, f"{over.pk}/notes/", **NOTE)

    assert (answer.status_code, answer.json()["state"]) == (409, "ended")
    assert post(asker, f"{over.pk}/notes/", **{**NOTE, "given_on": "2026-06-26"}).status_code == 201


def test_the_consultants_own_log_in_may_write_notes_alone(consultant: Consultant) -> None:
    client = client_of("viewer", name="ken")
    own = ConsultantFactory.create(service=consultant.service, person=Person.objects.get(name="ken"))

    assert post(client, f"{own.pk}/notes/", **NOTE).status_code == 201
    assert problem(post(client, f"{own.pk}/end/"))["status"] == 403
    assert problem(post(client, f"{consultant.pk}/notes/", **NOTE))["status"] == 403


# Who may ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["ops engineer", "SRE lead"])
def test_ops_engineers_and_leads_act(group: str, shop: Service, linus: Person) -> None:
    client = client_of(group)
    made = post(client, "", service="shop", person="linus")

    assert made.status_code == 201
    assert (
        post(client, f"{made.json()['id']}/notes/", **{**NOTE, "given_on": "2026-07-01"}).status_code == 201
    )
    assert post(client, f"{made.json()['id']}/end/").status_code == 200


@pytest.mark.parametrize("group", ["viewer", "developer"])
def test_others_read_and_are_told_who_may(group: str, consultant: Consultant) -> None:
    client = client_of(group)

    assert client.get(f"{PATH}{consultant.pk}/").json()["name"] == "Linus"
    # whatever they name: they learn nothing of who there is
    for path, body in (
        ("", {"service": "x", "person": "y"}),
        (f"{consultant.pk}/end/", {"x": 1}),
        (f"{consultant.pk}/notes/", {}),
    ):
        details = problem(post(client, path, **body))
        assert details["status"] == 403
        assert "ops engineers and SRE leads" in details["detail"]
    assert Consultant.objects.get().ended_at is None


@pytest.mark.parametrize("path", ["", "{}/end/", "{}/notes/"])
def test_a_token_acts_on_nothing_and_a_stranger_neither(path: str, consultant: Consultant) -> None:
    address = PATH + path.format(consultant.pk)
    machine, stranger = APIClient(), APIClient()
    machine.credentials(HTTP_AUTHORIZATION=f"Token {Machine().text}")

    assert "people do, with their own log-in" in problem(machine.post(address, {}, format="json"))["detail"]
    assert problem(stranger.post(address, {}, format="json"))["status"] == 401
    assert problem(client_of(None).post(address, {}, format="json"))["status"] == 403


def test_the_right_to_name_without_the_right_to_view_opens_nothing(consultant: Consultant) -> None:
    asker = Asker("add_consultant", views=False)

    assert problem(asker.client.get(PATH))["status"] == 403
    assert problem(post(asker, f"{consultant.pk}/end/"))["status"] == 403


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_nothing_is_changed_or_deleted_otherwise(method: str, asker: Asker, consultant: Consultant) -> None:
    assert getattr(asker.client, method)(f"{PATH}{consultant.pk}/").status_code == 405
    assert asker.client.get(f"{PATH}{consultant.pk}/end/").status_code == 405

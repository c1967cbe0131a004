"""Two requests that write the same at the same time: both are answered, and what both wrote is there."""

import threading
from typing import Any

import pytest
from django.db import connection

from readiness.models import Service, ServiceAlias, System, Team
from tests.factories import ServiceFactory
from tests.machines import Machine, record

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("_a_database_for_many"),
]

REQUESTS = 4


@pytest.fixture
def _a_database_for_many() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("one connection writes at a time on SQLite; CI runs this on PostgreSQL")


@pytest.fixture
def machine(_a_database_for_many: None) -> Machine:
    """A machine that may write everything, for pay and shop, each of a team of its own."""
    for slug in ("pay", "shop"):
        ServiceFactory.create(slug=slug, owner__slug=f"{slug}-team")
    return Machine()


def at_once(machine: Machine, path: str, *bodies: Any) -> list[Any]:
    """What each body is answered, all sent at the same moment."""
    answers: list[Any] = [None] * len(bodies)
    start = threading.Barrier(len(bodies))

    def send(number: int) -> None:
        start.wait()
        try:
            answers[number] = machine.post(path, bodies[number])
        finally:
            connection.close()

    senders = [threading.Thread(target=send, args=(number,)) for number in range(len(bodies))]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(60)
    return answers


def results(answers: list[Any]) -> list[str]:
    """What became of the only record of each."""
    return sorted(answer.json()["results"][0]["result"] for answer in answers)


@pytest.mark.parametrize("path", ["teams", "systems", "services"])
def test_a_row_of_the_catalogue_is_made_once(machine: Machine, path: str) -> None:
    owner = {"owner": "pay-team"} if path == "services" else {}
    said = [{"slug": "new", "title": f"title {number}", **owner} for number in range(REQUESTS)]

    assert results(at_once(machine, path, *said)) == ["created", *["updated"] * (REQUESTS - 1)]
    model = {"teams": Team, "systems": System, "services": Service}[path]
    assert model.objects.filter(slug="new").count() == 1  # type: ignore[attr-defined]  # each has a manager


def test_a_name_is_given_to_one_service(machine: Machine) -> None:
    said = [{"slug": slug, "aliases": ["both"]} for slug in ("pay", "shop", "pay", "shop")]

    assert results(at_once(machine, "services", *said)).count("rejected") == 2
    assert ServiceAlias.objects.count() == 1


def test_nothing_undoes_what_another_request_changed(machine: Machine) -> None:
    both = [
        [{"slug": "pay", "tier": 1}, {"slug": "shop", "title": "Shop"}],
        [{"slug": "pay", "title": "Pay"}, {"slug": "shop", "tier": 1}],
    ]
    at_once(machine, "services", *both)
    assert set(Service.objects.values_list("title", "tier")) == {("Pay", 1), ("Shop", 1)}


def test_a_row_of_evidence_is_stored_once_in_whatever_order(machine: Machine) -> None:
    rows = [record("defects", f"r-{number}") for number in range(50)]
    answers = at_once(machine, "defects", rows, rows[::-1], rows, rows[::-1])

    assert {answer.status_code for answer in answers} == {200}
    assert Service.objects.get(slug="pay").defects.count() == len(rows)

"""The gate over REST: the command's answers, 409 where the question does not apply, and who may ask."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from readiness import clock
from readiness.management.commands.evaluate import Command as Evaluate
from readiness.management.commands.gate import Command as Gate
from readiness.models import Service, Waiver
from tests.command_line import answer
from tests.machines import Machine
from tests.rest import ROOT, Asker, fields, problem

AT = datetime(2026, 7, 1, tzinfo=UTC)
JUDGED = ("model", "quote", "ledger", "fresh", "steady", "away")


@pytest.fixture
def asker(worked_fleet_once: None, db: None, monkeypatch: pytest.MonkeyPatch) -> Asker:
    """Somebody who may view services, three hours after they were judged."""
    monkeypatch.setattr(clock, "now", lambda: AT)
    answer(Evaluate(), *(f"--service={slug}" for slug in JUDGED))
    monkeypatch.setattr(clock, "now", lambda: AT + timedelta(hours=3))
    return Asker("view_service")


def gate(asker: Asker, slug: str, **query: str) -> dict[str, Any]:
    """A good answer."""
    return asker.get(f"services/{slug}/gate/", **query)


def test_the_answer_is_that_of_the_command(asker: Asker) -> None:
    told = {}
    for slug, question in (
        ("model", "handoff"),
        ("quote", "deploy"),
        ("ledger", "deploy"),
        ("mail", "deploy"),
    ):
        shown = gate(asker, slug, **{"for": question})
        command = answer(Gate(), slug, f"--for={question}", "--format=json")
        assert [shown] == command.documents
        assert shown["exit_code"] == command.status
        told[slug] = (shown["answer"], shown["exit_code"])

    assert told == {
        "model": ("ready", 0),
        "quote": ("not_ready", 1),
        "ledger": ("cannot_tell", 2),
        "mail": ("cannot_tell", 2),
    }


def test_the_age_is_told_and_how_old_it_may_be_can_be_asked(asker: Asker) -> None:
    shown = gate(asker, "model", **{"for": "handoff"})
    assert (shown["age_seconds"], shown["max_age_seconds"], shown["stale"]) == (10_800, 172_800, False)
    assert shown["at"] == AT.isoformat()

    shown = gate(asker, "model", **{"for": "handoff", "max_age": "90m"})
    assert (shown["answer"], shown["stale"], shown["max_age_seconds"]) == ("cannot_tell", True, 5_400)


def test_the_gate_does_not_block_the_cure(asker: Asker) -> None:
    shown = gate(asker, "quote", **{"for": "deploy", "remediates": "tests:dep-125"})

    assert (shown["answer"], shown["remediates"]) == ("ready", "tests:dep-125")


def test_a_question_that_does_not_apply_is_a_conflict(asker: Asker) -> None:
    for slug, question in (
        ("steady", "handoff"),
        ("fresh", "handoff"),
        ("model", "launch"),
        ("away", "deploy"),
    ):
        details = asker.problem(f"services/{slug}/gate/", **{"for": question})

        assert details["status"] == 409
        assert details["detail"].startswith(f"{slug} is ")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "for"),
        ({"for": "holiday"}, "for"),
        ({"for": "deploy", "max_age": "soon"}, "max_age"),
        ({"for": "handoff", "remediates": "dep-1"}, "remediates"),
        ({"for": "deploy", "force": "yes"}, "force"),
    ],
)
@pytest.mark.django_db
def test_what_cannot_be_asked_is_refused_by_name(query: dict[str, str], field: str) -> None:
    details = Asker("view_service").problem("services/pay/gate/", **query)

    assert (details["status"], fields(details)) == (400, [field])


def test_an_unknown_service_is_not_found_and_an_alias_is_as_good_as_a_slug(asker: Asker) -> None:
    Service.objects.get(slug="model").aliases.create(name="figurine")

    assert asker.problem("services/nothing/gate/", **{"for": "deploy"})["status"] == 404
    assert gate(asker, "figurine", **{"for": "deploy"})["service"] == "model"


def test_waivers_that_it_relied_on_are_told_and_one_that_has_ended_is_relied_on_no_more(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    waived: dict[str, Any] = {"author": "dev", "approver": "lead", "reason": "Moving."}
    waived |= dict.fromkeys(("asked_at", "approved_at"), AT - timedelta(days=1))
    quote = Service.objects.get(slug="quote")
    targets = ("defects", "stability", "open_sev1_defect", "unremediated_change")
    for target in targets:
        Waiver.objects.create(service=quote, target=target, ends_at=AT + timedelta(hours=9), **waived)
    answer(Evaluate(), "--service=quote")

    shown = gate(asker, "quote", **{"for": "handoff"})
    assert shown["answer"] == "ready", shown["reasons"]
    assert sorted(each["target"] for each in shown["waivers"]) == sorted(targets)
    assert shown["waivers"][0]["text"] == "defects until 2026-07-01, approved by lead: Moving."

    monkeypatch.setattr(clock, "now", lambda: AT + timedelta(hours=9))
    shown = gate(asker, "quote", **{"for": "handoff"})
    assert (shown["answer"], shown["stale"]) == ("cannot_tell", False)
    assert "by the waiver of defects, which has ended" in shown["reasons"][0]


# Who may ask -----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_it_takes_a_log_in_that_may_view_services() -> None:
    path = f"{ROOT}services/pay/gate/"

    assert problem(APIClient().get(path, {"for": "deploy"}))["status"] == 401
    assert Asker(views=False).problem("services/pay/gate/", **{"for": "deploy"})["status"] == 403


def test_a_machine_may_ask_about_the_services_that_it_writes_for(asker: Asker) -> None:
    machine = Machine(services=["model"], name="one").client
    any_service = Machine(services=["*"], name="all").client

    def ask(client: APIClient, slug: str) -> int:
        return client.get(f"{ROOT}services/{slug}/gate/", {"for": "deploy"}).status_code

    assert [ask(machine, slug) for slug in ("model", "quote", "nothing")] == [200, 403, 404]
    assert [ask(any_service, slug) for slug in ("model", "quote", "nothing")] == [200, 200, 404]
    # and reads nothing else
    assert machine.get(f"{ROOT}services/model/").status_code == 403

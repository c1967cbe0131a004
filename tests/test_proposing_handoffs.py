"""Handoffs as people propose and answer them, in the admin and over REST."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from handoff import actions
from handoff.models import Case, Transition
from readiness.models import ManagementChange
from tests.admin_pages import text
from tests.handing_back import Place
from tests.rest import ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """A service that its developers run."""
    made = Place(monkeypatch)
    ManagementChange.objects.create(
        service=made.service,
        state="developer_managed",
        effective_at=made.now - dt.timedelta(hours=1),
        way="handback_repair",
        actor="test",
        reason="For the test.",
        recorded_at=made.now,
    )
    return made


def test_a_person_proposes_whatever_the_verdict_and_another_rejects(place: Place) -> None:
    place.pass_time()
    card = place.judge(None)

    case = actions.propose_handoff(place.service, reason="It has been quiet for a year.", by=place.dev)

    assert (case.kind, case.state, case.trigger, case.verdict) == ("handoff", "proposed", "person", "")
    assert list(case.scorecards.all()) == [card]
    with pytest.raises(actions.NotAllowedError):
        actions.reject_handoff(case, by=place.dev, reason="No.")
    with pytest.raises(actions.InvalidError):
        actions.reject_handoff(case, by=place.eng, reason=" ")

    actions.reject_handoff(case, by=place.eng, reason="Nobody has room for it.")

    case.refresh_from_db()
    assert (case.state, case.ended_at) == ("rejected", place.now)
    told = Transition.objects.filter(subject="case").order_by("pk").values_list("about", "move", "to_state")
    assert list(told) == [("handoff", "propose", "proposed"), ("handoff", "reject", "rejected")]
    with pytest.raises(actions.MovedError):
        actions.withdraw_handoff(case, by=place.dev, reason="Too late.")


def test_who_proposed_withdraws_and_nobody_else(place: Place) -> None:
    case = actions.propose_handoff(place.service, reason="It is quiet.", by=place.dev)

    assert "Only who proposed it" in actions.case_obstacle(case, "withdraw", place.lead)
    actions.withdraw_handoff(case, by=place.dev, reason="We wait for the new release.")

    assert Case.objects.get().state == "withdrawn"


@pytest.mark.parametrize("why", ["stranger", "run by operations", "deprecated", "retired", "open case"])
def test_what_cannot_be_handed_off_is_refused_with_the_reason(place: Place, why: str) -> None:
    by, service = (place.stranger if why == "stranger" else place.dev), place.service
    if why == "run by operations":
        service = place.another("orders")
    elif why == "open case":
        actions.propose_handoff(service, reason="It is quiet.", by=place.lead)
    else:
        service.deprecated = why == "deprecated"
        service.lifecycle = "retired" if why == "retired" else service.lifecycle
        service.save()

    assert actions.proposing_obstacle(service, "handoff", by)
    with pytest.raises(actions.RefusedError):
        actions.propose_handoff(service, reason="It is quiet.", by=by)

    assert Case.objects.filter(service=service).count() == (why == "open case")


def test_findings_and_plans_are_of_handbacks_and_comments_of_both(place: Place) -> None:
    case = actions.propose_handoff(place.service, reason="It is quiet.", by=place.dev)

    with pytest.raises(actions.InvalidError):
        actions.add_finding(case, kind="code", severity=2, text="Slow.", by=place.dev)
    actions.comment_case(case, text="We looked at the load.", by=place.eng)

    assert case.comments.count() == 1


def test_the_database_refuses_a_handoff_of_a_kind_or_in_a_state_of_handbacks(place: Place) -> None:
    case = actions.propose_handoff(place.service, reason="It is quiet.", by=place.dev)

    for changes in ({"handback_kind": "repair"}, {"kind": "handback"}, {"state": "joint_repair"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Case.objects.filter(pk=case.pk).update(**changes)


def test_the_page_of_the_service_leads_to_a_proposal_and_its_page_to_an_answer(place: Place) -> None:
    developer, engineer = Client(), Client()
    for client, user in ((developer, place.dev), (engineer, place.eng)):
        user.is_staff = True
        user.save()
        client.force_login(user)
    propose = reverse("admin:handoff_case_propose_handoff", args=[place.service.pk])

    page = text(developer.get(reverse("admin:readiness_service_change", args=[place.service.pk])))
    assert propose in page
    assert "Propose a handback" not in page
    page = text(developer.post(propose, {"reason": "It is quiet."}, follow=True))
    case = Case.objects.get()

    assert "Proposed that operations take" in page
    assert "It is quiet." in page
    assert "Who proposed it cannot decide about it" in page
    assert "Add a finding" not in page
    page = text(engineer.post(reverse("admin:handoff_case_step", args=[case.pk, "decline"]), {"reason": ""}))
    assert "This field is required" in page
    decline = reverse("admin:handoff_case_step", args=[case.pk, "decline"])
    page = text(engineer.post(decline, {"reason": "No room."}, follow=True))
    assert "Rejected." in page
    assert "No room." in page
    assert "handoff" in text(engineer.get(reverse("admin:handoff_case_changelist")))


def test_handoffs_are_proposed_listed_and_answered_over_rest(place: Place) -> None:
    developer, engineer = APIClient(), APIClient()
    developer.force_authenticate(place.dev)
    engineer.force_authenticate(place.eng)
    address = f"{ROOT}handoffs/"

    made = developer.post(address, {"service": "pay", "reason": "It is quiet."}, format="json")
    assert made.status_code == 201, made.content
    twice = developer.post(address, {"service": "pay", "reason": "It is quiet."}, format="json")
    assert (twice.status_code, twice.json()["state"]) == (409, "open")
    key = made.json()["id"]
    own = developer.post(f"{address}{key}/reject/", {"reason": "No."}, format="json")
    assert own.status_code == 403
    misspelt = engineer.post(f"{address}{key}/reject/", {"raeson": "No."}, format="json")
    assert misspelt.status_code == 400
    engineer.post(f"{address}{key}/comment/", {"text": "How noisy is it?"}, format="json")
    done = engineer.post(f"{address}{key}/reject/", {"reason": "No room."}, format="json")

    assert (done.json()["state"], [each["text"] for each in done.json()["comments"]]) == (
        "rejected",
        ["How noisy is it?"],
    )
    late = developer.post(f"{address}{key}/withdraw/", {"reason": "No."}, format="json")
    assert (late.status_code, late.json()["state"]) == (409, "rejected")
    rows = engineer.get(address, {"open": "false"}).json()["results"]
    assert [(row["service"], row["trigger"]) for row in rows] == [("pay", "person")]
    assert engineer.get(f"{ROOT}handbacks/").json()["results"] == []


def test_a_list_of_handoffs_takes_as_many_queries_however_long_it_is(
    place: Place,
) -> None:
    engineer = APIClient()
    engineer.force_authenticate(place.eng)

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            assert engineer.get(f"{ROOT}handoffs/").status_code == 200
        return len(found)

    for _ in range(2):
        case = actions.propose_handoff(place.service, reason="It is quiet.", by=place.dev)
        actions.withdraw_handoff(case, by=place.dev, reason="Not yet.")
    queries()  # what a person may do is asked once
    few = queries()
    for _ in range(5):
        case = actions.propose_handoff(place.service, reason="It is quiet.", by=place.dev)
        actions.withdraw_handoff(case, by=place.dev, reason="Not yet.")

    assert queries() == few

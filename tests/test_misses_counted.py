"""Findings name the review item that should have caught them; the policy's page counts what was missed."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from handoff import actions
from handoff.actions import InvalidError
from handoff.admin.case_forms import FindingForm
from handoff.misses import by_criterion, misses
from handoff.models import Case, ChecklistItem, Finding, Review
from readiness.models import PolicyVersion
from tests.admin_pages import Visitor, text
from tests.handing_back import Place
from tests.rest import ROOT, Asker

pytestmark = pytest.mark.django_db
MISSED = ("telemetry", "telemetry", "design_reviewed", "gone_item")


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(monkeypatch)


def found(place: Place, case: Case, item: str) -> Finding:
    return actions.add_finding(
        case, kind="code", severity=2, text="It was blind.", review_item=item, by=place.dev
    )


def asked_once(place: Place, slug: str) -> None:
    """A review of the service that asked what the checklist does not ask any more."""
    review = Review.objects.create(
        service=place.service, kind="launch", checklist="old", checklist_version=1, lapse_days=90,
        opened_by="1 Ada", opened_at=place.now,
    )  # fmt: skip
    ChecklistItem.objects.create(
        review=review, position=1, topic="Old", slug=slug, text="It was asked once", way="attested", days=90
    )


def missed(place: Place) -> Case:
    """A handback with four findings that name an item, and one that names none."""
    case = place.prepared()
    asked_once(place, "gone_item")
    made = [found(place, case, item) for item in MISSED]
    actions.close_finding(made[-1], by=place.dev)
    return case


def test_a_finding_names_an_item_that_a_checklist_knows_or_none(place: Place) -> None:
    case = place.proposed()
    with pytest.raises(InvalidError, match="No checklist knows the item HRR-3") as refused:
        found(place, case, "HRR-3")
    assert refused.value.field == "review_item"
    with pytest.raises(InvalidError):
        found(place, case, "gone_item")
    asked_once(place, "gone_item")
    assert found(place, case, "gone_item").review_item == "gone_item"
    assert found(place, case, " telemetry ").review_item == "telemetry"
    assert found(place, case, "").review_item == ""


def test_the_form_offers_the_items_of_the_checklist_and_of_the_services_own_reviews(place: Place) -> None:
    case = place.proposed()
    asked_once(place, "gone_item")
    offered = dict(FindingForm(case=case).fields["review_item"].choices)  # type: ignore[attr-defined]  # a choice
    assert offered[""] == "none"
    assert ("telemetry", "Telemetry coverage meets its threshold") in offered["Monitoring"]
    assert offered["Old"] == [("gone_item", "It was asked once")]
    client = Client()
    client.force_login(place.dev)
    address = reverse("admin:handoff_case_step", args=[case.pk, "finding"])
    said = {"kind": "design", "severity": "1", "text": "No timeouts."}
    assert "not one of the available choices" in text(client.post(address, {**said, "review_item": "HRR-3"}))
    client.post(address, {**said, "review_item": "coupling"})
    assert Finding.objects.get().review_item == "coupling"


def test_misses_are_counted_by_item_and_criterion_in_one_query(place: Place) -> None:
    case = missed(place)
    with CaptureQueriesContext(connection) as queries:
        counted = misses()
    assert len(queries) == 1
    assert [(each.item, each.findings, each.open) for each in counted] == [
        ("telemetry", 2, 2),
        ("design_reviewed", 1, 1),
        ("gone_item", 1, 0),
    ]
    assert [each.criterion for each in counted] == ["telemetry", "", ""]
    assert all(each.cases == {case.pk: "pay"} for each in counted)
    assert by_criterion(counted) == [("Telemetry coverage", 2)]


def test_the_policys_page_shows_them_with_links_to_the_cases(place: Place) -> None:
    page = reverse("admin:readiness_policyversion_change", args=[PolicyVersion.objects.get(in_force=True).pk])
    visitor = Visitor(name="eve")
    case = place.proposed()
    assert "no finding of a handback names a review item" in visitor.get(page)
    with CaptureQueriesContext(connection) as few:
        visitor.get(page)
    actions.withdraw_handback(case, by=place.eng, reason="We look again.")
    missed(place)
    with CaptureQueriesContext(connection) as many:
        shown = visitor.get(page)
    assert len(many) == len(few)
    assert "Telemetry coverage meets its threshold" in shown
    assert "By criterion: Telemetry coverage 2." in shown
    assert reverse("admin:handoff_case_change", args=[Case.objects.latest("pk").pk]) in shown
    unseeing = Visitor("view_policyversion", name="bob", views=False)
    assert "What reviews missed" not in unseeing.get(page)


def test_over_rest_they_are_listed_and_an_unknown_item_is_refused(place: Place) -> None:
    case = missed(place)
    rows = Asker().rows("handbacks/misses/")
    assert rows[0] == {
        "item": "telemetry",
        "text": "Telemetry coverage meets its threshold",
        "criterion": "telemetry",
        "findings": 2,
        "open": 2,
        "handbacks": [case.pk],
    }
    assert [row["text"] for row in rows[1:]] == ["The design was reviewed", "gone_item"]
    assert Asker(name="bob", views=False).problem("handbacks/misses/")["status"] == 403
    client = APIClient()
    client.force_authenticate(place.dev)
    said = {"kind": "code", "severity": 1, "text": "Blind.", "review_item": "HRR-3"}
    answer = client.post(f"{ROOT}handbacks/{case.pk}/findings/", said, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "review_item")

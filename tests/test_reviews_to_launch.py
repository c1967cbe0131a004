"""A service of the story goes from its launch review to live: once through the admin, once over REST."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from handoff import actions
from handoff.models import Review, Transition
from readiness import clock, evaluation, rights
from readiness.models import Identity, Service
from readiness.models.scorecard import Kind
from tests.admin_pages import Visitor, page_of, text
from tests.factories import DependencyFactory, ServiceFactory
from tests.rest import ROOT, Asker, problem
from tests.reviewing import Desk, item
from tests.story.importing import undecided
from tests.story.plot import END

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


@dataclass
class Story:
    """A service that is ready to launch, and log-ins of people of its teams."""

    service: Service
    opener: User
    developer: User
    engineer: User


@pytest.fixture
def story(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Story:
    """`launch-ready` as of the story's end, judged live."""
    monkeypatch.setattr(clock, "real_now", lambda: END)
    call_command("import_fleet", str(undecided(tmp_path)), verbosity=0)
    service = Service.objects.get(slug="launch-ready")
    run = evaluation.run(evaluation.request(END, [service.pk], kind=Kind.LIVE))
    assert run.errors == []
    people = {
        name: _log_in(name, group)
        for name, group in (
            ("anna.berger", rights.DEVELOPER),
            ("cem.aydin", rights.DEVELOPER),
            ("orla.byrne", rights.OPS_ENGINEER),
        )
    }
    return Story(service, *people.values())


def _log_in(name: str, group: str) -> User:
    assert Identity.objects.filter(source=Identity.LOG_IN, external_id=name).exists()
    user = User.objects.create_user(name, password="secret", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    return user


def launched(service: Service) -> None:
    """It is live, and its developers run it, by one transition that rests on the signed scorecard."""
    now = Service.objects.get(pk=service.pk)
    assert (now.lifecycle, now.launched_on) == ("live", END.date())
    assert now.management_changes.get().state == "developer_managed"
    review = Review.objects.get(service=service)
    assert review.state == "used"
    told = Transition.objects.get(service=service, subject="management")
    assert (told.from_state, told.to_state) == ("pre_launch", "developer_managed")
    assert review.scorecard in list(told.scorecards.all())


class _Browser:
    """Somebody at the admin."""

    def __init__(self, user: User) -> None:
        self.client = Client()
        self.client.force_login(user)

    def get(self, path: str) -> str:
        return text(self.client.get(path))

    def post(self, path: str, **data: Any) -> str:
        response = self.client.post(path, data, follow=True)
        assert response.status_code == 200, (path, response.status_code)
        return text(response)


def _move(review: Review, move: str) -> str:
    return reverse("admin:handoff_review_act", args=[review.pk, move])


def test_a_service_is_launched_through_the_admin(story: Story) -> None:
    opener, developer, engineer = map(_Browser, (story.opener, story.developer, story.engineer))
    assert "Open a launch review" in opener.get(page_of(story.service))
    page = opener.post(reverse("admin:handoff_review_open", args=[story.service.pk]))
    review = Review.objects.get()
    assert "Sign for developers: Who opened a review does not sign it" in page
    assert "ops-managed-holds" in page
    assert "Open a launch review" not in opener.get(page_of(story.service))  # one is under way
    for mine in review.items.exclude(days=None):
        said = {"attest-name": "Cem", "attest-said_on": END.date().isoformat(), "attest-remark": "Seen."}
        address = reverse("admin:handoff_review_item", args=[review.pk, mine.pk])
        page = developer.post(address, move="attest", **said)
        assert "Done, and on record." in page
    assert "Sign for developers</button>" in page
    developer.post(_move(review, "sign-developers"), reason="Ready.")
    page = engineer.post(_move(review, "sign-operations"))
    assert "Launch</button>" in page
    assert "used" in developer.post(_move(review, "launch"), reason="Customers wait.")
    launched(story.service)
    assert "developer-managed" in developer.get(page_of(story.service))


def _post(user: User, path: str, status: int = 200, /, **body: Any) -> dict[str, Any]:
    client = APIClient()
    client.force_authenticate(user)
    response = client.post(f"{ROOT}reviews/{path}", body, format="json")
    assert response.status_code == status, response.content
    return dict(response.json())


def test_a_service_is_launched_over_rest(story: Story) -> None:
    review = _post(story.opener, "", 201, service="launch-ready", reason="It is time.")
    key = review["id"]
    for mine in review["items"]:
        if mine["way"] == "attested":
            said = {"name": "Cem", "said_on": END.date().isoformat(), "remark": "Seen."}
            review = _post(story.developer, f"{key}/items/{mine['id']}/attest/", **said)
    assert {mine["stands"] for mine in review["items"] if mine["way"] != "shown"} <= {"met", "not_applicable"}
    _post(story.developer, f"{key}/sign/", side="developers")
    review = _post(story.engineer, f"{key}/sign/", side="operations")
    assert review["state"] == "signed"
    assert _post(story.developer, f"{key}/launch/", reason="Customers wait.")["state"] == "used"
    launched(story.service)
    again = _post(story.developer, f"{key}/launch/", 409)
    assert again["state"] == "used"


# Refusals over REST, and what else a page says -------------------------------------------------------


def test_rest_says_why_not(desk: Desk) -> None:
    review = desk.open()
    key, mine = review.pk, item(review, "load_tested")
    assert _post(desk.opener, "", 409, service="pay")["state"] == "open"
    assert _post(desk.stranger, f"{key}/comments/", 403, text="Hm.")["status"] == 403
    refused = _post(desk.developer, f"{key}/items/{mine.pk}/attest/", 400, name="A", said_on="2026-07-01")
    assert refused["errors"][0]["field"] == "remark"
    assert _post(desk.developer, f"{key}/sign/", 400, side="developers")["errors"]
    assert _post(desk.opener, f"{key}/sign/", 403, side="developers")["status"] == 403
    assert _post(desk.developer, f"{key}/items/{mine.pk + 999}/attest/", 404, name="A", said_on="2026-07-01")
    assert _post(desk.developer, f"{key}/reject/", 400, reason="No.")["errors"][0]["field"] == "review"
    assert _post(desk.developer, f"{key}/withdraw/", 400, resaon="No.")["errors"][0]["field"] == "resaon"
    misspelt = {"outcome": "not_met", "remark": "No.", "blokcing": True}
    told = _post(desk.engineer, f"{key}/items/{mine.pk}/outcome/", 400, **misspelt)
    assert told["errors"][0]["field"] == "blokcing"


def test_outcomes_comments_and_conditions_over_rest(desk: Desk) -> None:
    review = desk.open()
    mine = item(review, "load_tested")
    path = f"{review.pk}/items/{mine.pk}/outcome/"
    due = (desk.now.date() + dt.timedelta(days=30)).isoformat()
    assert _post(desk.engineer, path, 400, outcome="accepted", remark="Test it.")["errors"]
    assert _post(desk.engineer, path, 400, outcome="not_met", remark="No.", side="developers")["errors"]
    accepted = {"outcome": "accepted", "remark": "Test it.", "severity": 2, "due_on": due}
    owner = desk.developer.username
    from_people = {"owner": _slug(owner)}
    found = _item(_post(desk.engineer, path, **accepted, **from_people), mine.pk)
    assert (found["stands"], found["conditions"][0]["due_on"]) == ("accepted", due)
    _post(desk.developer, f"{review.pk}/items/{mine.pk}/fulfil/", condition=found["conditions"][0]["id"])
    aside = {"outcome": "not_applicable", "remark": "No load.", "side": "operations"}
    assert _item(_post(desk.engineer, path, **aside), mine.pk)["stands"] == "open"
    _post(desk.engineer, path, outcome="not_met", remark="It broke.", blocking=True)
    _post(desk.engineer, f"{review.pk}/items/{mine.pk}/assign/", to=_slug(owner), due_on=due)
    told = _post(desk.engineer, f"{review.pk}/comments/", text="See the log.", item=mine.pk)
    assert told["comments"][0]["item"] == mine.pk
    assert _post(desk.engineer, f"{review.pk}/reject/", reason="It broke.")["state"] == "rejected"
    assert _post(desk.opener, f"{review.pk}/withdraw/", 409)["state"] == "rejected"


def _slug(name: str) -> str:
    person = Identity.objects.get(source=Identity.LOG_IN, external_id=name).person
    slug: str = person.slug
    return slug


def _item(review: dict[str, Any], key: int) -> dict[str, Any]:
    return next(dict(each) for each in review["items"] if each["id"] == key)


def test_tokens_and_the_logged_out_change_nothing(desk: Desk) -> None:
    review = desk.open()
    response = APIClient().post(f"{ROOT}reviews/{review.pk}/withdraw/", {}, format="json")
    assert problem(response)["status"] == 401


@pytest.mark.parametrize("number", [2, 12])
def test_the_rest_list_takes_as_many_queries_for_many_rows(desk: Desk, number: int) -> None:
    _reviews(desk, number)
    asker = Asker()
    with CaptureQueriesContext(connection) as queries:
        assert len(asker.rows("reviews/", page_size=500)) == number
    assert len(queries) == 5  # rights of two kinds, rows, sign-offs, overrides


@pytest.mark.parametrize("number", [1, 9])
def test_a_review_takes_as_many_queries_whatever_it_asks(desk: Desk, number: int) -> None:
    for each in range(number):
        target = ServiceFactory.create(slug=f"bank-{each}")
        DependencyFactory.create(service=desk.service, target=target, criticality="hard")
    review = desk.attested(desk.open())
    asker, visitor = Asker(), Visitor(name="eve")
    with CaptureQueriesContext(connection) as queries:
        assert len(asker.get(f"reviews/{review.pk}/")["items"]) == review.items.count()
    assert len(queries) == 9
    with CaptureQueriesContext(connection) as queries:
        visitor.get(reverse("admin:handoff_review_change", args=[review.pk]))
    assert len(queries) <= 25
    with CaptureQueriesContext(connection) as queries:
        actions.follow_reviews()
    assert len(queries) <= 24


def _reviews(desk: Desk, number: int) -> None:
    for _ in range(number - 1):
        actions.withdraw_review(desk.open(), by=desk.opener)
    desk.open()


def test_lists_are_filtered_and_need_the_right_to_view(desk: Desk) -> None:
    review = desk.open()
    asker = Asker()
    assert [row["id"] for row in asker.rows("reviews/", service="pay", state="open")] == [review.pk]
    assert asker.rows("reviews/", kind="handoff") == []
    assert Asker(name="bob", views=False).problem("reviews/")["status"] == 403


def test_the_admin_shows_buttons_with_the_reason_where_one_is_not_legal(desk: Desk) -> None:
    review = desk.open()
    visitor = Visitor(name="eve")
    page = visitor.get(reverse("admin:handoff_review_change", args=[review.pk]))
    assert "Sign for developers: eve may not review pay." in page
    assert "Reject: Its own teams and SRE leads review it." in page
    assert "launch review" in visitor.get(reverse("admin:handoff_review_changelist"))
    answer = visitor.client.post(_move(review, "withdraw"), follow=True)
    assert "Who opened a review withdraws it" in text(answer)
    assert Review.objects.get().state == "open"


def test_a_review_can_be_printed_with_its_signatures(desk: Desk) -> None:
    review = desk.ready_to_launch()
    page = Visitor(name="eve").get(reverse("admin:handoff_review_print", args=[review.pk]))
    assert "launch review of pay" in page
    assert "Signed for operations" in page
    assert "We looked at it." in page
    assert "<form" not in page


def test_an_item_page_says_what_was_said_and_why_a_form_is_refused(desk: Desk) -> None:
    review = desk.attested(desk.open())
    mine = item(review, "load_tested")
    browser = _Browser(desk.engineer)
    address = reverse("admin:handoff_review_item", args=[review.pk, mine.pk])
    assert "We looked at it." in browser.get(address)
    form = {"attest-name": "Ada", "attest-said_on": "2027-01-01", "attest-remark": "Seen."}
    assert "That day is still to come." in browser.post(address, move="attest", **form)
    said = {"finding-remark": "It broke.", "finding-blocking": "on"}
    assert "not met, blocking" in browser.post(address, move="finding", **said)
    measured = reverse("admin:handoff_review_item", args=[review.pk, item(review, "launch_verdict").pk])
    assert "only a waiver sets it aside" in browser.get(measured)
    assert "It is met" not in browser.get(measured)


def test_who_may_not_view_reviews_sees_none(desk: Desk) -> None:
    review = desk.open()
    visitor = Visitor("view_service", name="eve", views=False)
    page = reverse("admin:handoff_review_change", args=[review.pk])
    assert visitor.client.get(page).status_code == 403

"""The whole path of a service in a real browser; pages are assessed at the width of a phone."""

import datetime as dt
import re

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from handoff import actions, proposals
from handoff.models import Case, ChecklistItem
from tests.browser.test_admin_in_a_browser import WIDTHS
from tests.handing_back import DAY
from tests.handing_off import Handover

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CASE = "/admin/handoff/case/"
WEEK = 7


class Desks:
    """Everybody of the place, each at a browser of their own."""

    def __init__(self, place: Handover, browser: Browser, server: LiveServer) -> None:
        self.place, self.browser, self.server = place, browser, server
        self.pages: dict[str, Page] = {}

    def at(self, who: str, path: str, *, width: str = "desk") -> Page:
        """Somebody goes to a page, a minute after what was done last."""
        self.place.pass_time(dt.timedelta(minutes=1))
        key = f"{who} at {width}"
        if key not in self.pages:
            client = Client()
            client.force_login(getattr(self.place, who))
            context = self.browser.new_context(viewport={"width": WIDTHS[width], "height": 844})
            session = client.cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": session, "url": self.server.url}])
            self.pages[key] = context.new_page()
        page = self.pages[key]
        page.goto(self.server.url + path)
        return page

    def step(self, who: str, case: Case, title: str, **told: str | list[str]) -> str:
        """Somebody takes a step on the page of a case; what is said there then."""
        page = self.at(who, f"{CASE}{case.pk}/change/")
        page.get_by_role("link", name=title, exact=True).click()
        for field, value in told.items():
            if isinstance(value, list):
                for each in value:
                    page.get_by_label(each, exact=True).check()
            elif page.locator(f"select[name={field}]").count():
                page.locator(f"select[name={field}]").select_option(label=value)
            else:
                page.locator(f"[name={field}]").fill(value)
        page.locator("form button.rd-button-primary").click()
        page.wait_for_url(re.compile("/change/"))
        case.refresh_from_db()
        return page.inner_text("main, body")


def test_the_whole_path_in_a_browser(
    browser: Browser,
    live_server: LiveServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = Handover(monkeypatch)
    desks = Desks(place, browser, live_server)

    case = review(desks, propose(desks))
    shadow(desks, case)
    handback = regress(desks)
    give_back(desks, handback)

    assert [case.state, handback.state] == ["completed", "stabilised"]
    ways = place.service.management_changes.order_by("effective_at").values_list("way", flat=True)
    assert list(ways)[-2:] == ["handoff", "handback_repair"]


def propose(desks: Desks) -> Case:
    """From the page of the service."""
    page = desks.at("dan", f"/admin/readiness/service/{desks.place.service.pk}/change/")
    page.get_by_role("link", name="Propose a handoff").click()
    page.locator("[name=reason]").fill("It has been quiet for a year.")
    page.locator("form button.rd-button-primary").click()
    page.wait_for_url(re.compile("/case/[0-9]+/change/"))
    return Case.objects.get()


def review(desks: Desks, case: Case) -> Case:
    """Opened, worked through and signed by both sides; accepted by operations."""
    place = desks.place
    desks.step("lead", case, "Open the review")
    assert case.review is not None
    path = f"/admin/handoff/review/{case.review.pk}"
    first, *others = case.review.items.exclude(days=None)
    page = desks.at("dev", f"{path}/item/{first.pk}/")
    form = page.get_by_role("region", name="It is met")
    form.locator("[name$=name]").fill("Ada")
    form.locator("[name$=said_on]").fill(str(place.now.date()))
    form.locator("[name$=remark]").fill("We looked at it.")
    form.get_by_role("button", name="Attest").click()
    page.get_by_text("We looked at it.").first.wait_for()
    for item in others:  # by the same form, two dozen times
        attest(place, item)
    for who, side in (("dev", "developers"), ("eng", "operations")):
        page = desks.at(who, f"{path}/change/")
        page.get_by_role("button", name=f"Sign for {side}").click()
        page.get_by_text(f"{side}").first.wait_for()
    said = desks.step("other", case, "Accept to carry it")
    assert "otto" in said
    return case


def attest(place: Handover, item: ChecklistItem) -> None:
    """An item is met."""
    actions.attest_item(item, name="Ada", said_on=place.now.date(), by=place.dev, remark="Looked at.")


def shadow(desks: Desks, case: Case) -> None:
    """Two pages, assessed on a phone; both sides confirm; back-up comes to its end."""
    place = desks.place
    assert (
        "Shadowing" in desks.step("eng", case, "Begin the shadow").capitalize() or case.state == "shadowing"
    )
    place.pass_time()
    place.turn()
    for alert in ("The queue grows.", "The disk is full."):
        place.page(alert=alert)
        place.pass_time(dt.timedelta(hours=1))
    phone = desks.at("eng", f"{CASE}{case.pk}/pages/", width="phone")
    for done in (1, 2):
        assert phone.evaluate("document.documentElement.scrollWidth") <= WIDTHS["phone"]
        paged = phone.locator("section.rd-paged").first
        for question in ("Critical?", "Actionable?"):
            answer = paged.get_by_role("group", name=question).get_by_role("radio", name="Yes")
            box = answer.bounding_box()
            assert box is not None
            assert box["height"] >= 44, "as tall as a thumb is wide"
            answer.check()
        paged.get_by_role("button", name="Save").click()
        phone.get_by_text(f"{done} of 2 assessed").first.wait_for()

    place.pass_time(14 * DAY)
    place.judge_ready()
    desks.step("dev", case, "Confirm for developers", reachable=["dora", "dan"])
    assert "backed up" in desks.step("eng", case, "Confirm for operations")
    place.pass_time(28 * DAY)
    actions.follow_handoffs()
    assert "completed" in desks.at("lead", f"{CASE}{case.pk}/change/").inner_text("body")
    case.refresh_from_db()


def regress(desks: Desks) -> Case:
    """A week of ``below``, and the rule proposes."""
    place = desks.place
    for _ in range(WEEK):
        place.pass_time()
        place.judge("below")
        proposals.propose_moves()
    case = Case.objects.open().get()
    assert case.proposer.startswith("rule: regressed")
    return case


def give_back(desks: Desks, case: Case) -> None:
    """Joint repair that does not help, a finding, a plan, handed back; mended and stabilised."""
    place = desks.place
    ends_at, due_on = (str((place.now + days * DAY).date()) for days in (14, 20))
    desks.step("other", case, "Repair jointly", plan="Mend together.", owner="dora", ends_at=ends_at)
    place.pass_time(15 * DAY)
    place.judge("below")
    actions.follow_handbacks()
    case.refresh_from_db()
    desks.step("dev", case, "Add a finding", kind="design", severity="2", text="No timeouts.")
    desks.step("dev", case, "Add to the plan", text="Add timeouts.", owner="dora", due_on=due_on)
    desks.step("other", case, "Confirm", reason="We agree.", consultants=["olga"])
    desks.step("dev", case, "Tick off", item=str(case.plan.get()))
    desks.step("dev", case, "Close a finding", finding=str(case.findings.get()))
    place.pass_time(31 * DAY)
    place.judge(None, days=31.0, defects=90.0)
    actions.follow_handbacks()
    desks.step("other", case, "Stabilised")

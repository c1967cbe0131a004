"""The admin in a real browser: nothing from elsewhere, nothing cut off, evidence links loaded."""

from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request
from pytest_django.live_server_helper import LiveServer

from readiness import clock, evaluation
from readiness.models import Service
from tests.admin_pages import FLEET, Visitor, page_of
from tests.factories import DefectFactory, FeedFactory, ServiceFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WIDTHS = {"desk": 1440, "phone": 390}


@pytest.fixture
def shop() -> Service:
    """A service that was judged, with a defect that blocks it."""
    now = clock.now()
    service: Service = ServiceFactory.create(slug="shop", developer_managed=True)
    FeedFactory.create(service=service, kind="defect", last_seen_at=now)
    DefectFactory.create(service=service, external_id="D-1", severity=1)
    evaluation.run(evaluation.request(now))
    return service


class Tab:
    """A page of somebody logged in, which notes every request and every complaint of the browser."""

    def __init__(self, browser: Browser, server: LiveServer, *, superuser: bool = False, **ways: Any) -> None:
        visitor = Visitor("add_evaluation", "add_feed")
        visitor.user.is_superuser = superuser
        visitor.user.save()
        context = browser.new_context(**ways)
        session = visitor.client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": server.url}])
        self.server = server
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("request", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._listen)

    def _listen(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.complaints.append(said.text)

    def _note(self, request: Request) -> None:
        self.requests.append(request.url)

    def open(self, path: str) -> Page:
        """Go there and wait until nothing is loading."""
        self.page.goto(self.server.url + path)
        self.page.wait_for_load_state("networkidle")
        return self.page

    @property
    def elsewhere(self) -> list[str]:
        """Requests to anything but our own server."""
        return [url for url in self.requests if not url.startswith((self.server.url, "data:"))]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_pages_fit_the_screen_and_ask_nobody_else(
    browser: Browser, live_server: LiveServer, shop: Service, *, width: str, theme: Any
) -> None:
    tab = Tab(browser, live_server, viewport={"width": WIDTHS[width], "height": 900}, color_scheme=theme)

    for path in ("/admin/", FLEET, page_of(shop), page_of(shop, "declare_span"), "/admin/readiness/defect/"):
        page = tab.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width], path
        assert page.evaluate("document.documentElement.classList.contains('dark')") is (theme == "dark"), path
    assert tab.elsewhere == []
    assert tab.complaints == []


def test_the_rows_that_weigh_most_come_into_the_page(
    browser: Browser, live_server: LiveServer, shop: Service
) -> None:
    page = Tab(browser, live_server).open(page_of(shop))

    assert "D-1" in page.locator("#rd-more-defects").inner_text()


def test_without_script_they_are_a_link_away(
    browser: Browser, live_server: LiveServer, shop: Service
) -> None:
    page = Tab(browser, live_server, java_script_enabled=False).open(page_of(shop))
    page.goto(live_server.url + (page.locator("#rd-evidence-state a").get_attribute("href") or ""))

    assert "D-1" in page.content()


def test_evaluate_now_answers_on_the_page(browser: Browser, live_server: LiveServer, shop: Service) -> None:
    page = Tab(browser, live_server).open(page_of(shop))
    page.get_by_role("button", name="Evaluate now").click()
    page.wait_for_load_state("networkidle")

    assert "shop is being evaluated" in page.content()


def test_a_filter_of_the_fleet_list_is_applied_by_hand(
    browser: Browser, live_server: LiveServer, shop: Service
) -> None:
    page = Tab(browser, live_server).open(FLEET)
    page.locator("a", has_text="Filters").first.click()
    page.locator("select[name=verdict]").select_option("never", force=True)
    page.get_by_role("button", name="Apply Filters").click()
    page.wait_for_load_state("networkidle")

    assert "verdict=never" in page.url
    assert "Nothing matches" in page.content()

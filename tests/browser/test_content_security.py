"""The main pages under their Content-Security-Policy in a real browser: no complaint, and all of it works."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from readiness import clock, evaluation
from readiness.models import Evaluation, PolicyVersion, Service
from tests.admin_pages import FLEET, page_of
from tests.browser.test_admin_in_a_browser import Tab, shop

__all__ = ["shop"]  # a fixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOG_IN = "/admin/login/"


def paths(service: Service) -> list[str]:
    """One page of every make."""
    version, run = PolicyVersion.objects.get(), Evaluation.objects.latest("pk")
    return [
        FLEET,
        page_of(service),
        page_of(service, "declare_span"),
        f"/admin/readiness/policyversion/{version.pk}/change/",
        "/admin/readiness/evaluation/",
        f"/admin/readiness/evaluation/{run.pk}/change/",
        "/admin/readiness/defect/",
        "/admin/readiness/defect/export/",
        "/admin/readiness/team/",
        f"/admin/readiness/team/{service.owner_id}/change/",
        "/admin/auth/user/",
        "/admin/",
    ]


def test_no_page_breaks_its_policy(browser: Browser, live_server: LiveServer, shop: Service) -> None:
    evaluation.run(evaluation.request(clock.now()))  # a second judgement, so that there is a chart
    tab = Tab(browser, live_server)

    for path in paths(shop):
        response = tab.page.goto(live_server.url + path)
        tab.page.wait_for_load_state("networkidle")
        assert response is not None
        assert response.ok, path
        assert "script-src 'self'" in response.headers["content-security-policy"]
        assert tab.complaints == [], path


def test_the_pages_of_a_log_in_and_the_log_in_itself(browser: Browser, live_server: LiveServer) -> None:
    tab = Tab(browser, live_server, superuser=True)
    own = f"/admin/auth/user/{User.objects.get().pk}/change/"
    for path in ("/admin/auth/user/add/", own, "/admin/auth/group/add/"):
        tab.open(path)
        assert tab.complaints == [], path
    tab.page.context.clear_cookies()
    tab.open(LOG_IN)
    tab.page.get_by_label("Username").fill("ada")
    tab.page.get_by_label("Password").fill("secret")
    tab.page.get_by_role("button", name="Log in").click()
    tab.page.wait_for_load_state("networkidle")
    assert tab.page.url == f"{live_server.url}/admin/"

    assert tab.complaints == []


def test_script_of_a_stranger_does_not_run_and_is_complained_of(
    browser: Browser, live_server: LiveServer, shop: Service
) -> None:
    tab = Tab(browser, live_server)
    page = tab.open("/admin/")
    page.evaluate(
        "const stranger = document.createElement('script');"
        "stranger.textContent = 'window.stolen = 1';"
        "document.body.append(stranger)"
    )

    assert page.evaluate("window.stolen") is None
    assert any("Content Security Policy" in said for said in tab.complaints)


def test_menus_open_and_the_theme_is_chosen(browser: Browser, live_server: LiveServer) -> None:
    tab = Tab(browser, live_server, color_scheme="light")
    tab.page.context.clear_cookies()
    page = tab.open(LOG_IN)
    menu = page.locator('[x-data*="openTheme"]')
    menu.locator("a").first.click()
    menu.get_by_text("Dark", exact=True).click()
    page.wait_for_function("document.documentElement.classList.contains('dark')")

    assert tab.complaints == []


def test_a_related_row_is_looked_up_by_typing(
    browser: Browser, live_server: LiveServer, shop: Service
) -> None:
    tab = Tab(browser, live_server, viewport={"width": 1440, "height": 900})
    page = tab.open("/admin/readiness/defect/")
    page.locator("a", has_text="Filters").first.click()
    page.locator(".select2-selection").first.click()
    page.locator(".select2-search__field").first.press_sequentially("sho")
    page.locator(".select2-results__option", has_text="shop").first.click()
    page.get_by_role("button", name="Apply Filters").click()
    page.wait_for_load_state("networkidle")

    assert f"service__id__exact={shop.pk}" in page.url
    assert tab.complaints == []


def test_rest_can_be_tried_in_the_browser(browser: Browser, live_server: LiveServer, shop: Service) -> None:
    tab = Tab(browser, live_server, viewport={"width": 1440, "height": 900})
    page = tab.open("/api/v1/docs/")
    operation: Any = page.locator("#operations-teams-teams_list")
    operation.locator("button").first.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    operation.locator(".live-responses-table").wait_for()

    assert "200" in operation.locator(".live-responses-table").inner_text()
    assert tab.elsewhere == []
    assert tab.complaints == []

"""The service page: the scorecard as people read it, its history, feeds and evidence."""

import datetime as dt
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from readiness import clock, evaluation
from readiness.models import PolicyVersion, Scorecard, Service
from tests.admin_pages import Visitor, page_of
from tests.factories import (
    NOW,
    DefectFactory,
    DeploymentFactory,
    FeedFactory,
    IncidentFactory,
    ScorecardFactory,
    ServiceFactory,
    ago,
)
from tests.rest import Asker

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clock(settings: Settings) -> None:
    """An hour after the moment of the tests."""
    settings.CLOCK_OFFSET = NOW + dt.timedelta(hours=1) - clock.real_now()


def a_shop() -> Service:
    """A service with defects, a deployment ahead of the clock, and three judgements."""
    service: Service = ServiceFactory.create(slug="shop", title="The shop", developer_managed=True)
    FeedFactory.create(service=service, kind="defect")
    FeedFactory.create(service=service, kind="deployment", since=ago(days=90), declared=True)
    DefectFactory.create(service=service, external_id="D-1", severity=1, url="https://tracker.example/D-1")
    DefectFactory.create_batch(3, service=service, severity=2)
    DeploymentFactory.create(service=service, started_at=NOW + dt.timedelta(days=2))
    for at, kind in ((ago(days=14), "replay"), (ago(days=7), "live"), (NOW, "live")):
        evaluation.run(evaluation.request(at, kind=kind))
    return service


@pytest.fixture
def shop() -> Service:
    """The service of :func:`a_shop`."""
    return a_shop()


def test_the_verdict_comes_first_then_range_evidence_and_level(shop: Service) -> None:
    page = Visitor().get(page_of(shop))
    card = Scorecard.objects.get(service=shop, at=NOW)

    order = [
        page.index(said)
        for said in (
            "Handoff: not ready",
            f"{card.score:.1f}",
            f"{card.evidence:.0%}</dd>",
            "Blockers",
            "Criteria",
        )
    ]
    assert order == sorted(order)
    assert "default v1" in page


def test_a_judgement_under_a_policy_that_another_release_stored_says_so(shop: Service) -> None:
    version = PolicyVersion.objects.get()
    PolicyVersion.objects.update(text=version.text.replace("coupling:", "cohesion:"))
    card = Scorecard.objects.get(service=shop, at=NOW)
    links = reverse("admin:readiness_service_evidence_links", args=[shop.pk])
    asker = Asker(name="grace")
    problems = [asker.problem(f"scorecards/{card.pk}/"), asker.problem("services/shop/scorecard/")]

    visitor = Visitor()
    assert "default v1 cannot judge any more" in visitor.get(page_of(shop))
    assert visitor.client.get(links).status_code == 200
    for problem in problems:
        assert problem["status"] == 409
        assert "cohesion" in problem["detail"]


def test_a_blocker_names_the_row_it_rests_on(shop: Service) -> None:
    assert "a defect of severity 1 is open: tests:D-1" in Visitor().get(page_of(shop))


def test_a_criterion_shows_its_parts_with_units_and_one_without_evidence_what_is_missing(
    shop: Service,
) -> None:
    page = Visitor().get(page_of(shop))
    defects = _card(page, "defects")
    telemetry = _card(page, "telemetry")

    assert "open defect load" in defects
    assert "weighted defects" in defects
    assert "gate: 70 needed" in defects
    assert "Next steps" in defects
    assert "insufficient evidence" in telemetry
    assert "<strong>Missing:</strong>" in telemetry
    assert "connect a source that reports" in telemetry


def test_rows_that_weigh_most_come_by_a_second_request_or_as_a_page(shop: Service) -> None:
    visitor = Visitor()
    address = page_of(shop, "evidence_links")
    first = visitor.get(page_of(shop))
    piece = visitor.client.get(address, headers={"HX-Request": "true"}).content.decode()
    whole = visitor.get(address)

    assert f'hx-get="{address}"' in first
    assert f'href="{address}"' in first
    assert "tracker.example" not in first
    assert "<html" not in piece
    assert 'id="rd-more-defects" hx-swap-oob="innerHTML"' in piece
    assert "<html" in whole
    for page in (piece, whole):
        assert 'href="https://tracker.example/D-1"' in page
        assert 'href="/admin/readiness/defect/?q=D-1"' in page
        assert "without it the score would be" in page


def test_an_older_scorecard_is_shown_as_such(shop: Service) -> None:
    page = Visitor().get(page_of(shop), at=ago(days=5).isoformat())

    assert f"This is the scorecard as of {ago(days=7):%Y-%m-%d %H:%M} UTC" in page
    assert "Show the current one" in page


def test_a_replayed_scorecard_says_that_it_is_one(shop: Service) -> None:
    page = Visitor().get(page_of(shop), at=f"{ago(days=14):%Y-%m-%d}")

    assert "replayed: as known when it was replayed" in page


def test_a_scorecard_of_the_list_is_shown_on_the_page_of_its_service(shop: Service) -> None:
    old = Scorecard.objects.get(service=shop, at=ago(days=7))
    response = Visitor().client.get(f"/admin/readiness/scorecard/{old.pk}/change/")

    assert response.headers["Location"] == f"{page_of(shop)}?scorecard={old.pk}"


def test_before_the_first_scorecard_the_page_says_so(shop: Service) -> None:
    page = Visitor().get(page_of(shop), at="2020-01-01")

    assert "Not judged by 2020-01-01 23:59 UTC" in page


@pytest.mark.parametrize("asked", ["yesterday", "2026-13-01", "2026-02-30T10:00"])
def test_what_is_no_moment_is_told_and_the_latest_shown(shop: Service, asked: str) -> None:
    page = Visitor().get(page_of(shop), at=asked)

    assert "is no moment" in page
    assert "Handoff: not ready" in page


def test_the_history_is_a_chart_with_its_table(shop: Service) -> None:
    page = Visitor().get(page_of(shop))

    assert page.count('class="rd-dot rd-dot-live"') == 2
    assert page.count('class="rd-dot rd-dot-replay"') == 1
    assert len(re.findall(r'<a class="rd-link" href="\?scorecard=\d+">', page)) == 3


def test_a_changed_verdict_is_marked_in_the_history(shop: Service) -> None:
    ScorecardFactory.create(service=shop, at=ago(days=21), score=90.0, possible=95.0, handoff="ready")
    page = Visitor().get(page_of(shop))

    assert 'class="rd-change"' in page
    assert "becomes handoff: not ready" in page


def test_feeds_show_heard_and_declared_spans(shop: Service) -> None:
    page = Visitor().get(page_of(shop))

    assert 'class="rd-span rd-span-heard"' in page
    assert 'class="rd-span rd-span-declared"' in page
    assert "feeds.jsonl of tests" in page
    assert page.count("no feed</span>") == 8


def test_evidence_is_counted_by_kind_and_what_lies_ahead_of_the_clock_is_told(shop: Service) -> None:
    page = Visitor().get(page_of(shop))

    assert f'href="/admin/readiness/defect/?service__id__exact={shop.pk}">Defects</a></th><td>4</td>' in page
    assert "(1 ahead of the clock, not counted yet)" in page


def test_a_service_without_anything_says_what_to_do() -> None:
    page = Visitor("add_evaluation").get(page_of(ServiceFactory.create()))

    for said in (
        "Never judged",
        "“Evaluate now” above asks for one",
        "No history yet",
        "Nobody reports anything",
    ):
        assert said in page


def test_texts_from_outside_are_no_markup(shop: Service) -> None:
    Service.objects.filter(pk=shop.pk).update(title="<b>shop</b>", description="<script>alert(1)</script>")
    DefectFactory.create(
        service=shop,
        external_id="<i>",
        severity=1,
        title="<script>alert(2)</script>",
        url="javascript:alert(3)",
    )
    evaluation.run(evaluation.request(NOW + dt.timedelta(minutes=1)))
    visitor = Visitor()

    for page in (visitor.get(page_of(shop)), visitor.get(page_of(shop, "evidence_links"))):
        assert "<script>alert" not in page
        assert "<b>shop" not in page
        assert 'href="javascript' not in page


@pytest.mark.parametrize("name", ["change", "evidence_links"])
def test_who_may_not_view_services_sees_none(shop: Service, name: str) -> None:
    assert Visitor(views=False).client.get(page_of(shop, name)).status_code == 403


def test_an_unknown_service_is_not_found() -> None:
    client = Visitor().client

    assert client.get("/admin/readiness/service/999999/change/").status_code == 404
    assert client.get("/admin/readiness/service/x/change/").status_code == 404


@pytest.mark.parametrize("others", [5, 500])
def test_the_page_takes_as_many_queries_among_5_services_as_among_500(
    others: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    shop = a_shop()
    ServiceFactory.create_batch(others, owner=shop.owner)
    IncidentFactory.create_batch(others, service=shop)
    for number in range(others):
        at = ago(days=30, hours=number)
        ScorecardFactory.create(service=shop, at=at)
        FeedFactory.create(service=shop, kind="page", since=at, last_seen_at=at)
    visitor = Visitor("add_evaluation", "add_feed")

    # what was decided takes 6: cases, reviews, waivers, transitions, consultants and what they advised
    with django_assert_num_queries(20):
        visitor.get(page_of(shop))


def test_evidence_links_take_as_many_queries_for_few_rows_as_for_many(shop: Service) -> None:
    visitor = Visitor()
    visitor.get(page_of(shop, "evidence_links"))
    with CaptureQueriesContext(connection) as few:
        visitor.get(page_of(shop, "evidence_links"))
    IncidentFactory.create_batch(60, service=shop)
    DefectFactory.create_batch(60, service=shop)

    with CaptureQueriesContext(connection) as many:
        visitor.get(page_of(shop, "evidence_links"))
    assert len(many) == len(few)


def _card(page: str, slug: str) -> str:
    start = page.index(f'id="criterion-{slug}"')
    return page[start : page.index("</article>", start)]

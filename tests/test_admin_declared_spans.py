"""Declaring a span of a feed: who may, what is asked, what is kept."""

import datetime as dt

import pytest
from pytest_django.fixtures import Settings

from readiness import clock
from readiness.models import Feed, Service
from tests.admin_pages import Visitor, page_of
from tests.factories import NOW, FeedFactory, ServiceFactory

pytestmark = pytest.mark.django_db

SPAN = {
    "kind": "incident",
    "source": "pager",
    "since": "2026-01-01T00:00",
    "last_seen_at": "2026-03-01T00:00",
    "reason": "The pager's audit log is complete for these months.",
    "url": "https://wiki.example/pager",
}


@pytest.fixture(autouse=True)
def _clock(settings: Settings) -> None:
    """The clock stands at the moment of the tests."""
    settings.CLOCK_OFFSET = NOW - clock.real_now()


@pytest.fixture
def service() -> Service:
    """A service without feeds."""
    made: Service = ServiceFactory.create()
    return made


@pytest.fixture
def lead() -> Visitor:
    """Somebody with the right to add feeds."""
    visitor = Visitor("add_feed")
    visitor.user.first_name, visitor.user.last_name = "Ada", "Lovelace"
    visitor.user.save()
    return visitor


def test_a_declared_span_is_kept_with_who_said_so_and_why(service: Service, lead: Visitor) -> None:
    page = lead.post(page_of(service, "declare_span"), **SPAN)
    feed = Feed.objects.get()

    assert (feed.service, feed.kind, feed.source, feed.origin) == (service, "incident", "pager", "declared")
    assert feed.since == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert feed.last_seen_at == dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    assert feed.declared_by == f"{lead.user.pk} Ada Lovelace"
    assert (feed.reason, feed.url) == (SPAN["reason"], SPAN["url"])
    assert "The span is declared" in page


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reason": " "}, "This field is required"),
        ({"url": ""}, "This field is required"),
        ({"url": "javascript:alert(1)"}, "Enter a valid URL"),
        ({"kind": "gossip"}, "Select a valid choice"),
        ({"since": "soon"}, "Enter a valid date/time"),
        ({"last_seen_at": "2026-01-01T00:00"}, "must end after it begins"),
        ({"last_seen_at": "2026-07-02T00:00"}, "lies ahead of the clock"),
        ({"source": "x" * 201}, "at most 200 characters"),
    ],
)
def test_what_is_wrong_is_said_in_words_and_nothing_is_kept(
    service: Service, lead: Visitor, changes: dict[str, str], said: str
) -> None:
    page = lead.post(page_of(service, "declare_span"), **{**SPAN, **changes})

    assert said in page
    assert not Feed.objects.exists()


@pytest.mark.parametrize(("kind", "refused"), [("incident", True), ("page", False)])
def test_a_span_of_the_same_feed_must_not_cover_the_same_period(
    service: Service, lead: Visitor, kind: str, refused: bool
) -> None:
    FeedFactory.create(
        service=service,
        kind=kind,
        source="pager",
        since=dt.datetime(2026, 2, 1, tzinfo=dt.UTC),
        last_seen_at=dt.datetime(2026, 6, 1, tzinfo=dt.UTC),
    )
    page = lead.post(page_of(service, "declare_span"), **SPAN)

    assert ("covers some of this period already" in page) is refused
    assert Feed.objects.count() == (1 if refused else 2)


@pytest.mark.parametrize("method", ["get", "post"])
def test_it_takes_the_right_to_add_feeds(service: Service, method: str) -> None:
    visitor = Visitor()

    assert getattr(visitor.client, method)(page_of(service, "declare_span"), SPAN).status_code == 403
    assert "Add declared span" not in visitor.get(page_of(service))

"""Alerts over REST: read only, filtered, ordered."""

import pytest

from readiness.models import Alert
from tests.factories import AlertFactory, ServiceFactory, TeamFactory, ago
from tests.rest import ROOT, Asker

pytestmark = pytest.mark.django_db


@pytest.fixture
def asker() -> Asker:
    """Somebody who may view alerts, of which there are three."""
    AlertFactory.create(service__slug="pay", team=TeamFactory.create(slug="payers"), began_at=ago(days=3))
    AlertFactory.create(
        service__slug="quote", subject="page", team=None, began_at=ago(days=9), ended_at=ago(days=5)
    )
    AlertFactory.create(
        kind=Alert.Kind.EVALUATION_MISSED,
        service=None,
        team=None,
        subject="",
        text="None came.",
        began_at=ago(),
    )
    return Asker("view_alert")


def test_an_alert_says_what_is_wrong_since_when_and_who_should_act(asker: Asker) -> None:
    _, row, _ = asker.rows("alerts/")

    assert {name: row[name] for name in ("kind", "service", "subject", "team", "ended_at")} == {
        "kind": "feed_silent",
        "service": "pay",
        "subject": "deployment",
        "team": "payers",
        "ended_at": None,
    }
    assert row["text"].startswith("Nothing was heard of deployments")
    assert row["numbers"] == {"source": "jenkins"}
    assert asker.get(f"alerts/{row['id']}/") == row


@pytest.mark.parametrize(
    ("query", "services"),
    [
        ({}, [None, "pay", "quote"]),
        ({"open": "true"}, [None, "pay"]),
        ({"open": "false"}, ["quote"]),
        ({"kind": "evaluation_missed"}, [None]),
        ({"service": "quote"}, ["quote"]),
        ({"team": "payers"}, ["pay"]),
        ({"subject": "page"}, ["quote"]),
        ({"search": "none came"}, [None]),
        ({"to": "2026-06-25T00:00:00Z"}, ["quote"]),
        ({"from": "2026-06-27T00:00:00Z"}, [None, "pay"]),
        ({"ordering": "began_at"}, ["quote", "pay", None]),
    ],
)
def test_lists_are_filtered_and_ordered(
    asker: Asker, query: dict[str, str], services: list[str | None]
) -> None:
    assert [row["service"] for row in asker.rows("alerts/", **query)] == services


def test_nobody_writes_an_alert(asker: Asker) -> None:
    for method in ("post", "put", "patch", "delete"):
        response = getattr(asker.client, method)(f"{ROOT}alerts/", {}, format="json")
        assert response.status_code == 405


def test_it_takes_the_right_to_view_alerts() -> None:
    ServiceFactory.create()
    assert Asker("view_service", views=False).problem("alerts/")["status"] == 403

"""Evidence and feeds over REST: rows in the shape of their records, and what each list can be filtered by."""

import datetime as dt
from typing import Any

import pytest

from readiness.evidence.records import RECORDS
from readiness.evidence.words import Kind
from readiness.models import Service
from tests import factories
from tests.factories import NOW, ServiceFactory, TeamFactory, ago
from tests.rest import Asker, fields

pytestmark = pytest.mark.django_db

FACTORIES = {
    "deployments": factories.DeploymentFactory,
    "incidents": factories.IncidentFactory,
    "pages": factories.PageFactory,
    "defects": factories.DefectFactory,
    "signals": factories.SignalFactory,
    "dependencies": factories.DependencyFactory,
    "pipeline-runs": factories.PipelineRunFactory,
    "shifts": factories.ShiftFactory,
    "observations": factories.ObservationFactory,
    "work-items": factories.WorkItemFactory,
}
KINDS = {
    "deployments": Kind.DEPLOYMENT,
    "incidents": Kind.INCIDENT,
    "pages": Kind.PAGE,
    "defects": Kind.DEFECT,
    "signals": Kind.SIGNAL,
    "dependencies": Kind.DEPENDENCY,
    "pipeline-runs": Kind.PIPELINE_RUN,
    "shifts": Kind.SHIFT,
    "observations": Kind.OBSERVATION,
    "work-items": Kind.WORK_ITEM,
}
BESIDE = {"excluded", "first_received_at", "last_received_at", "changed_at"}
"""What we know of every row beside what its record says."""


@pytest.fixture
def shop() -> Service:
    """The service whose rows are looked for."""
    service: Service = ServiceFactory.create(slug="shop", owner=TeamFactory.create(slug="payments"))
    factories.ServiceAliasFactory.create(name="web.shop", service=service)
    return service


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(row["id"] for row in rows)


@pytest.mark.parametrize("path", FACTORIES)
def test_a_row_has_the_fields_of_its_record_and_what_we_know_beside(path: str, shop: Service) -> None:
    FACTORIES[path].create(service=shop, external_id="a", source="tracker", url="https://example.org/a")
    (row,) = Asker().rows(f"{path}/")
    stated = set(RECORDS[KINDS[path]].model_fields) - {"updated_at"}

    assert stated | BESIDE <= row.keys()
    assert row.keys() - stated - BESIDE <= {"after_hours", "night", "target"}
    assert (row["service"], row["source"], row["id"]) == ("shop", "tracker", "a")
    assert row["url"] == "https://example.org/a"
    assert (row["drill"], row["withdrawn"], row["excluded"]) == (False, False, False)
    assert row["first_received_at"] == "2026-07-01T00:00:00Z"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("deployments", "remediates"),
        ("incidents", "caused_by"),
        ("pages", "incident"),
        ("observations", "work_item"),
        ("work-items", "incident"),
    ],
)
def test_a_reference_names_source_and_id_or_is_null(path: str, field: str, shop: Service) -> None:
    named = {f"{field}_source": "tracker", f"{field}_id": "x1"}
    FACTORIES[path].create(service=shop, external_id="a", **named)
    FACTORIES[path].create(service=shop, external_id="b")
    asker = Asker()
    rows = {row["id"]: row[field] for row in asker.rows(f"{path}/")}

    assert rows == {"a": {"source": "tracker", "id": "x1"}, "b": None}
    assert ids(asker.rows(f"{path}/", **{field: "x1"})) == ["a"]


@pytest.mark.parametrize("path", FACTORIES)
@pytest.mark.parametrize(
    "query",
    [
        {"service": "shop"},
        {"service": "web.shop"},
        {"team": "payments"},
        {"source": "tracker"},
        {"id": "needle"},
        {"search": "needle"},
        {"counted": "true"},
        {"drill": "false"},
        {"changed_from": "2026-06-30T00:00:00Z"},
    ],
    ids=str,
)
def test_every_kind_is_found_by_what_all_have(path: str, query: dict[str, str], shop: Service) -> None:
    FACTORIES[path].create(service=shop, external_id="needle", source="tracker")
    FACTORIES[path].create(external_id="hay", source="tests", drill=True, first_received_at=ago(days=5))

    assert ids(Asker().rows(f"{path}/", **query)) == ["needle"]


@pytest.mark.parametrize("flag", ["drill", "withdrawn", "excluded"])
def test_what_does_not_count_is_shown_and_can_be_told_apart(flag: str, shop: Service) -> None:
    factories.IncidentFactory.create(service=shop, external_id="counts")
    factories.IncidentFactory.create(service=shop, external_id="not", **{flag: True})
    asker = Asker()

    assert ids(asker.rows("incidents/")) == ["counts", "not"]
    assert ids(asker.rows("incidents/", counted="true")) == ["counts"]
    assert ids(asker.rows("incidents/", counted="false")) == ["not"]
    assert ids(asker.rows("incidents/", **{flag: "true"})) == ["not"]


AT = dt.datetime(2026, 6, 10, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("deployments", "started_at"),
        ("incidents", "started_at"),
        ("pages", "paged_at"),
        ("defects", "opened_at"),
        ("pipeline-runs", "started_at"),
        ("observations", "observed_at"),
        ("work-items", "opened_at"),
    ],
)
def test_from_and_to_hold_the_event_between_them_both_included(path: str, field: str, shop: Service) -> None:
    for name, moment in (("before", AT - HOUR), ("at", AT), ("after", AT + HOUR)):
        FACTORIES[path].create(service=shop, external_id=name, **{field: moment})
    asker = Asker()

    assert ids(asker.rows(f"{path}/", **{"from": "2026-06-10T12:00:00Z"})) == ["after", "at"]
    assert ids(asker.rows(f"{path}/", to="2026-06-10T14:00:00+02:00")) == ["at", "before"]
    assert ids(asker.rows(f"{path}/", **{"from": AT.isoformat(), "to": AT.isoformat()})) == ["at"]


@pytest.mark.parametrize(
    ("path", "begins", "ends"),
    [
        ("signals", "first_seen_at", "last_seen_at"),
        ("dependencies", "first_seen_at", "last_seen_at"),
        ("shifts", "starts_at", "ends_at"),
    ],
)
def test_from_and_to_find_every_span_that_touches_them(
    path: str, begins: str, ends: str, shop: Service
) -> None:
    spans = {"early": (-9, -5), "reaches in": (-9, 0), "within": (1, 2), "around": (-9, 9), "late": (5, 9)}
    for name, (first, last) in spans.items():
        FACTORIES[path].create(
            service=shop, external_id=name, **{begins: AT + first * HOUR, ends: AT + last * HOUR}
        )

    rows = Asker().rows(f"{path}/", **{"from": AT.isoformat(), "to": (AT + 3 * HOUR).isoformat()})

    assert ids(rows) == ["around", "reaches in", "within"]


def test_a_dependency_that_was_never_dated_is_in_every_span(shop: Service) -> None:
    factories.DependencyFactory.create(service=shop, external_id="a", first_seen_at=None, last_seen_at=None)

    assert ids(
        Asker().rows("dependencies/", **{"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"})
    ) == ["a"]


A_AND_B: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("deployments", {"environment": "staging"}, {}, {"environment": "staging"}),
    ("deployments", {"outcome": "failed"}, {}, {"outcome": ["failed", "cancelled"]}),
    ("deployments", {"automated": True}, {"automated": None}, {"automated": "true"}),
    ("deployments", {"automated": False}, {"automated": None}, {"automated": "false"}),
    ("deployments", {"remediation": "rollback"}, {}, {"remediation": "rollback"}),
    ("deployments", {"rollout": "canary"}, {"rollout": "rolling"}, {"rollout": "canary"}),
    ("deployments", {"verification": "passed"}, {}, {"verification": "passed"}),
    ("deployments", {"version": "1.2"}, {"version": "1.3"}, {"version": "1.2"}),
    ("deployments", {"commit": "c0ffee"}, {}, {"commit": "c0ffee"}),
    ("deployments", {"version": "1.2-hotfix"}, {}, {"search": "HOTFIX"}),
    ("incidents", {"severity": 1}, {"severity": 3}, {"severity": ["1", "2"]}),
    ("incidents", {"resolved_at": None}, {}, {"open": "true"}),
    ("incidents", {}, {"resolved_at": None}, {"open": "false"}),
    ("incidents", {"reviewed_at": NOW}, {}, {"reviewed": "true"}),
    ("incidents", {"detected_by": "customer"}, {}, {"detected_by": "customer"}),
    ("incidents", {"cause": "design"}, {"cause": "code"}, {"cause": "design"}),
    ("incidents", {"after_hours": True}, {}, {"after_hours": "true"}),
    ("incidents", {"night": True}, {}, {"night": "true"}),
    ("incidents", {"title": "Basket lost"}, {}, {"search": "lost basket"}),
    ("pages", {"acknowledged_at": None}, {}, {"acknowledged": "false"}),
    ("pages", {"responder": "grace"}, {"responder": "ada"}, {"responder": "grace"}),
    ("pages", {"responder_role": "ops"}, {"responder_role": "tester"}, {"responder_role": "ops"}),
    ("pages", {"actionable": False}, {"actionable": True}, {"actionable": "false"}),
    ("pages", {"after_hours": True}, {}, {"after_hours": "true"}),
    ("pages", {"night": True}, {}, {"night": "true"}),
    ("pages", {"alert": "Latency high"}, {}, {"search": "latency"}),
    ("defects", {"severity": 1}, {}, {"severity": "1"}),
    ("defects", {}, {"closed_at": NOW}, {"open": "true"}),
    ("defects", {"found_in": "production"}, {}, {"found_in": "production"}),
    ("defects", {"kind": "design"}, {"kind": "code"}, {"kind": "design"}),
    ("signals", {"signal": "errors"}, {}, {"signal": ["errors", "slo"]}),
    ("signals", {"environment": None}, {"environment": "staging"}, {"environment": "production"}),
    ("signals", {"environment": "staging"}, {"environment": None}, {"environment": "staging"}),
    ("signals", {"component": "api"}, {}, {"component": "api"}),
    ("dependencies", {"on": "ledger", "target": None}, {}, {"on": "ledger"}),
    ("dependencies", {"on": "ledger", "target": None}, {}, {"known": "false"}),
    ("dependencies", {"type": "async"}, {}, {"type": "async"}),
    ("dependencies", {"criticality": "hard"}, {"criticality": "soft"}, {"criticality": "hard"}),
    ("pipeline-runs", {"pipeline": "release"}, {}, {"pipeline": "release"}),
    ("pipeline-runs", {"branch": "next"}, {}, {"branch": "next"}),
    ("pipeline-runs", {"outcome": "skipped"}, {}, {"outcome": "skipped"}),
    ("pipeline-runs", {"stage_failed": "test"}, {}, {"stage_failed": "test"}),
    ("shifts", {"person": "grace"}, {}, {"person": "grace"}),
    ("shifts", {"role": "ops"}, {}, {"role": "ops"}),
    ("shifts", {"rotation": "first"}, {}, {"rotation": "first"}),
    ("observations", {"observer_role": "manager"}, {}, {"observer_role": "manager"}),
    ("observations", {"observed": "downstream"}, {}, {"observed": "downstream"}),
    ("observations", {"finding": "Forms lose text"}, {}, {"search": "forms"}),
    ("work-items", {"category": "incident"}, {}, {"category": "incident"}),
    ("work-items", {"closed_at": None}, {}, {"open": "true"}),
]


@pytest.mark.parametrize(("path", "a", "b", "query"), A_AND_B, ids=str)
def test_a_filter_tells_a_row_from_another(
    path: str, a: dict[str, Any], b: dict[str, Any], query: dict[str, Any], shop: Service
) -> None:
    FACTORIES[path].create(service=shop, external_id="a", **a)
    FACTORIES[path].create(service=shop, external_id="b", **b)

    assert ids(Asker().rows(f"{path}/", **query)) == ["a"]


def test_a_dependency_is_found_by_what_it_needs(shop: Service) -> None:
    factories.DependencyFactory.create(external_id="a", target=shop)
    factories.DependencyFactory.create(external_id="b")
    (row,) = Asker().rows("dependencies/", target="web.shop")

    assert (row["id"], row["on"], row["target"]) == ("a", "shop", "shop")


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("deployments", "outcome", "exploded"),
        ("deployments", "automated", "perhaps"),
        ("deployments", "from", "2026-06-10T12:00:00"),
        ("deployments", "to", "2026-06-10"),
        ("deployments", "to", "yesterday"),
        ("deployments", "from", "0001-01-01T00:00:00+05:00"),
        ("deployments", "changed_from", "2026-06-10T12:00:00"),
        ("deployments", "environment", "\0"),
        ("incidents", "severity", "6"),
        ("incidents", "severity", "high"),
        ("incidents", "counted", "1"),
        ("incidents", "service", "nothing"),
        ("incidents", "service", "50%d"),
        ("incidents", "team", "nobody"),
        ("defects", "severity", "5"),
        ("dependencies", "target", "nothing"),
        ("feeds", "kind", "smoke"),
        ("feeds", "origin", "guessed"),
    ],
)
def test_a_value_that_is_none_is_refused_by_its_field(
    path: str, field: str, value: str, shop: Service
) -> None:
    details = Asker().problem(f"{path}/", **{field: value})

    assert details["status"] == 400
    assert fields(details) == [field]


def test_a_naive_moment_is_refused_in_words() -> None:
    details = Asker().problem("incidents/", **{"from": "2026-06-10T12:00:00"})

    assert "no offset" in details["errors"][0]["reason"]


def test_feeds_show_who_vouches_for_a_declared_span(shop: Service) -> None:
    factories.FeedFactory.create(service=shop, kind="page", source="pager", last_seen_at=AT)
    factories.FeedFactory.create(
        service=shop,
        kind="incident",
        origin="declared",
        declared_by="grace",
        reason="Read the mails",
        since=ago(days=2),
    )
    asker = Asker()
    (declared,) = asker.rows("feeds/", origin="declared")

    assert (declared["service"], declared["kind"], declared["declared_by"]) == ("shop", "incident", "grace")
    assert declared["reason"] == "Read the mails"
    for query in (
        {"kind": "page"},
        {"source": "pager"},
        {"origin": "heard"},
        {"to": ago(days=30).isoformat()},
        {"service": "shop", "search": "pager"},
    ):
        assert [row["kind"] for row in asker.rows("feeds/", **query)] == ["page"]
    assert [row["kind"] for row in asker.rows("feeds/", **{"from": ago(days=1).isoformat()})] == ["incident"]
    assert asker.rows("feeds/", reports_failures="true") == []

"""Scorecards, histories, evaluations and policies over REST."""

import datetime as dt
from typing import Any

import pytest
from kombu.exceptions import OperationalError
from pytest_django.fixtures import Settings

from readiness import clock, evaluation
from readiness.models import CurrentScore, Evaluation, Scorecard, Service
from tests.factories import (
    NOW,
    EvaluationBatchFactory,
    EvaluationFactory,
    FeedFactory,
    IncidentFactory,
    PolicyVersionFactory,
    ScorecardFactory,
    ServiceAliasFactory,
    ServiceFactory,
    ago,
)
from tests.rest import ROOT, Asker, fields, problem

pytestmark = pytest.mark.django_db

START = f"{ROOT}evaluations/"


@pytest.fixture(autouse=True)
def _clock(settings: Settings) -> None:
    """An hour after the moment of the tests."""
    settings.CLOCK_OFFSET = NOW + dt.timedelta(hours=1) - clock.real_now()


@pytest.fixture
def shop() -> Service:
    """A service with incidents and a feed, judged live and in hindsight."""
    service: Service = ServiceFactory.create(slug="shop", developer_managed=True)
    ServiceAliasFactory.create(name="web.shop", service=service)
    FeedFactory.create(service=service, kind="incident")
    IncidentFactory.create(service=service, external_id="INC-1", severity=1, resolved_at=None)
    for at, kind in ((ago(days=14), "replay"), (ago(days=7), "replay"), (ago(days=7), "live"), (NOW, "live")):
        evaluation.run(evaluation.request(at, kind=kind))
    return service


def test_a_scorecard_is_the_document_of_the_design_with_its_age(shop: Service) -> None:
    card = Asker().get("services/shop/scorecard/")

    assert card["id"] == CurrentScore.objects.get(service=shop).scorecard_id
    assert (card["service"], card["kind"], card["revision"]) == ("shop", "live", 1)
    assert dt.datetime.fromisoformat(card["at"]) == NOW
    assert card["policy"] == {"name": "default", "version": 1}
    assert card["age_seconds"] == pytest.approx(3600, abs=60)
    assert card["stale"] is False
    assert card["clock_offset"] == pytest.approx(clock.offset().total_seconds())
    assert card["judged_at"] is not None
    assert set(card["verdicts"]) == {"handoff", "launch", "deploy", "handback"}
    assert card["verdicts"]["launch"] is None
    assert len(card["criteria"]) == 11
    assert {"slug", "status", "score", "reason", "parts", "next_steps", "evidence"} <= card["criteria"][
        0
    ].keys()


def test_an_old_scorecard_is_called_stale(shop: Service, settings: Settings) -> None:
    settings.CLOCK_OFFSET = NOW + dt.timedelta(days=9) - clock.real_now()

    assert Asker().get("services/shop/scorecard/")["stale"] is True


@pytest.mark.parametrize(
    ("query", "days", "kind"),
    [
        ({}, 0, "live"),
        ({"kind": "replay"}, 7, "replay"),
        ({"at": ago(days=1).isoformat()}, 7, "live"),
        ({"at": ago(days=7).isoformat()}, 7, "live"),
        ({"at": ago(days=7).isoformat(), "kind": "replay"}, 7, "replay"),
        ({"at": ago(days=8).isoformat()}, 14, "replay"),
    ],
)
def test_the_scorecard_of_a_moment_is_the_newest_at_or_before_it(
    shop: Service, query: dict[str, str], days: int, kind: str
) -> None:
    card = Asker().get("services/web.shop/scorecard/", **query)

    assert (dt.datetime.fromisoformat(card["at"]), card["kind"]) == (ago(days=days), kind)


def test_links_to_evidence_can_be_left_out(shop: Service) -> None:
    asker = Asker()

    def linked(**query: str) -> list[str]:
        card = asker.get("services/shop/scorecard/", **query)
        return [link["id"] for criterion in card["criteria"] for link in criterion["evidence"]]

    assert "INC-1" in linked()
    assert linked(explain="false") == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"at": "2026-06-10T12:00:00"}, "no offset"),
        ({"at": "2026-06-10"}, "no offset"),
        ({"at": "2026-06-10T12:00:00 02:00"}, "%2B"),
        ({"at": "now"}, "is no moment"),
        ({"kind": "guess"}, "not a valid choice"),
        ({"explain": "perhaps"}, "valid boolean"),
        ({"when": "now"}, "no parameter here"),
    ],
)
def test_a_question_that_is_not_understood_is_refused_in_words(
    shop: Service, query: dict[str, str], words: str
) -> None:
    details = Asker().problem("services/shop/scorecard/", **query)

    assert details["status"] == 400
    assert fields(details) == list(query)
    assert words in details["errors"][0]["reason"]


def test_what_was_never_judged_has_no_scorecard(shop: Service) -> None:
    ServiceFactory.create(slug="other")
    asker = Asker()

    for path, query in (
        ("services/nothing/scorecard/", {}),
        ("services/other/scorecard/", {}),
        ("services/shop/scorecard/", {"at": "2020-01-01T00:00:00Z"}),
        ("services/nothing/history/", {}),
    ):
        assert asker.problem(path, **query)["status"] == 404


def test_a_history_is_a_series_in_order_of_time(shop: Service) -> None:
    series = Asker().get("services/shop/history/")
    points = series.pop("points")
    card = Scorecard.objects.get(service=shop, at=NOW)

    assert series.pop("clock_offset") == pytest.approx(clock.offset().total_seconds())
    assert series == {"service": "shop", "limit": 1000, "truncated": False}
    assert [(point["at"], point["kind"]) for point in points[-2:]] == [
        ("2026-06-24T00:00:00Z", "live"),
        ("2026-07-01T00:00:00Z", "live"),
    ]
    assert points[-1] == {
        "at": "2026-07-01T00:00:00Z",
        "kind": "live",
        "revision": 1,
        "policy": {"name": "default", "version": 1},
        "score": card.score,
        "possible": card.possible,
        "evidence": card.evidence,
        "level": card.level,
        "verdicts": {
            "handoff": card.handoff,
            "launch": card.launch,
            "deploy": card.deploy,
            "handback": card.handback,
        },
        "criteria": {slug: numbers["score"] for slug, numbers in card.numbers["criteria"].items()},
    }


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ({}, 4),
        ({"kind": "replay"}, 2),
        ({"from": ago(days=7).isoformat()}, 3),
        ({"to": ago(days=7).isoformat()}, 3),
        ({"from": ago(days=8).isoformat(), "to": ago(days=6).isoformat(), "kind": "live"}, 1),
    ],
)
def test_a_history_can_be_cut(shop: Service, query: dict[str, str], number: int) -> None:
    assert len(Asker().get("services/shop/history/", **query)["points"]) == number


def test_a_history_keeps_the_newest_points_and_says_that_there_are_more(
    shop: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("readiness.api.histories.LIMIT", 2)
    series = Asker().get("services/shop/history/", kind="live", to=NOW.isoformat())
    all_of_them = Asker(name="grace").get("services/shop/history/")

    assert (series["truncated"], len(series["points"])) == (False, 2)
    assert (all_of_them["truncated"], all_of_them["limit"]) == (True, 2)
    assert [point["at"] for point in all_of_them["points"]] == [
        "2026-06-24T00:00:00Z",
        "2026-07-01T00:00:00Z",
    ]


def test_scorecards_are_listed_without_their_numbers_and_shown_whole_by_key(shop: Service) -> None:
    asker = Asker()
    row = asker.rows("scorecards/", kind="live", ordering="-at")[0]
    card = Scorecard.objects.get(service=shop, at=NOW)

    assert row["id"] == card.pk
    assert row["verdicts"]["deploy"] == card.deploy
    assert row["policy"] == {"name": "default", "version": 1}
    assert row["clock_offset"] == card.clock_offset.total_seconds()
    assert row["age_seconds"] == pytest.approx(3600, abs=60)
    assert row["stale"] is False
    assert "numbers" not in row
    assert "criteria" not in row

    whole = asker.get(f"scorecards/{card.pk}/", explain="false")
    current = asker.get("services/shop/scorecard/", explain="false")
    whole.pop("age_seconds"), current.pop("age_seconds")
    assert whole == current


@pytest.mark.parametrize(
    "query",
    [
        {"service": "shop"},
        {"kind": "replay"},
        {"policy": "strict"},
        {"policy_version": "7"},
        {"level": "gold"},
        {"state": "ops_managed"},
        {"handback": ["below", "urgent"]},
        {"deploy": "not_ready"},
        {"from": ago(days=41).isoformat(), "to": ago(days=39).isoformat()},
    ],
    ids=str,
)
def test_scorecards_are_filtered(query: dict[str, Any]) -> None:
    wanted = ScorecardFactory.create(
        service__slug="shop",
        kind="replay",
        policy=PolicyVersionFactory.create(name="strict", version=7),
        level="gold",
        management_state="ops_managed",
        handback="below",
        deploy="not_ready",
        at=ago(days=40),
        evaluation=EvaluationFactory.create(),
    )
    ScorecardFactory.create(handoff="ready", management_state="developer_managed")
    asker = Asker()

    assert [row["id"] for row in asker.rows("scorecards/", **query)] == [wanted.pk]
    assert [row["id"] for row in asker.rows("scorecards/", evaluation=wanted.evaluation_id)] == [wanted.pk]
    assert fields(asker.problem("scorecards/", handoff="below")) == ["handoff"]
    assert fields(asker.problem("scorecards/", evaluation="x")) == ["evaluation"]


def test_an_evaluation_says_how_far_it_is() -> None:
    running = EvaluationFactory.create(requested_by="grace", services=30)
    for done in (True, True, False):
        EvaluationBatchFactory.create(evaluation=running, done=done)
    EvaluationFactory.create(kind="replay", state="done", at=ago(days=3))
    asker = Asker()
    row = asker.get(f"evaluations/{running.pk}/")

    assert row["batches"] == {"done": 2, "all": 3}
    assert (row["state"], row["kind"], row["scope"]) == ("running", "live", "fleet")
    assert row["policy"] == {"name": "default", "version": 1}
    assert row["clock_offset"] == 0
    assert (row["services"], row["written"], row["unchanged"], row["failed"], row["errors"]) == (
        30,
        0,
        0,
        0,
        [],
    )
    for query in (
        {"state": "running"},
        {"kind": "live"},
        {"from": ago(days=1).isoformat()},
        {"search": "grace"},
    ):
        assert [each["id"] for each in asker.rows("evaluations/", **query)] == [running.pk]


@pytest.fixture
def lead() -> Asker:
    """Somebody who may start evaluations."""
    return Asker("add_evaluation", name="lead")


def test_an_sre_lead_starts_an_evaluation_and_is_told_where_to_look(shop: Service, lead: Asker) -> None:
    response = lead.client.post(START, {}, format="json")
    started = Evaluation.objects.latest("pk")

    assert response.status_code == 202
    assert response["Location"].endswith(f"/api/v1/evaluations/{started.pk}/")
    assert response.json() == lead.client.get(response["Location"]).json()
    assert response.json()["batches"] == {"done": 0, "all": 1}
    assert (started.kind, started.scope, started.requested_by) == ("live", "fleet", "lead")
    assert abs(started.at - clock.now()) < dt.timedelta(minutes=1)


def test_a_past_moment_is_judged_in_hindsight_for_the_services_named(shop: Service, lead: Asker) -> None:
    ServiceFactory.create(slug="other")
    body = {"at": ago(days=30).isoformat(), "services": ["web.shop", "shop"]}
    response = lead.client.post(START, body, format="json")
    started = Evaluation.objects.get(pk=response.json()["id"])

    assert (started.kind, started.at) == ("replay", ago(days=30))
    assert [batch.service_ids for batch in started.batches.all()] == [[shop.pk]]


def test_asking_again_while_it_runs_starts_no_second_one(shop: Service, lead: Asker) -> None:
    body = {"at": ago(days=30).isoformat()}
    first, second = (lead.client.post(START, body, format="json").json() for _ in range(2))

    assert first["id"] == second["id"]


def test_an_evaluation_waits_for_the_sweep_while_the_broker_is_away(
    shop: Service, lead: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_: int) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("readiness.tasks.run_evaluation.delay", refuses)
    response = lead.client.post(START, {}, format="json")

    assert response.status_code == 202
    assert evaluation.due_batches().filter(evaluation=response.json()["id"]).exists()


def test_others_may_look_at_evaluations_and_start_none(shop: Service) -> None:
    before = Evaluation.objects.count()
    asker = Asker("view_evaluation", "change_evaluation")
    details = problem(asker.client.post(START, {}, format="json"))

    assert details["status"] == 403
    assert "SRE leads" in details["detail"]
    assert len(asker.rows("evaluations/")) == before == Evaluation.objects.count()


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"at": "2026-06-10T12:00:00"}, "at", "no offset"),
        ({"at": 5}, "at", "is no moment"),
        ({"at": "2026-08-01T00:00:00Z"}, "at", "after the clock's now"),
        ({"services": ["nothing", "shop", "nobody"]}, "services", "there is no nothing, nobody"),
        ({"services": []}, "services", "at least 1"),
        ({"services": "shop"}, "services", "list"),
        ({"services": [{}]}, "services.0", "string"),
        ({"service": ["shop"]}, "service", "no parameter here"),
        ([], None, "dictionary"),
    ],
    ids=str,
)
def test_a_request_that_is_not_understood_starts_nothing(
    shop: Service, lead: Asker, body: Any, field: str | None, words: str
) -> None:
    before = Evaluation.objects.count()
    details = problem(lead.client.post(START, body, format="json"))

    assert details["status"] == 400
    assert fields(details) == [field]
    assert words in details["errors"][0]["reason"]
    assert Evaluation.objects.count() == before


def test_a_policy_is_shown_with_its_text_and_what_it_says() -> None:
    first = PolicyVersionFactory.create(version=1)
    second = PolicyVersionFactory.create(version=2, in_force=True)
    asker = Asker()
    rows = asker.rows("policies/")
    whole = asker.get(f"policies/{second.pk}/")

    assert [row["version"] for row in rows] == [2, 1]
    assert "text" not in rows[0]
    assert [row["id"] for row in asker.rows("policies/", in_force="false", name="default")] == [first.pk]
    assert whole["text"] == second.text
    assert whole["rubric"]["criteria"]["defects"]["weight"] == 20
    assert whole["rubric"]["handoff"]["overall"] == 80

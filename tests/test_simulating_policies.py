"""A candidate is tried on stored evidence: who would be judged otherwise, and which change did it."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from readiness import evaluation, simulation
from readiness.evaluation import judging
from readiness.facts import ServiceFacts
from readiness.models import Evaluation, PolicyVersion, Scorecard, Service
from readiness.policy import Policy
from readiness.scoring import Judgement, judge
from readiness.simulation import simulating
from readiness.simulation.reasons import ALONE, SEVERAL, TOGETHER, _because
from readiness.simulation.telling import because, moves, responsible, summary
from readiness.simulation.trial import Fleet, compare
from tests.candidates import (
    easier_telemetry,
    other_weights,
    policy_with,
    shorter_window,
    stored,
    stricter_deploys,
    text_with,
)
from tests.factories import IncidentFactory
from tests.judged import default_policy
from tests.worked_fleet import expected

AT = datetime(2026, 7, 1, tzinfo=UTC)
EARLIER = AT - timedelta(days=28)
Change = Callable[[dict[str, Any]], None]

pytestmark = pytest.mark.django_db


@pytest.fixture
def fleet(worked_fleet_once: None) -> None:
    """The worked fleet."""


def simulated(change: Change, at: Iterable[datetime] = (AT,), ids: Any = None) -> dict[str, Any]:
    """What the default policy with a change would do."""
    trial = simulation.Trial(default_policy(), policy_with(change))
    return simulation.simulate(trial, list(at), ids)


def rows(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The services of the last moment, by slug."""
    return {row["service"]: row for row in result["last"]["rows"]}


def nothing(document: dict[str, Any]) -> None:
    """No change."""


@pytest.mark.usefixtures("fleet")
def test_the_same_policy_changes_nothing() -> None:
    result = simulated(nothing, (EARLIER, AT))

    assert result["changes"] == []
    assert [each["services"] for each in result["moments"]] == [30, 30]
    assert [sum(each["changed"].values()) for each in result["moments"]] == [0, 0]
    assert (result["ever"], result["last"]["rows"]) == ({}, [])
    assert summary(result) == ["The two policies say the same: nothing can change."]


@pytest.mark.usefixtures("fleet")
def test_one_changed_threshold_is_what_did_it() -> None:
    result = simulated(easier_telemetry)
    (row,) = result["last"]["rows"]

    assert row["service"] == "parts"
    assert (row["from"]["verdict"], row["to"]["verdict"]) == ("not_ready", "ready")
    assert row["because"] == {"aspect": "verdict", "how": ALONE, "changes": [0]}
    assert because(row, result["changes"]) == "Telemetry coverage: threshold 80 becomes 60"
    assert moves(row) == ["handoff: not ready → ready"]
    assert responsible(result) == [("Telemetry coverage: threshold 80 becomes 60", 1, 0)]
    assert result["moments"][0]["verdicts"] == [["handoff", "not_ready", "ready", 1]]


@pytest.mark.usefixtures("fleet")
def test_the_one_that_does_it_is_told_from_one_beside_it_that_does_not() -> None:
    def with_a_bystander(document: dict[str, Any]) -> None:
        easier_telemetry(document)
        document["criteria"]["balance"]["threshold"] = 55

    result = simulated(with_a_bystander)
    told = {text.split(":")[0]: counts for text, *counts in responsible(result)}

    assert told == {"Telemetry coverage": [1, 0], "Balance of work": [0, 0]}


@pytest.mark.usefixtures("fleet")
def test_changes_that_only_work_together_are_named_together() -> None:
    result = simulated(other_weights)
    changed = [row for row in result["last"]["rows"] if row["because"]["aspect"] == "score"]

    both = [row for row in changed if row["because"]["how"] == TOGETHER]
    assert both
    assert {tuple(row["because"]["changes"]) for row in both} == {(0, 1)}
    assert because(both[0], result["changes"]).startswith("together: Defects: weight 20 becomes 30; ")


@pytest.mark.usefixtures("fleet")
def test_a_change_of_one_tier_is_not_named_for_another() -> None:
    def two_tiers(document: dict[str, Any]) -> None:
        for tier, weight in ((1, 40), (3, 5)):
            terms = document.setdefault("tiers", {}).setdefault(tier, {}).setdefault("criteria", {})
            terms.setdefault("defects", {})["weight"] = weight

    result = simulated(two_tiers)
    tiers = {index: text.split(",")[0] for index, text in enumerate(result["changes"])}

    assert len(tiers) == 2
    for row in result["last"]["rows"]:
        assert [tiers[each] for each in row["because"]["changes"]] == [f"Tier {row['tier']}"]


@pytest.mark.usefixtures("fleet")
def test_what_deployments_are_told_is_compared_too() -> None:
    deploys = {slug: each["deploy"] for slug, each in expected()["services"].items()}
    slug = next(slug for slug, verdict in deploys.items() if verdict == "ready")
    IncidentFactory.create(service=Service.objects.get(slug=slug), severity=3, resolved_at=None)
    row = rows(simulated(stricter_deploys))[slug]

    assert row["because"]["aspect"] == "deploy"
    assert "deploy: ready → not ready" in moves(row)


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("change", [easier_telemetry, other_weights, shorter_window, stricter_deploys])
@pytest.mark.parametrize("at", [AT, AT - timedelta(days=100)])
def test_it_says_what_applying_and_replaying_comes_to(change: Change, at: datetime) -> None:
    candidate = stored(text_with(change))
    found = compare(default_policy(), evaluation.parsed(candidate), at=at, fleet=Fleet.of(None))
    assert not Scorecard.objects.exists()

    before, after = replayed(at, evaluation.in_force()), replayed(at, candidate)

    told = {each.slug: (tuple(each.old), tuple(each.new)) for each in found.differences}
    assert found.services == len(before) == 30
    assert told == {slug: (old, after[slug]) for slug, old in before.items() if old != after[slug]}


def replayed(at: datetime, version: PolicyVersion) -> dict[str, tuple[Any, ...]]:
    """What the scorecards of a replay say, by service."""
    evaluation.run(evaluation.request(at, kind="replay", policy=version))
    found = {}
    for card in Scorecard.objects.filter(at=at, policy=version).select_related("service"):
        verdicts = {of: getattr(card, of) for of in ("launch", "handoff", "handback")}
        of = next((each for each, verdict in verdicts.items() if verdict), None)
        found[card.service.slug] = (of, verdicts.get(of or ""), card.deploy, card.level, card.score)
    return found


@pytest.mark.usefixtures("fleet")
def test_over_moments_the_first_change_of_each_verdict_is_kept() -> None:
    moments = simulation.moments(AT - timedelta(days=56), AT, timedelta(days=28))
    result = simulated(shorter_window, moments)
    alone = {at: rows(simulated(shorter_window, [at])) for at in moments}

    assert [each["at"] for each in result["moments"]] == [at.isoformat() for at in moments]
    first: dict[str, str] = {}
    for at in moments:
        for slug, row in alone[at].items():
            if row["because"]["aspect"] == "verdict":
                first.setdefault(slug, at.isoformat())
    assert {slug: row["at"] for slug, row in result["ever"].items()} == first
    assert result["last"] == simulated(shorter_window, [AT])["last"]
    assert f"{len(first)} services would have had another verdict at least once" in summary(result)[-1]


@pytest.mark.usefixtures("fleet")
def test_it_stores_nothing() -> None:
    simulated(shorter_window)
    assert [model.objects.count() for model in (Scorecard, Evaluation, PolicyVersion)] == [0, 0, 0]


@pytest.mark.usefixtures("fleet")
def test_some_services_can_be_asked_for() -> None:
    ids = list(Service.objects.filter(slug__in=["parts", "pay"]).values_list("pk", flat=True))
    result = simulated(easier_telemetry, ids=ids)

    assert result["moments"][0]["services"] == 2
    assert list(rows(result)) == ["parts"]


@pytest.mark.usefixtures("fleet")
def test_batches_make_no_difference(settings: Any) -> None:
    whole = simulated(shorter_window)
    settings.EVALUATION_BATCH_SIZE = 4
    assert simulated(shorter_window) == whole


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("change", [other_weights, shorter_window])
def test_queries_are_as_many_for_all_services_as_for_a_few(change: Change) -> None:
    few = list(Service.objects.order_by("pk").values_list("pk", flat=True)[:6])
    everybody = list(Service.objects.order_by("pk").values_list("pk", flat=True))

    assert queries(change, everybody) == queries(change, few)


def queries(change: Change, ids: list[int]) -> int:
    """How many queries judging these twice takes."""
    with CaptureQueriesContext(connection) as captured:
        compare(default_policy(), policy_with(change), at=AT, fleet=Fleet.of(ids))
    return len(captured)


@pytest.mark.usefixtures("fleet")
def test_where_both_look_at_the_same_facts_these_are_measured_once() -> None:
    everybody = list(Service.objects.order_by("pk").values_list("pk", flat=True))
    assert queries(shorter_window, everybody) >= 1.8 * queries(other_weights, everybody)


@pytest.mark.usefixtures("fleet")
def test_long_results_are_cut_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = simulated(other_weights)["last"]["rows"]
    monkeypatch.setattr(simulating, "ROWS", 3)
    monkeypatch.setattr(simulating, "EXPLAINED", 2)
    result = simulated(other_weights)

    assert result["limits"] == {"rows": 3, "explained": 2}
    assert [row["service"] for row in result["last"]["rows"]] == [row["service"] for row in whole[:3]]
    assert result["last"]["more"] == len(whole) - 3
    assert [row["because"] is None for row in result["last"]["rows"]] == [False, False, True]
    assert because(result["last"]["rows"][2], result["changes"]) == "not looked into"


@pytest.mark.usefixtures("fleet")
def test_a_service_that_cannot_be_judged_is_named_and_the_others_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(facts: ServiceFacts, policy: Policy) -> Judgement:
        if facts.service == "parts":
            raise ZeroDivisionError
        return judge(facts, policy)

    monkeypatch.setattr(judging, "judge", broken)
    result = simulated(other_weights)

    assert result["moments"][0]["failed"] == ["parts"]
    assert len(result["last"]["rows"]) > 10
    assert "parts" in summary(result)[-1]


@pytest.mark.parametrize(
    ("doing", "how", "named"),
    [
        ({(0,), (0, 1), (0, 2), (0, 1, 2)}, ALONE, (0,)),
        ({(0,), (1,), (0, 1), (0, 2), (1, 2), (0, 1, 2)}, ALONE, (0, 1)),
        ({(0, 1), (0, 1, 2)}, TOGETHER, (0, 1)),
        ({(0, 1, 2)}, TOGETHER, (0, 1, 2)),
        # either 0 with 1, or 0 with 2: 0 is needed, and not enough
        ({(0, 1), (0, 2), (0, 1, 2)}, SEVERAL, (0, 1, 2)),
    ],
)
def test_which_of_three_changes_did_it(doing: set[tuple[int, ...]], how: str, named: tuple[int, ...]) -> None:
    found = _because("verdict", [0, 1, 2], lambda numbers: tuple(numbers) in doing)
    assert (found.how, found.changes) == (how, named)


def test_moments_go_from_the_first_and_not_past_the_last() -> None:
    found = simulation.moments(EARLIER, AT - timedelta(days=1), timedelta(days=7))
    assert [(AT - each).days for each in found] == [28, 21, 14, 7]
    assert simulation.moments(AT, AT, timedelta(days=7)) == [AT]
    with pytest.raises(ValueError, match="before the first"):
        simulation.moments(AT, EARLIER, timedelta(days=7))

"""Telemetry: what must be seen of a service, by tier, component and environment."""

from collections.abc import Iterable

import pytest

from readiness.criteria.outcome import Outcome
from readiness.criteria.telemetry import TELEMETRY
from readiness.facts import ChangeFacts, IncidentRow, ServiceFacts, SignalRow
from tests.judging import POLICY, ago, codes, facts, gaps, heard, judge, reason, ref, scores, values

GOLDEN = ("latency", "traffic", "errors", "saturation")
ALL = (*GOLDEN, "logs", "alert", "dashboard", "runbook", "slo", "traces")


def _live(
    *names: str, component: str | None = None, environment: str | None = None, seen: float = 0
) -> tuple[SignalRow, ...]:
    return tuple(SignalRow(ref("signal", name), name, component, environment, ago(seen)) for name in names)


def _incidents(found_by: Iterable[str | None]) -> tuple[IncidentRow, ...]:
    return tuple(
        IncidentRow(ref("incident", str(n)), 3, ago(10 + n), ago(10 + n), detected_by=by)
        for n, by in enumerate(found_by)
    )


def _launch(found: ServiceFacts) -> Outcome:
    return TELEMETRY.launch_outcome(found, POLICY.rubric(found.tier))


@pytest.mark.parametrize(("tier", "coverage"), [(1, 0.9), (2, 0.9), (3, 1), (4, 1)])
def test_a_tier_requires_its_signals(tier: int, coverage: float) -> None:
    signals = _live(*[name for name in ALL if name not in ("slo", "traces")])
    assert values(judge("telemetry", facts(tier=tier, signals=signals)))["coverage"] == pytest.approx(
        coverage
    )


def test_tier_4_does_without_a_runbook() -> None:
    signals = _live(*GOLDEN, "logs", "alert", "dashboard")
    assert values(judge("telemetry", facts(tier=4, signals=signals)))["coverage"] == 1
    assert values(judge("telemetry", facts(tier=3, signals=signals)))["coverage"] == pytest.approx(85 / 90)


@pytest.mark.parametrize(("seen", "covered"), [(7, True), (7.001, False)])
def test_a_signal_is_live_for_seven_days(seen: float, covered: bool) -> None:
    outcome = judge("telemetry", facts(signals=_live("latency", seen=seen)))
    assert bool(values(outcome)["coverage"]) is covered
    assert ("missing_signal:latency" in codes(outcome)) is not covered


def test_a_signal_of_some_components_counts_by_their_share() -> None:
    signals = _live("latency", component="api") + _live("latency", component="elsewhere") + _live("traffic")
    outcome = judge("telemetry", facts(signals=signals, components=("api", "worker", "cron")))
    assert values(outcome)["coverage"] == pytest.approx((15 / 3 + 15) / 90)
    assert codes(outcome) == ["missing_signal:errors", "missing_signal:saturation"]


def test_without_a_catalogue_the_components_are_those_that_production_signals_name() -> None:
    signals = (
        _live("latency", component="api")
        + _live("traffic", component="worker", seen=100)
        + _live("errors", component="lab", environment="staging")
    )
    assert values(judge("telemetry", facts(signals=signals)))["coverage"] == pytest.approx(15 / 2 / 90)


def test_a_row_without_an_environment_is_of_production_and_another_one_is_not() -> None:
    signals = (
        _live("latency") + _live("traffic", environment="production") + _live("errors", environment="staging")
    )
    assert codes(judge("telemetry", facts(signals=signals))) == [
        "missing_signal:errors",
        "missing_signal:saturation",
    ]


@pytest.mark.parametrize(
    ("found_by", "share"),
    [
        (("alert", "alert"), None),
        (("alert", "person", "customer"), 1 / 3),
        (("alert", "alert", "person", None, None, None), 2 / 3),
        (("alert", "alert", "person", None, None, None, None), None),
    ],
)
def test_detection_asks_for_three_known_and_half_of_all_known(
    found_by: tuple[str | None, ...], share: float | None
) -> None:
    assert (
        values(judge("telemetry", facts(signals=_live(*ALL), incidents=_incidents(found_by))))["detection"]
        == share
    )


def test_detection_is_unknown_while_nobody_reports_incidents() -> None:
    found = facts(signals=_live(*ALL), incidents=_incidents(["alert"] * 3), unheard=("incident",))
    assert values(judge("telemetry", found))["detection"] is None


def test_pre_production_counts_only_where_the_service_has_another_environment() -> None:
    signals = _live(*ALL) + _live("latency", "traffic", environment="staging")
    alone = judge("telemetry", facts(signals=signals))
    staged = judge("telemetry", facts(signals=signals, changes=ChangeFacts(other_environment=True)))
    assert values(alone)["pre_production"] is None
    assert alone.score == 100
    assert values(staged)["pre_production"] == 0.5
    assert staged.score == round((70 * 100 + 10 * 50) / 80, 2)


def test_a_missing_signal_does_not_block_without_a_feed() -> None:
    outcome = judge("telemetry", facts(unheard=("signal",)))
    assert (outcome.score, gaps(outcome), codes(outcome)) == (None, [("no_feed", "signal")], [])


def test_before_launch_every_environment_counts_and_a_short_feed_is_enough() -> None:
    found = facts(signals=_live(*ALL, environment="staging"), feeds={"signal": heard(days=3)})
    assert gaps(judge("telemetry", found)) == [("too_short", "signal")]
    assert (_launch(found).score, codes(_launch(found))) == (100, [])


def test_before_launch_a_missing_golden_signal_blocks() -> None:
    assert codes(_launch(facts(signals=_live("latency", "traffic", "errors")))) == [
        "missing_signal:saturation"
    ]


@pytest.mark.parametrize(("days", "until", "code"), [(50, 20, "silent"), (0, 0, "no_feed")])
def test_before_launch_a_feed_that_is_not_heard_is_a_gap(days: float, until: float, code: str) -> None:
    found = facts(unheard=("signal",), feeds={"signal": heard(days, until)} if days else {})
    assert gaps(_launch(found)) == [(code, "signal")]


def test_the_reason_names_what_is_missing() -> None:
    outcome = judge("telemetry", facts(signals=_live(*GOLDEN, "logs", "alert", "dashboard")))
    assert scores(outcome)["coverage"] == 94.44
    assert reason("telemetry", outcome) == (
        "94.4 % of the required telemetry is live in production (missing: runbook)."
    )

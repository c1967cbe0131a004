"""The four verdicts say what SCORING.md section 4 says, and name what they rest on."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from readiness.criteria.outcome import Blocker, Outcome
from readiness.facts import (
    BlameRow,
    BrokenPipeline,
    ChangeFacts,
    DefectFacts,
    FeedStatus,
    PipelineFacts,
    RowKey,
    RowRef,
    ServiceFacts,
    SignalRow,
    Standing,
    WaiverFact,
)
from readiness.scoring import deploy_verdict, judge
from readiness.scoring.verdicts import Verdict, handback, handoff, launch
from tests.judged import (
    AT,
    default_policy,
    failed_change,
    feeds,
    grounds,
    incident,
    outcomes,
    plain,
    service,
)

FOUR = ("defects", "after_hours", "coupling", "change_safety")
OPS = service("ops_managed")
BROKEN = BrokenPipeline("ci", "main", AT - timedelta(days=2), RowRef("pipeline_run", "ci", "run-9"), AT)


def codes(verdict: Verdict | None) -> list[str]:
    """The codes of a verdict's reasons."""
    assert verdict is not None
    return [reason.code for reason in verdict.reasons]


# --- handoff ---


def of_handoff(
    judged: dict[str, Outcome], *, blockers: Iterable[str] = (), waived: Iterable[str] = ()
) -> Verdict:
    """The handoff verdict of a live, developer-managed service."""
    verdict = handoff(grounds(service(), judged, blockers=blockers, waived=waived))
    assert verdict is not None
    return verdict


def test_a_service_that_meets_every_gate_is_ready() -> None:
    verdict = of_handoff(outcomes(100.0, telemetry=80.0, defects=70.0))
    assert (verdict.verdict, codes(verdict)) == ("ready", ["all_met"])


@pytest.mark.parametrize(
    ("slug", "threshold"),
    [
        ("telemetry", 80),
        ("stability", 100),
        ("defects", 70),
        ("after_hours", 70),
        ("coupling", 70),
        ("change_safety", 70),
    ],
)
def test_a_gated_criterion_under_its_threshold_is_not_ready(slug: str, threshold: float) -> None:
    assert of_handoff(outcomes(100.0, **{slug: threshold})).verdict == "ready"
    verdict = of_handoff(outcomes(100.0, **{slug: threshold - 0.01}))
    assert verdict.verdict == "not_ready"
    assert verdict.reasons[0].numbers == {
        "criterion": slug,
        "score": threshold - 0.01,
        "threshold": threshold,
    }


def test_a_missing_gated_criterion_cannot_be_told() -> None:
    verdict = of_handoff(outcomes(100.0, coupling=None))
    assert (verdict.verdict, codes(verdict)) == ("cannot_tell", ["insufficient"])


def test_what_is_known_to_be_bad_goes_before_what_is_unknown_and_both_are_named() -> None:
    verdict = of_handoff(outcomes(100.0, coupling=None, defects=69.0))
    assert (verdict.verdict, codes(verdict)) == ("not_ready", ["below_threshold", "insufficient"])


def test_advisory_criteria_gate_nothing() -> None:
    assert of_handoff(outcomes(100.0, pipeline=0.0, on_call=None)).verdict == "ready"


def test_an_overall_that_may_still_reach_the_threshold_cannot_be_told() -> None:
    verdict = of_handoff(outcomes(100.0, telemetry=None, coupling=70.0, stability=None))
    assert (verdict.verdict, codes(verdict)) == (
        "cannot_tell",
        ["insufficient", "insufficient", "overall_below"],
    )


def test_an_overall_that_cannot_reach_the_threshold_any_more_is_not_ready() -> None:
    judged = outcomes(70.0, telemetry=80.0, stability=100.0)
    verdict = of_handoff(judged)
    assert (verdict.verdict, codes(verdict)) == ("not_ready", ["possible_below"])
    assert verdict.reasons[0].numbers == {"possible": 76.5, "threshold": 80}


def test_an_unwaived_blocker_is_not_ready() -> None:
    verdict = of_handoff(outcomes(), blockers=["open_sev1_defect"])
    assert (verdict.verdict, codes(verdict)) == ("not_ready", ["blocker"])


def test_a_waived_blocker_is_out_and_its_waiver_named() -> None:
    verdict = of_handoff(
        outcomes(), blockers=["open_sev1_defect"], waived=["after_hours_storm", "open_sev1_defect"]
    )
    assert (verdict.verdict, verdict.waivers) == ("ready", (2,))


def test_a_waiver_of_a_criterion_does_not_waive_its_blockers() -> None:
    assert of_handoff(outcomes(), blockers=["open_sev1_defect"], waived=["defects"]).verdict == "not_ready"


@pytest.mark.parametrize("score", [10.0, None])
def test_a_waived_criterion_is_out_of_the_gates_and_of_the_gating_overall(score: float | None) -> None:
    judged = outcomes(80.0, stability=100.0, telemetry=score)
    assert of_handoff(judged).verdict in ("not_ready", "cannot_tell")
    verdict = of_handoff(judged, waived=["telemetry"])
    assert (verdict.verdict, verdict.waivers) == ("ready", (1,))
    assert verdict.reasons[0].numbers == {"score": 83.75}


def test_a_waiver_can_bring_the_gating_overall_down() -> None:
    judged = outcomes(75.0, defects=95.0, telemetry=80.0, stability=100.0)
    assert of_handoff(judged).verdict == "ready"
    verdict = of_handoff(judged, waived=["stability", "defects"])
    assert codes(verdict) == ["possible_below"]


def test_when_all_is_waived_nothing_is_left_to_judge() -> None:
    everything = ("defects", "telemetry", "after_hours", "coupling", "change_safety", "stability")
    verdict = of_handoff(outcomes(None), waived=everything)
    assert (verdict.verdict, codes(verdict)) == ("cannot_tell", ["nothing_left"])


@pytest.mark.parametrize(
    "facts",
    [
        service("ops_managed"),
        service(None),
        service(lifecycle="retired"),
        service(lifecycle="pre_launch"),
        service(launched_on=AT.date() + timedelta(days=1)),
    ],
)
def test_only_a_live_developer_managed_service_has_a_handoff_verdict(facts: ServiceFacts) -> None:
    assert handoff(grounds(facts, outcomes())) is None
    assert handoff(grounds(service(launched_on=AT.date()), outcomes())) is not None
    assert handoff(grounds(service(launched_on=None), outcomes())) is not None


# --- launch ---


def before_launch(**changes: Any) -> ServiceFacts:
    """A service that is not launched."""
    return service(None, lifecycle="pre_launch", launched_on=None, **changes)


def of_launch(facts: ServiceFacts) -> Verdict:
    """The launch verdict."""
    verdict = judge(facts, default_policy()).launch
    assert verdict is not None
    return verdict


def signals(*names: str, environment: str = "staging") -> tuple[SignalRow, ...]:
    """Live signals of an environment."""
    refs = (RowRef("signal", "grafana", name) for name in names)
    return tuple(SignalRow(ref, ref.id, None, environment, AT) for ref in refs)


GOLDEN = ("latency", "traffic", "errors", "saturation")


def test_before_launch_every_environment_counts_as_production() -> None:
    facts = before_launch(signals=signals(*GOLDEN))
    assert of_launch(facts).verdict == "ready"
    assert judge(facts, default_policy()).outcomes["telemetry"].score == 0


def test_a_golden_signal_that_is_nowhere_is_not_ready_for_launch() -> None:
    facts = before_launch(signals=signals(*GOLDEN[1:], "logs", "alert", "dashboard", "runbook"))
    verdict = of_launch(facts)
    assert (verdict.verdict, codes(verdict)) == ("not_ready", ["blocker"])
    assert verdict.reasons[0].numbers["code"] == "missing_signal:latency"


def test_too_little_telemetry_is_not_ready_for_launch() -> None:
    facts = before_launch(tier=1, signals=signals(*GOLDEN))
    assert of_launch(facts).verdict == "ready"  # 60 of 100
    facts = replace(facts, changes=ChangeFacts(other_environment=True), components=("api", "worker"))
    by_component = tuple(row._replace(component="api") for row in facts.signals)
    verdict = of_launch(replace(facts, signals=by_component))
    assert codes(verdict) == ["launch_below"]


def test_a_young_feed_is_enough_for_launch_but_none_or_a_silent_one_is_not() -> None:
    for status, expected in [
        (FeedStatus.TOO_SHORT, "ready"),
        (FeedStatus.SILENT, "cannot_tell"),
        (FeedStatus.NO_FEED, "cannot_tell"),
    ]:
        facts = before_launch(signals=signals(*GOLDEN), feeds=feeds(signal=status))
        assert of_launch(facts).verdict == expected


def test_a_broken_pipeline_is_not_ready_for_launch_whoever_listens() -> None:
    facts = before_launch(feeds={}, pipeline=PipelineFacts(broken=(BROKEN,)))
    verdict = of_launch(facts)
    assert (verdict.verdict, codes(verdict)) == ("not_ready", ["pipeline_broken", "unheard"])


def test_other_blockers_do_not_stand_against_a_launch() -> None:
    severe = incident(severity=1, hours=None)
    assert of_launch(before_launch(signals=signals(*GOLDEN), incidents=(severe,))).verdict == "ready"


def test_a_launch_date_in_the_future_is_before_launch_too() -> None:
    facts = service(launched_on=AT.date() + timedelta(days=1))
    judged = judge(facts, default_policy())
    assert judged.launch is not None
    assert judged.handoff is None
    assert judge(service(), default_policy()).launch is None
    assert judge(service(lifecycle="retired"), default_policy()).launch is None


def test_telemetry_without_a_score_cannot_be_told_before_launch() -> None:
    verdict = launch(grounds(before_launch(), outcomes()), Outcome(None))
    assert (verdict.verdict, codes(verdict)) == ("cannot_tell", ["insufficient"])


# --- deploy ---


def of_deploy(facts: ServiceFacts, remediates: str | None = None) -> dict[str, Any]:
    """The deploy verdict, answered from the numbers."""
    verdict = deploy_verdict(judge(facts, default_policy()).document(), remediates)
    assert verdict is not None
    return verdict


CHANGE = failed_change("dep-1", mended=False)
NAMING = incident("inc-1", severity=1, hours=None, caused_by=RowKey("ci", "dep-1"))
OTHER = incident("inc-2", severity=1, hours=None)


def with_blame(*incidents: str) -> ChangeFacts:
    """The failed change that is not mended, named by incidents."""
    blames = tuple(
        BlameRow(RowRef("incident", "pager", each), RowKey("ci", "dep-1"), AT - timedelta(days=9), None)
        for each in incidents
    )
    return ChangeFacts(failed=(replace(CHANGE, blames=blames),))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"pipeline": PipelineFacts(broken=(BROKEN,))}, "pipeline_broken"),
        ({"changes": ChangeFacts(failed=(CHANGE,))}, "unmended"),
        ({"incidents": (OTHER,)}, "open_incident"),
    ],
)
@pytest.mark.parametrize("heard", [{}, feeds()])
def test_a_known_bad_fact_stands_whoever_listens(
    changes: dict[str, Any], code: str, heard: dict[str, Any]
) -> None:
    verdict = of_deploy(service(feeds=heard, **changes))
    assert verdict["verdict"] == "not_ready"
    assert verdict["reasons"][0][0] == code


def test_milder_and_resolved_incidents_and_mended_changes_do_not_stand() -> None:
    facts = service(
        incidents=(incident(severity=2, hours=None), incident("inc-2", severity=1)),
        changes=ChangeFacts(failed=(failed_change(),)),
    )
    assert of_deploy(facts)["verdict"] == "ready"


@pytest.mark.parametrize("kind", ["deployment", "incident"])
def test_where_nobody_listens_for_deployments_or_incidents_it_cannot_be_told(kind: str) -> None:
    for status, expected in [
        (FeedStatus.NO_FEED, "cannot_tell"),
        (FeedStatus.SILENT, "cannot_tell"),
        (FeedStatus.TOO_SHORT, "ready"),
    ]:
        verdict = of_deploy(service(feeds=feeds(**{kind: status})))
        assert verdict["verdict"] == expected


def test_a_retired_service_has_no_deploy_verdict() -> None:
    document = judge(service(lifecycle="retired"), default_policy()).document()
    assert document["verdicts"]["deploy"] is None
    assert deploy_verdict(document) is None
    assert of_deploy(before_launch())["verdict"] == "ready"


@pytest.mark.parametrize("remediates", ["dep-1", "ci:dep-1"])
def test_the_cure_of_a_change_is_not_blocked_by_it_nor_by_incidents_that_name_it(remediates: str) -> None:
    facts = service(incidents=(NAMING,), changes=with_blame("inc-1"))
    assert of_deploy(facts)["verdict"] == "not_ready"
    assert of_deploy(facts, remediates)["verdict"] == "ready"


@pytest.mark.parametrize("remediates", ["inc-1", "pager:inc-1"])
def test_the_cure_of_an_incident_is_not_blocked_by_it_nor_by_the_change_it_names(remediates: str) -> None:
    facts = service(incidents=(NAMING,), changes=with_blame("inc-1"))
    assert of_deploy(facts, remediates)["verdict"] == "ready"


def test_an_incident_of_another_service_names_the_change_that_its_cure_mends() -> None:
    facts = service(changes=with_blame("elsewhere"))
    assert of_deploy(facts, "elsewhere")["verdict"] == "ready"


@pytest.mark.parametrize("remediates", ["main", "ci:main"])
def test_the_cure_of_a_pipeline_is_not_blocked_by_it(remediates: str) -> None:
    facts = service(pipeline=PipelineFacts(broken=(BROKEN,)))
    assert of_deploy(facts, remediates)["verdict"] == "ready"


def test_what_else_is_bad_still_stands_against_a_cure() -> None:
    facts = service(incidents=(NAMING, OTHER), changes=with_blame("inc-1"))
    verdict = of_deploy(facts, "dep-1")
    assert verdict["reasons"] == [["open_incident", {"row": "pager:inc-2", "severity": 1}]]
    assert of_deploy(facts, "inc-2")["verdict"] == "not_ready"
    assert of_deploy(facts, "other:dep-1")["verdict"] == "not_ready"


def test_a_cure_does_not_make_up_for_who_is_not_listening() -> None:
    facts = service(feeds={}, changes=with_blame())
    assert of_deploy(facts, "dep-1")["verdict"] == "cannot_tell"


# --- handback ---


def of_handback(
    facts: ServiceFacts = OPS,
    judged: dict[str, Outcome] | None = None,
    *,
    blockers: Iterable[str] = (),
    waived: Iterable[str] = (),
) -> Verdict:
    """The handback verdict of a live, ops-managed service."""
    verdict = handback(grounds(facts, judged or outcomes(), blockers=blockers, waived=waived))
    assert verdict is not None
    return verdict


def test_a_service_that_keeps_what_was_promised_holds() -> None:
    verdict = of_handback(judged=outcomes(50.0, telemetry=None, stability=0.0))
    assert (verdict.verdict, codes(verdict)) == ("holds", ["holds"])


@pytest.mark.parametrize("slug", FOUR)
def test_each_of_the_four_criteria_can_fall_below_or_be_unknown(slug: str) -> None:
    assert of_handback(judged=outcomes(100.0, **{slug: 49.99})).verdict == "below"
    assert of_handback(judged=outcomes(100.0, **{slug: None})).verdict == "cannot_tell"
    assert of_handback(judged=outcomes(100.0, **{slug: 49.99}), waived=[slug]).verdict == "holds"
    assert of_handback(judged=outcomes(100.0, **{slug: None}), waived=[slug]).waivers == (1,)


def test_insufficient_criteria_are_named_beside_what_fell() -> None:
    verdict = of_handback(judged=outcomes(100.0, defects=10.0, coupling=None))
    assert (verdict.verdict, codes(verdict)) == ("below", ["below_threshold", "insufficient"])


@pytest.mark.parametrize("status", [FeedStatus.NO_FEED, FeedStatus.SILENT, FeedStatus.TOO_SHORT])
def test_without_observed_incidents_it_cannot_hold(status: FeedStatus) -> None:
    verdict = of_handback(replace(OPS, feeds=feeds(incident=status)))
    assert (verdict.verdict, codes(verdict)) == ("cannot_tell", ["not_observed"])


def test_a_storm_is_below_other_blockers_are_not_and_only_its_own_waiver_sets_it_aside() -> None:
    assert of_handback(blockers=["after_hours_storm"]).verdict == "below"
    assert of_handback(blockers=["open_severe_incident"]).verdict == "holds"
    assert of_handback(blockers=["after_hours_storm"], waived=["after_hours"]).verdict == "below"
    assert of_handback(blockers=["after_hours_storm"], waived=["after_hours_storm"]).waivers == (1,)


def with_changes(failed: int, of: int, *, recent: bool = False) -> ServiceFacts:
    """An ops-managed service some of whose changes failed."""
    return replace(
        OPS,
        changes=ChangeFacts(
            plain=plain(of - failed, recent=of - failed if recent else 0),
            failed=tuple(failed_change(f"dep-{n}", recent=recent) for n in range(failed)),
        ),
    )


@pytest.mark.parametrize(
    ("failed", "changes", "expected"), [(3, 5, "below"), (9, 20, "holds"), (10, 20, "below"), (2, 4, "holds")]
)
def test_too_many_failed_changes_of_the_window_are_below(failed: int, changes: int, expected: str) -> None:
    facts = with_changes(failed, of=changes)
    assert of_handback(facts).verdict == expected
    assert of_handback(facts, outcomes(100.0, change_safety=None)).verdict in (expected, "cannot_tell")


@pytest.mark.parametrize("target", ["change_safety", "change_fail_rate"])
def test_either_waiver_covers_the_rate_of_the_window_never_the_recent_one(target: str) -> None:
    verdict = of_handback(with_changes(3, of=5), waived=[target])
    assert (verdict.verdict, verdict.waivers) == ("holds", (1,))
    assert of_handback(with_changes(6, of=10, recent=True), waived=[target]).verdict == "urgent"


@pytest.mark.parametrize(
    ("failed", "changes", "expected"), [(5, 10, "urgent"), (4, 9, "holds"), (5, 9, "below")]
)
def test_too_many_failed_changes_of_late_are_urgent(failed: int, changes: int, expected: str) -> None:
    assert of_handback(with_changes(failed, of=changes, recent=True)).verdict == expected


@pytest.mark.parametrize(
    ("severities", "expected"),
    [((1,), "urgent"), ((2, 2), "holds"), ((2, 2, 2), "urgent"), ((3,) * 9, "holds")],
)
@pytest.mark.parametrize("cause", ["design", "code"])
def test_severe_incidents_of_design_or_code_are_urgent(
    severities: tuple[int, ...], expected: str, cause: str
) -> None:
    rows = [incident(f"inc-{n}", severity=each, cause=cause) for n, each in enumerate(severities)]
    assert of_handback(replace(OPS, incidents=tuple(rows))).verdict == expected
    assert of_handback(replace(OPS, incidents=tuple(rows)), waived=FOUR).verdict == expected


@pytest.mark.parametrize(("cause", "days_ago"), [("dependency", 10), (None, 10), ("code", 30), ("code", 31)])
def test_other_causes_and_older_incidents_are_not_urgent(cause: str | None, days_ago: float) -> None:
    rows = (incident(severity=1, cause=cause, days_ago=days_ago),)
    assert of_handback(replace(OPS, incidents=rows)).verdict == "holds"


def test_a_recent_severe_defect_is_urgent_whoever_listens() -> None:
    severe = DefectFacts(recent_severe=(RowRef("defect", "jira", "PAY-1"),))
    assert of_handback(replace(OPS, defects=severe, feeds={})).verdict == "urgent"


@pytest.mark.parametrize("facts", [service(), replace(OPS, lifecycle="retired"), service(None)])
def test_only_a_live_ops_managed_service_has_a_handback_verdict(facts: ServiceFacts) -> None:
    assert handback(grounds(facts, outcomes())) is None


# --- waivers, end to end ---


def test_a_waiver_never_changes_the_shown_score_and_frees_the_level_of_its_blocker() -> None:
    severe = incident(severity=1, hours=None)
    facts = service(incidents=(severe,))
    waived = replace(
        facts, standing=Standing("developer_managed", None, (WaiverFact(7, "open_severe_incident"),))
    )
    plain_, lenient = (judge(each, default_policy()) for each in (facts, waived))
    assert lenient.overall == plain_.overall
    assert [each.code for each in lenient.blockers] == [each.code for each in plain_.blockers]
    assert ["open_severe_incident", "stability", True] in [
        each[:3] for each in lenient.document()["blockers"]
    ]
    assert lenient.handoff is not None
    assert lenient.handoff.waivers == (7,)
    assert Blocker("open_severe_incident", "stability", ("incident/pager:inc-1",)) in plain_.blockers

"""A scorecard is rendered from its numbers alone: in DESIGN.md's shape, and in plain words."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from readiness.explaining import Basis, Explanation, Weighty, explain
from readiness.facts import (
    BrokenPipeline,
    ChangeFacts,
    DefectFacts,
    FeedStatus,
    PipelineFacts,
    RowRef,
    ServiceFacts,
    Standing,
    WaiverFact,
)
from readiness.rendering import Meta, render
from readiness.rendering.sentences import blocker_text, feed_text, gap_text, listed
from readiness.rendering.values import valued
from readiness.scoring import differences, digest, judge
from tests.judged import AT, OBSERVED, default_policy, failed_change, feeds, incident, plain, service
from tests.strategies import SPANS, Story, stories

META = Meta("pay", AT, policy_version=4, judged_at=datetime(2026, 7, 1, 3, tzinfo=UTC), age_seconds=10800)
anything = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def card(facts: ServiceFacts, explanation: Explanation | None = None) -> dict[str, Any]:
    """The scorecard of a service, by way of the JSON that is stored."""
    stored = json.loads(json.dumps(judge(facts, default_policy()).document()))
    return render(stored, policy=default_policy(), meta=META, explanation=explanation)


def criterion(scorecard: dict[str, Any], slug: str) -> dict[str, Any]:
    """One criterion of a scorecard."""
    found: dict[str, Any] = next(each for each in scorecard["criteria"] if each["slug"] == slug)
    return found


def reasons(facts: ServiceFacts, verdict: str) -> list[str]:
    """A verdict's reasons in words."""
    found: list[str] = card(facts)["verdicts"][verdict]["reasons"]
    return found


@given(stories())
@anything
def test_every_scorecard_has_the_shape_that_design_promises(story: Story) -> None:
    scorecard = card(story.facts, explain(story.base, story.rows, default_policy(), spans=SPANS))
    assert list(scorecard)[:11] == [
        "service",
        "at",
        "policy",
        "score",
        "level",
        "evidence",
        "possible",
        "management_state",
        "clock_offset",
        "verdicts",
        "blockers",
    ]
    assert set(scorecard["verdicts"]) == {"handoff", "launch", "deploy", "handback"}
    for verdict in filter(None, scorecard["verdicts"].values()):
        assert set(verdict) == {"verdict", "reasons", "waivers"}
        assert all(isinstance(each, str) and each for each in verdict["reasons"])
        assert verdict["reasons"]
    for blocker in scorecard["blockers"]:
        assert set(blocker) == {"code", "criterion", "text", "waived"}
    for each in scorecard["criteria"]:
        assert list(each) == [
            "slug",
            "title",
            "status",
            "score",
            "weight",
            "gated",
            "threshold",
            "reason",
            "parts",
            "shown",
            "next_steps",
            "evidence",
        ]
        assert each["status"] == ("insufficient_evidence" if each["score"] is None else "scored")
        assert each["reason"]
        assert all(set(part) == {"name", "value", "unit", "score", "weight"} for part in each["parts"])
        assert all(set(shown) == {"name", "value", "unit"} for shown in each["shown"])
        assert all(set(step) == {"text", "part", "from", "to"} for step in each["next_steps"])
        assert all(set(row) == {"kind", "source", "id", "url", "why"} for row in each["evidence"])
    assert json.loads(json.dumps(scorecard, allow_nan=False)) == scorecard


@given(stories())
@anything
def test_a_database_that_reorders_the_keys_of_json_changes_nothing(story: Story) -> None:
    judged = judge(story.facts, default_policy()).document()
    shown = [
        render(json.loads(json.dumps(judged, sort_keys=each)), policy=default_policy(), meta=META)
        for each in (False, True)
    ]
    assert json.dumps(shown[0]) == json.dumps(shown[1])


@given(stories())
@anything
def test_no_code_goes_without_its_sentence(story: Story) -> None:
    scorecard = card(story.facts)
    texts = [text for verdict in scorecard["verdicts"].values() if verdict for text in verdict["reasons"]]
    texts += [blocker["text"] for blocker in scorecard["blockers"]]
    texts += [each["reason"] for each in scorecard["criteria"] if each["status"] != "scored"]
    assert not [text for text in texts if re.fullmatch(r"\w+", text) or "None" in text or "{" in text]


def test_what_stands_beside_the_numbers_is_told() -> None:
    scorecard = card(service())
    assert scorecard["service"] == "pay"
    assert scorecard["at"] == "2026-07-01T00:00:00+00:00"
    assert scorecard["policy"] == {"name": "default", "version": 4}
    assert scorecard["judged_at"] == "2026-07-01T03:00:00+00:00"
    assert (scorecard["age_seconds"], scorecard["revision"], scorecard["clock_offset"]) == (10800, 1, 0)


def test_a_part_that_is_not_applicable_has_neither_value_nor_score() -> None:
    parts = {part["name"]: part for part in criterion(card(service()), "defects")["parts"]}
    assert (parts["reopen_rate"]["value"], parts["reopen_rate"]["score"]) == (None, None)
    assert parts["open_load"] == {
        "name": "open_load",
        "value": 0,
        "unit": "weighted defects",
        "score": 100.0,
        "weight": 40.0,
    }


@pytest.mark.parametrize(
    ("gap", "text"),
    [
        (["no_feed", "incident", {}], "no incident feed, nobody reports incidents"),
        (
            ["silent", "page", {"last_heard": "2026-05-02T10:00:00+00:00"}],
            "page feed silent since 2026-05-02",
        ),
        (
            ["too_short", "defect", {"observed_days": 12.0, "minimum_days": 30.0}],
            "defect feed too short, 12 of 30 observed days",
        ),
        (["too_few", "pipeline_run", {"rows": 3, "minimum": 5}], "too few pipeline runs: 3 of 5 needed"),
        (["too_few", "shift", {"rows": 0, "minimum": 1}], "no shifts in the window"),
        (
            ["unattributed", "incident", {"incidents": 4, "attributed": 1}],
            "too few incidents are attributed to what caused them: 1 of 4",
        ),
        (["never_verified", "deployment", {"rows": 9}], "no deployment has been verified"),
        (["not_launched", None, {"launched_on": None}], "not launched: no launch date is known"),
        (["not_launched", None, {"launched_on": "2026-09-01"}], "not launched: it will be on 2026-09-01"),
        (["no_parts", None, {}], "nothing that it measures has a value"),
    ],
)
def test_missing_evidence_is_told_by_feed_and_by_what_is_wrong_with_it(gap: list[Any], text: str) -> None:
    assert gap_text(gap) == text


def test_an_insufficient_criterion_says_why_and_what_to_do() -> None:
    facts = service(feeds={kind: each for kind, each in feeds().items() if kind != "incident"})
    stability = criterion(card(facts), "stability")
    assert stability["reason"] == "no incident feed, nobody reports incidents"
    assert [step["text"] for step in stability["next_steps"]] == ["connect a source that reports incidents"]
    assert all(part["value"] is None for part in stability["parts"])


def test_declared_feeds_are_named_where_they_carry_a_score() -> None:
    declared = replace(OBSERVED, declared=True, sources=("govuk",))
    scorecard = card(service(feeds={**feeds(), "incident": declared}))
    assert criterion(scorecard, "coupling")["reason"].endswith(" Declared, not heard: incidents (govuk).")
    assert "Declared" not in criterion(scorecard, "defects")["reason"]


def test_the_handoff_verdict_gives_its_reasons_in_words() -> None:
    unheard = {kind: each for kind, each in feeds(page=FeedStatus.SILENT).items() if kind != "dependency"}
    severe = incident(severity=1, hours=None)
    assert reasons(service(feeds=unheard, incidents=(severe,)), "handoff") == [
        "Telemetry coverage: 0, below its threshold of 80",
        "Proven stable: 0, below its threshold of 100",
        "no live production signal of latency",
        "no live production signal of traffic",
        "no live production signal of errors",
        "no live production signal of saturation",
        "a severe incident is open: pager:inc-1",
        "the overall would be 65 at best, below the 80 asked for",
        "Out-of-hours load: cannot be judged, page feed silent since 2026-07-01",
        "Loosely coupled architecture: cannot be judged, no dependency feed, nobody reports dependencies",
        "Change and deployment safety: cannot be judged, no deployments in the window",
    ]


def test_the_deploy_verdict_gives_its_reasons_in_words() -> None:
    broken = BrokenPipeline("ci", "main", AT - timedelta(days=2), RowRef("pipeline_run", "ci", "run-9"), AT)
    facts = service(
        pipeline=PipelineFacts(broken=(broken,)),
        changes=ChangeFacts(failed=(failed_change(mended=False),)),
        incidents=(incident(severity=1, hours=None),),
        feeds=feeds(deployment=FeedStatus.SILENT),
    )
    assert reasons(facts, "deploy") == [
        "the pipeline ci:main is broken since 2026-06-29",
        "the failed change ci:dep-1 is not mended",
        "the incident pager:inc-1 of severity 1 is open",
        "deployment feed silent since 2026-07-01",
    ]
    assert reasons(service(), "deploy") == ["no known fact stands against a deployment"]


def test_the_handback_verdict_gives_its_reasons_in_words() -> None:
    failing = ChangeFacts(
        plain=plain(5, recent=5), failed=tuple(failed_change(str(n), recent=True) for n in range(5))
    )
    facts = service(
        "ops_managed",
        incidents=(incident(severity=1, cause="code"),),
        defects=DefectFacts(recent_severe=(RowRef("defect", "jira", "PAY-1"),)),
        changes=failing,
    )
    assert reasons(facts, "handback") == [
        "1 incident of severity 1 or worse, caused by design or code, since 2026-06-01: pager:inc-1",
        "a defect of design or code of severity 1 was found in production since 2026-06-01: jira:PAY-1",
        "5 of 10 changes since 2026-06-01 failed (50 %), above 45 %",
        "Change and deployment safety: 43.3, below its threshold of 50",
        "5 of 10 changes of the window failed (50 %), above 45 %",
    ]
    assert reasons(service("ops_managed", changes=ChangeFacts(plain=plain(20))), "handback") == [
        "what is watched stays at 50 or above"
    ]


@pytest.mark.parametrize(
    ("code", "rows", "numbers", "text"),
    [
        ("open_sev1_defect", ["defect/jira:PAY-1"], {}, "a defect of severity 1 is open: jira:PAY-1"),
        ("missing_signal:latency", [], {}, "no live production signal of latency"),
        (
            "change_fail_rate",
            ["deployment/ci:1"],
            {"failed": 12, "changes": 30},
            "too many changes fail: 12 of 30 (40 %)",
        ),
        (
            "after_hours_storm",
            [],
            {"events": 11, "from": "2026-06-01T00:00:00+00:00"},
            "11 events after hours within a few days from 2026-06-01",
        ),
        ("of_a_later_policy", ["page/pager:1"], {}, "of a later policy: pager:1"),
    ],
)
def test_blockers_are_told_in_words(code: str, rows: list[str], numbers: dict[str, Any], text: str) -> None:
    assert blocker_text(code, rows, numbers) == text


def test_a_feed_that_the_document_does_not_name_is_none() -> None:
    document = judge(service(feeds={}), default_policy()).document()
    assert document["feeds"] == {}
    assert feed_text("page", document["feeds"].get("page")) == "no page feed, nobody reports pages"


def test_long_lists_end_in_a_count() -> None:
    assert [listed("a"), listed("ab"), listed("abc")] == ["a", "a and b", "a, b and c"]
    assert listed("abcdefgh") == "a, b, c, d, e and 3 more"


def test_a_waived_blocker_is_shown_as_waived() -> None:
    standing = Standing("developer_managed", None, (WaiverFact(7, "open_severe_incident"),))
    scorecard = card(service(standing=standing, incidents=(incident(severity=2, hours=None),)))
    waived = {blocker["code"]: blocker["waived"] for blocker in scorecard["blockers"]}
    assert (waived["open_severe_incident"], waived["missing_signal:latency"]) == (True, False)
    assert scorecard["verdicts"]["handoff"]["waivers"] == [7]


def test_evidence_says_what_a_row_weighs_and_which_blocker_rests_on_it() -> None:
    ref = RowRef("defect", "jira", "PAY-1", "https://jira.example/PAY-1", "Totals are off by a cent")
    explanation = Explanation(
        {"defects": (Weighty(ref, 71.2, 9.35),)}, {"defects": (Basis("open_sev1_defect", ref),)}
    )
    (row,) = criterion(card(service(), explanation), "defects")["evidence"]
    assert row == {
        "kind": "defect",
        "source": "jira",
        "id": "PAY-1",
        "url": "https://jira.example/PAY-1",
        "why": "Totals are off by a cent: the blocker open_sev1_defect rests on it; "
        "without it the score would be 71.2 instead of 100 (+9.35)",
    }


# --- the numbers ---


@given(stories())
@anything
def test_the_same_facts_have_the_same_digest_and_json_keeps_it(story: Story) -> None:
    document = judge(story.facts, default_policy()).document()
    again = judge(Story(story.base, story.rows).facts, default_policy()).document()
    stored = json.loads(json.dumps(document))
    assert digest(document, "policy") == digest(again, "policy") == digest(stored, "policy")
    assert differences(document, stored) == []


def test_the_digest_is_of_the_numbers_and_of_the_policy() -> None:
    document = judge(service(), default_policy()).document()
    assert re.fullmatch(r"[0-9a-f]{64}", digest(document, "policy"))
    assert digest(document, "policy") != digest(document, "another")
    assert digest(document, "policy") != digest({**document, "hours": {"country": "SE"}}, "policy")
    reordered = dict(reversed(document.items()))
    assert digest(document, "policy") == digest(reordered, "policy")


def test_differences_name_each_number_that_changed() -> None:
    old = judge(service(), default_policy()).document()
    new = judge(service(incidents=(incident(severity=1, hours=None),)), default_policy()).document()
    changed = {path: (before, after) for path, before, after in differences(old, new)}
    assert changed["criteria.stability.score"] == (100.0, 0.0)
    assert changed["criteria.stability.parts.clock_days.value"] == (270, 0)
    assert changed["blockers.4.0"] == (None, "open_severe_incident")
    assert "criteria.defects.score" not in changed
    assert differences(new, old) == [(path, after, before) for path, (before, after) in changed.items()]


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (1, "people", "1 person"),
        (2, "people", "2 people"),
        (1.0, "events per 7 days", "1 event per 7 days"),
        (1, "weighted defects", "1 weighted defect"),
        (1, "stretches", "1 stretch"),
        (1, "DORA cluster", "1 DORA cluster"),
        (0.5, "hours", "0.5 hours"),
        (1, None, "1"),
        (0.25, "share", "25 %"),
    ],
)
def test_a_value_is_told_with_its_unit(value: float, unit: str | None, said: str) -> None:
    assert valued(value, unit) == said

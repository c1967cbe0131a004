"""Two policies compared: every difference is one sentence, and all of them lead from one to the other."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from readiness.comparing import PolicyChange, applied, differences
from readiness.criteria import CRITERIA
from readiness.policy import TIERS, Policy, load_policy
from tests.judging import DEFAULT, POLICY


def changed(*replacements: tuple[str, str]) -> Policy:
    """The default policy with some of its text replaced."""
    text = DEFAULT
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new, 1)
    return load_policy(text)


def with_tier(tier: int, changes: str) -> Policy:
    """The default policy with one more tier that changes something."""
    return changed(("tiers:\n", f"tiers:\n  {tier}: {{criteria: {{{changes}}}}}\n"))


def said(old: Policy, new: Policy) -> list[str]:
    """What the changes say."""
    return [change.text for change in differences(old, new)]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("open_load: {weight: 40", "open_load: {weight: 50",
         "Defects, open defect load: weight 40 becomes 50"),
        ("overall: 80\n", "overall: 85\n", "Handoff: overall threshold 80 becomes 85"),
        ("window_days: 180", "window_days: 90", "Window in days 180 becomes 90"),
        ("blocker_cap: bronze", "blocker_cap: silver", "Highest level with a blocker bronze becomes silver"),
        ("overall: 90", "overall: 92", "Level gold: overall 90 becomes 92"),
        ("[0, 100], [4, 85], [10", "[1, 100], [4, 85], [10",
         ("Defects, open defect load: curve changes from 0 → 100, 4 → 85, 10 → 60, 20 → 30, 40 → 0 to "
          "1 → 100, 4 → 85, 10 → 60, 20 → 30, 40 → 0")),
        ("minimum_deployments: 5", "minimum_deployments: 6",
         "Deployment verification: minimum deployments 5 becomes 6"),
        ("    gated: true", "    gated: false", "Defects: not gated any more"),
        ("    weight: 20", "    enabled: false\n    weight: 20", "Defects: switched off"),
        ("{severity: 2, count: 3}", "{severity: 2, count: 4}",
         "Handback, urgent, incidents 2, count 3 becomes 4"),
        ("errors, saturation]", "errors]",
         "Golden signals changes from latency, traffic, errors, saturation to latency, traffic, errors"),
        ("blockers: [after_hours_storm]", "blockers: []",
         "Handback, blockers changes from after_hours_storm to none"),
    ],
)  # fmt: skip
def test_a_change_is_said_in_a_sentence(old: str, new: str, sentence: str) -> None:
    assert said(POLICY, changed((old, new))) == [sentence]


@pytest.mark.parametrize(
    ("changes", "there", "back"),
    [
        ("verification: {gated: true}", "Tier 1, Deployment verification: gated now",
         "Tier 1, Deployment verification: not gated any more (as for all tiers again)"),
        ("coupling: {enabled: false}", "Tier 1, Loosely coupled architecture: switched off",
         "Tier 1, Loosely coupled architecture: switched on (as for all tiers again)"),
        ("defects: {weight: 30}", "Tier 1, Defects: weight 20 becomes 30",
         "Tier 1, Defects: weight 30 becomes 20 (as for all tiers again)"),
        ("defects: {weight: 20}",
         "Tier 1, Defects: weight stays 20 (as for all tiers, but said for this tier of its own)",
         "Tier 1, Defects: weight stays 20 (as for all tiers again)"),
        ("defects: {parts: {arrival: {weight: 5}}}",
         "Tier 1, Defects, weighted defect arrivals: weight 30 becomes 5",
         "Tier 1, Defects, weighted defect arrivals: weight 5 becomes 30 (as for all tiers again)"),
    ],
)  # fmt: skip
def test_what_a_tier_changes_is_said_with_what_held_before(changes: str, there: str, back: str) -> None:
    tiered = with_tier(1, changes)
    assert said(POLICY, tiered) == [there]
    assert said(tiered, POLICY) == [back]


def test_a_change_tells_its_tier_criterion_and_part() -> None:
    (whole,) = differences(POLICY, changed(("window_days: 180", "window_days: 90")))
    (part,) = differences(POLICY, with_tier(2, "defects: {parts: {arrival: {weight: 5}}}"))

    assert (whole.tier, whole.criterion, whole.part) == (None, None, None)
    assert (part.tier, part.criterion, part.part) == (2, "defects", "arrival")
    assert (part.old, part.new) == (None, 5)


def test_an_added_or_dropped_criterion_is_one_change() -> None:
    document = yaml.safe_load(DEFAULT)
    del document["criteria"]["feedback"]
    without = load_policy(yaml.safe_dump(document))

    assert said(POLICY, without) == ["Feedback from users and downstream: no criterion any more"]
    assert said(without, POLICY) == ["Feedback from users and downstream: a criterion now"]


def test_one_change_of_several_can_be_applied_alone() -> None:
    new = changed(
        ("open_load: {weight: 40", "open_load: {weight: 50"), ("window_days: 180", "window_days: 90")
    )
    for change in differences(POLICY, new):
        alone = applied(POLICY, [change])
        assert alone is not None
        assert said(POLICY, alone) == [change.text]


def test_a_change_that_cannot_stand_alone_is_told_by_none() -> None:
    new = changed(("{name: bronze, overall: 65, criteria: 50}", "{name: copper, overall: 65, criteria: 50}"),
                  ("blocker_cap: bronze", "blocker_cap: copper"))  # fmt: skip
    changes = differences(POLICY, new)

    assert len(changes) == 2
    assert [applied(POLICY, [change]) for change in changes] == [None, None]
    assert applied(POLICY, changes) == new


def test_a_change_of_something_that_the_policy_has_not_is_told_by_none() -> None:
    for path in (("criteria", "gossip", "weight"), ("levels", 9, "overall"), ("title", "weight")):
        assert applied(POLICY, [PolicyChange(path, 1, 2, "")]) is None


def test_a_tier_that_changes_nothing_is_no_difference() -> None:
    told = with_tier(1, "defects: {}, coupling: {parts: {fan_out: {}}}")
    assert told == POLICY
    assert told.canonical() == POLICY.canonical()
    assert differences(POLICY, told) == []


WEIGHTS = st.sampled_from([0, 1, 20, 35.5])
SCORES = st.sampled_from([0, 50, 70, 100])
CURVES = st.sampled_from([[[0, 0], [1, 100]], [[0, 100], [4, 85], [10, 0]]])
PARTS = {criterion.slug: list(criterion.part_titles) for criterion in CRITERIA}


def sometimes(**terms: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of these terms."""
    return st.fixed_dictionaries({}, optional=terms)


def part_changes(slug: str) -> st.SearchStrategy[dict[str, Any]]:
    """What may change of a criterion's parts."""
    terms = sometimes(weight=WEIGHTS, curve=CURVES)
    return st.dictionaries(st.sampled_from(PARTS[slug]), terms, max_size=2)


def criterion_changes(slug: str) -> st.SearchStrategy[dict[str, Any]]:
    """What may change of a criterion."""
    settings = {"telemetry": {"not_required": st.sampled_from([[], ["slo"]])}}.get(slug, {})
    return sometimes(
        enabled=st.booleans(),
        weight=WEIGHTS,
        gated=st.booleans(),
        threshold=SCORES,
        parts=part_changes(slug),
        settings=sometimes(**settings),
    )


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Policies that differ from the default one in a few places, for all tiers or some."""
    document = json.loads(POLICY.canonical())
    document |= draw(sometimes(window_days=st.sampled_from([90, 180]), title=st.sampled_from(["A", "B"])))
    document["levels"] = document["levels"][draw(st.integers(0, 2)) :]
    for slug in draw(st.sets(st.sampled_from(list(PARTS)), max_size=3)):
        changes = draw(criterion_changes(slug))
        terms = document["criteria"][slug]
        for name, part in changes.pop("parts", {}).items():
            terms["parts"][name] |= part
        terms["settings"] |= changes.pop("settings", {})
        terms |= changes
    for slug in draw(st.sets(st.sampled_from(["feedback", "balance"]))):
        del document["criteria"][slug]
    document["tiers"] = {
        tier: {"criteria": {slug: draw(criterion_changes(slug)) for slug in slugs}}
        for tier, slugs in draw(
            st.dictionaries(
                st.sampled_from(TIERS), st.sets(st.sampled_from(list(document["criteria"])), max_size=2)
            )
        ).items()
    }
    try:
        return Policy.model_validate(document)
    except ValidationError:  # all weights of something came out as 0
        reject()


@settings(deadline=None, max_examples=50)  # a policy takes its time to be checked
@given(policies(), policies())
def test_all_differences_applied_to_the_old_policy_give_the_new_one(old: Policy, new: Policy) -> None:
    changes = differences(old, new)
    assert applied(old, changes) == new
    assert all(change.text and change.old != change.new for change in changes)
    assert bool(changes) == (old != new)


@settings(deadline=None, max_examples=50)
@given(policies())
def test_equal_policies_have_no_differences(policy: Policy) -> None:
    assert differences(policy, load_policy(policy.canonical())) == []
    assert applied(policy, []) == policy

"""A policy file is data under a schema: every mistake in it is told with its line and in words."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.criteria import CRITERIA
from readiness.policy import TIERS, PolicyError, load_policy
from tests.judging import DEFAULT, POLICY


def test_the_default_policy_weighs_and_gates_the_six_criteria_and_only_shows_the_practices() -> None:
    rubric = POLICY.rubric(3)
    assert [(each.slug, each.weight) for each in rubric.weighted] == [
        ("defects", 20),
        ("telemetry", 20),
        ("after_hours", 15),
        ("coupling", 10),
        ("change_safety", 20),
        ("stability", 15),
    ]
    assert rubric.gated == rubric.weighted
    assert [each.slug for each in rubric.criteria.values()] == [criterion.slug for criterion in CRITERIA]


def test_the_default_thresholds_are_those_of_a_handoff() -> None:
    thresholds = {each.slug: each.threshold for each in POLICY.rubric(3).criteria.values()}
    assert thresholds.pop("telemetry") == 80
    assert thresholds.pop("stability") == 100
    assert set(thresholds.values()) == {70}
    assert POLICY.handoff.overall == 80


@pytest.mark.parametrize(
    ("tier", "spared"), [(1, ()), (2, ()), (3, ("slo", "traces")), (4, ("slo", "traces", "runbook"))]
)
def test_a_tier_asks_for_its_own_signals(tier: int, spared: tuple[str, ...]) -> None:
    assert POLICY.rubric(tier).criteria["telemetry"].settings.not_required == spared


def test_a_policy_survives_its_canonical_form() -> None:
    again = load_policy(POLICY.canonical())
    assert again == POLICY
    assert again.canonical() == POLICY.canonical()


def test_equal_policies_have_one_canonical_form_however_they_are_written() -> None:
    rewritten = DEFAULT.replace("window_days: 180", "window_days: 180.0  # half a year")
    assert load_policy(rewritten).canonical() == POLICY.canonical()


def test_a_tier_can_weigh_gate_and_reshape_a_practice_of_its_own() -> None:
    text = DEFAULT.replace(
        "tiers:\n",
        "tiers:\n"
        "  1:\n"
        "    criteria:\n"
        "      verification:\n"
        "        {weight: 10, gated: true, threshold: 90,\n"
        "         parts: {proven_share: {curve: [[0, 0], [1, 100]]}}}\n",
    )
    policy = load_policy(text)
    strict, usual = policy.rubric(1).criteria["verification"], policy.rubric(2).criteria["verification"]
    assert (strict.weight, strict.gated, strict.threshold) == (10, True, 90)
    assert strict.parts["proven_share"].curve.at(0.5) == 50
    assert (usual.weight, usual.gated, usual.parts["proven_share"].curve.at(0.5)) == (0, False, 25)


def test_a_tier_can_switch_a_criterion_off() -> None:
    policy = load_policy(
        DEFAULT.replace("tiers:\n", "tiers:\n  2: {criteria: {coupling: {enabled: false}}}\n")
    )
    assert "coupling" not in policy.rubric(2).criteria
    assert "coupling" in policy.rubric(1).criteria


def _replaced(old: str, new: str) -> Callable[[], str]:
    assert old in DEFAULT
    return lambda: DEFAULT.replace(old, new, 1)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (_replaced("window_days: 180", "window_days: -1"), "window_days: .*greater than 0"),
        (_replaced("window_days", "windowdays"), "windowdays: there is no such term"),
        (_replaced("[[0, 100], [4, 85]", "[[5, 100], [4, 85]"), "open_load.curve: .*increase"),
        (_replaced("[10, 60], [20, 30]", "[10, 160], [20, 30]"), "open_load.curve: .*between 0 and 100"),
        (_replaced("      reopen_rate:", "      reopened:"), "defects has no part reopened"),
        (_replaced("  coupling:\n", "  cuopling:\n"), "no criterion cuopling"),
        (_replaced("blocker_cap: bronze", "blocker_cap: copper"), "copper is no level"),
        (
            _replaced("overall: 80, criteria: 70", "overall: 95, criteria: 70"),
            "silver asks for more than gold",
        ),
        (_replaced("      minimum_deployments: 5", "      minimum_deployments: five"), "minimum_deployments"),
        (
            _replaced("      minimum_deployments: 5", "      minimum: 5"),
            "criteria.verification.settings.minimum: there is no such term",
        ),
        (
            _replaced("criteria: [defects, after_hours", "criteria: [defcts, after_hours"),
            "no criterion defcts",
        ),
        (_replaced("      telemetry: {settings", "      telepathy: {settings"), "no telepathy that a tier"),
        (_replaced("[slo, traces]}", "7}"), "tiers.3.criteria.telemetry.settings.not_required"),
        (_replaced("    weight: 20", "    weight: .nan"), "criteria.defects.weight"),
        (_replaced("    weight: 20", "    weight: yes"), "criteria.defects.weight: .*valid number"),
        (_replaced("window_days: 180", 'window_days: "180"'), "window_days: .*valid number"),
        (_replaced("[latency, traffic", "[latncy, traffic"), "golden_signals.0: there is no latncy"),
        (_replaced("needs: [signal]", "needs: [signals]"), "launch.needs.0: there is no signals"),
        (_replaced("[deployment, incident]", "[deployment, person]"), "deploy.needs.1: there is no person"),
        (_replaced("needs: [incident]", "needs: [incidents]"), "handback.needs.0: there is no incidents"),
        (_replaced("causes: [design, code]", "causes: [design, bugs]"), "urgent.causes.1: there is no bugs"),
        (_replaced("name: gold", "name: outstanding"), "levels.0.name: .*at most 10 characters"),
        (_replaced("name: silver", "name: gold"), "levels.1.name: .*that name is taken"),
        (_replaced("{name: silver", "{name: none"), "levels.1.name: .*that name is taken"),
    ],
)
def test_a_mistake_is_told_in_words_and_with_its_line(text: Callable[[], str], mistake: str) -> None:
    with pytest.raises(PolicyError, match=mistake) as error:
        load_policy(text())
    changed = [number for number, pair in enumerate(_pairs(text()), start=1) if pair[0] != pair[1]]
    assert error.value.line is not None
    assert f"line {error.value.line}: " in str(error.value)
    assert min(abs(error.value.line - number) for number in changed) <= 6


@pytest.mark.parametrize(
    ("value", "mistake"),
    [
        ("2026-13-45", "2026-13-45 is no timestamp"),
        ("0b_", "0b_ is no int"),
        ("9" * 5_000, "9{40} is no int"),
        ("!!int abc", "abc is no int"),
        ("!!float abc", "abc is no float"),
        ("!!bool perhaps", "perhaps is no bool"),
        ("!!timestamp noon", "noon is no timestamp"),
        ("2026-01-01", "window_days: Input should be a valid number"),
        ("*unknown", "this is not YAML: found undefined alias 'unknown'"),
        ("&a [*a]", "an alias stands within what it repeats"),
        ('"a\\0b"', "a character that no text can hold"),
        ('"\\ud800"', "a character that no text can hold"),
        ("\a", r"YAML allows no character U\+0007"),
        ("180\nx: [" + "[" * 5_000, "nested too deep"),
        ("180\n---\nname: other", "expected a single document in the stream, but found another"),
    ],
)
def test_what_is_odd_in_yaml_is_a_mistake_like_another(value: str, mistake: str) -> None:
    with pytest.raises(PolicyError, match=mistake) as error:
        load_policy(DEFAULT.replace("window_days: 180", f"window_days: {value}"))
    # too deep has no place: Python itself gives up; a second document begins a line or two below
    assert error.value.line in {4, 5} or "too deep" in mistake


def test_aliases_that_multiply_are_refused_before_they_do() -> None:
    lines = ["b0: &b0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"b{number}: &b{number} [{', '.join([f'*b{number - 1}'] * 10)}]" for number in range(1, 12)]
    settings = "".join(f"      {line}\n" for line in lines)
    with pytest.raises(PolicyError, match="aliases repeat too much"):
        load_policy(DEFAULT.replace("    settings:\n", f"    settings:\n{settings}", 1))


def test_tiers_may_share_their_changes_by_an_alias() -> None:
    shared = "tiers:\n  1: &strict {criteria: {defects: {threshold: 85}}}\n  2: {<<: *strict}\n"
    policy = load_policy(DEFAULT.replace("tiers:\n", shared))
    assert [policy.rubric(tier).criteria["defects"].threshold for tier in TIERS] == [85, 85, 70, 70]


@pytest.mark.parametrize(
    ("second", "mistake"),
    [
        ("1", "1 stands twice"),
        ("01", "01 stands twice"),
        ("0x1", "0x1 stands twice"),
        ("'01'", "tiers.01: there is no such tier; there are 1, 2, 3, 4"),
        ("7", "tiers.7: there is no such tier"),
        ("yes", "yes stands twice"),
        ("~", "the name of a term is a word"),
        ("2026-01-01", "the name of a term is a word"),
        ("[1]", "the name of a term is a word"),
    ],
)
def test_a_tier_has_one_name_and_stands_once(second: str, mistake: str) -> None:
    line = DEFAULT.splitlines().index("tiers:") + 1
    change = "{criteria: {coupling: {weight: 1}}}"
    with pytest.raises(PolicyError, match=f"^line {line + 2}: {mistake}"):
        load_policy(DEFAULT.replace("tiers:\n", f"tiers:\n  1: {change}\n  {second}: {change}\n"))


def _pairs(text: str) -> list[tuple[str, str]]:
    return list(zip(DEFAULT.splitlines(), text.splitlines(), strict=False))


def test_a_term_that_stands_twice_is_refused() -> None:
    with pytest.raises(PolicyError, match="window_days stands twice") as error:
        load_policy(DEFAULT + "\nwindow_days: 90\n")
    assert error.value.line == len(DEFAULT.splitlines()) + 2


@pytest.mark.parametrize(
    "text", ["", "[]", "7", "a: [", "\t- x", "? {a: 1}\n: 2", "- !!python/object:os.system x"]
)
def test_what_is_no_policy_at_all_is_refused_in_words(text: str) -> None:
    with pytest.raises(PolicyError):
        load_policy(text)


def test_a_policy_too_long_to_be_one_is_refused() -> None:
    with pytest.raises(PolicyError, match="at most"):
        load_policy("#" * 300_000)


def test_a_policy_that_weighs_nothing_is_refused() -> None:
    with pytest.raises(PolicyError, match="no criterion has a weight"):
        load_policy(re.sub(r"^    weight: \d+", "    weight: 0", DEFAULT, flags=re.MULTILINE))


@given(st.text(max_size=200))
def test_any_text_is_a_policy_or_a_policy_error(text: str) -> None:
    with pytest.raises(PolicyError):
        load_policy(text)


@pytest.mark.parametrize("tier", TIERS)
def test_every_criterion_has_words_and_units_for_its_parts(tier: int) -> None:
    for criterion in CRITERIA:
        rule = POLICY.rubric(tier).criteria[criterion.slug]
        assert list(rule.parts) == list(criterion.part_titles)
        assert set(criterion.part_titles) <= set(criterion.units)
        assert criterion.counts <= set(criterion.part_titles)

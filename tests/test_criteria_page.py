"""docs/criteria.md names every criterion and part, with the figures of the default policy."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from readiness.criteria import CRITERIA
from readiness.criteria.base import Criterion
from readiness.criteria.wording import number
from readiness.rendering.sentences import plural
from tests.judged import default_policy, rubric

PAGE = (Path(__file__).parent.parent / "docs/criteria.md").read_text()
PROSE = " ".join(PAGE.split())
"""Where its lines end means nothing."""


def lines_of(criterion: Criterion[Any]) -> Iterator[str]:
    """The heading of a criterion, what it needs, and a row for each of its parts."""
    rule = rubric().criteria[criterion.slug]
    counts = f"gate, weight {number(rule.weight)}" if rule.gated else "advisory"
    yield f"### {criterion.title} (`{criterion.slug}`): {counts}, threshold {number(rule.threshold)}"
    yield f"Needs a feed of {' and of '.join(plural(kind) for kind in criterion.needs)}"
    for part in rule.ordered:
        curve = ", ".join(f"{number(x)}→{number(y)}" for x, y in part.curve.points)
        title, unit = criterion.part_titles[part.name], criterion.units[part.name]
        yield f"| `{part.name}` | {title} | {unit} | {number(part.weight)} | {curve} |"


@pytest.mark.parametrize("criterion", CRITERIA, ids=lambda each: each.slug)
def test_a_criterion_stands_on_the_page_with_the_figures_of_the_policy(criterion: Criterion[Any]) -> None:
    assert [line for line in lines_of(criterion) if line not in PROSE] == []


def test_what_all_criteria_share_stands_on_the_page_with_the_figures_of_the_policy() -> None:
    policy, terms = default_policy(), rubric()
    handback = terms.handback
    said = [
        f"the {number(policy.window_days)} days before that moment",
        f"after {number(policy.feeds.silence_days)} days of silence",
        f"fewer than {number(policy.feeds.minimum_days)} days",
        f"overall of at least {number(terms.handoff.overall)}",
        f"telemetry of at least {number(terms.launch.telemetry)}",
        f"scores below {number(handback.threshold)}",
        f"above {number(handback.change_fail_rate.above * 100)} %",
        *(
            f"| {level.name} | {number(level.overall)} | {number(level.criteria)} |"
            for level in policy.levels
        ),
    ]
    assert [each for each in said if each not in PROSE] == []
    for slug in handback.criteria:
        assert f"`{slug}`" in PROSE


@pytest.mark.parametrize(("tier", "said"), [(3, "tier 3 all but {}"), (4, "tier 4 all but {}")])
def test_what_a_tier_is_let_off_stands_on_the_page(tier: int, said: str) -> None:
    let_off = rubric(tier).criteria["telemetry"].settings.not_required
    assert said.format(", ".join(let_off)) in PROSE
    assert rubric(1).criteria["telemetry"].settings.not_required == ()

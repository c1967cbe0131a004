"""What a policy switches off, gates or weighs otherwise for one tier, services of that tier are judged by."""

from typing import Any

import pytest

from readiness import evaluation, governing
from readiness.models import Scorecard
from readiness.reading import rendered
from tests.factories import NOW, FeedFactory, ServiceFactory
from tests.judging import DEFAULT

pytestmark = pytest.mark.django_db

TIERED = DEFAULT.replace(
    "tiers:\n",
    """tiers:
  1:
    criteria:
      verification: {gated: true, weight: 10}
      defects: {weight: 40, threshold: 90}
  2:
    criteria:
      coupling: {enabled: false}
""",
)


@pytest.fixture
def cards() -> dict[int, dict[str, Any]]:
    """The judgement of a service of each tier whose defects alone are heard of, and no defect is open."""
    draft = governing.apply_text(TIERED, author="1 ada", note="")
    for tier in (1, 2, 3):
        service = ServiceFactory.create(tier=tier, developer_managed=True)
        FeedFactory.create(service=service, kind="defect")
    governing.activate(draft, actor="2 grace", reason="Tiers differ.")
    evaluation.run(evaluation.request(NOW))
    newest = Scorecard.objects.filter(policy=draft, at=NOW).select_related("service", "policy")
    return {card.service.tier: rendered(card, explain=False) for card in newest}


def criteria(card: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A card's criteria by slug."""
    return {each["slug"]: each for each in card["criteria"]}


def reasons(card: dict[str, Any]) -> str:
    """Why the handoff verdict is what it is."""
    return " ".join(card["verdicts"]["handoff"]["reasons"])


def test_a_criterion_that_a_tier_switches_off_is_not_judged_there(cards: dict[int, dict[str, Any]]) -> None:
    assert "coupling" not in criteria(cards[2])
    assert "coupling" in criteria(cards[1])
    assert "Loosely coupled architecture" not in reasons(cards[2])
    assert "Loosely coupled architecture" in reasons(cards[3])


def test_a_practice_that_a_tier_gates_stands_in_the_way_there(cards: dict[int, dict[str, Any]]) -> None:
    assert criteria(cards[1])["verification"]["gated"] is True
    assert "Deployment verification" in reasons(cards[1])
    assert criteria(cards[3])["verification"]["gated"] is False
    assert "Deployment verification" not in reasons(cards[3])


def test_a_weight_of_a_tier_changes_the_score_there(cards: dict[int, dict[str, Any]]) -> None:
    found = {tier: criteria(card)["defects"] for tier, card in cards.items()}
    assert {each["score"] for each in found.values()} == {found[3]["score"]}
    assert found[3]["score"] > 0
    assert [found[tier]["weight"] for tier in (1, 2, 3)] == [40, 20, 20]
    assert [found[tier]["threshold"] for tier in (1, 2, 3)] == [90, 70, 70]
    score = found[3]["score"]
    # of all weights: tier 1 has 20 more of defects and 10 of verification, tier 2 has not coupling's 10
    assert cards[1]["score"] == round(40 * score / 130, 2)
    assert cards[2]["score"] == round(20 * score / 90, 2)
    assert cards[3]["score"] == round(20 * score / 100, 2)

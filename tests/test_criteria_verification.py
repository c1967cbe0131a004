"""Verification: passed, or failed and mended, of the deployments old enough to ask."""

import pytest

from readiness.facts import ChangeFacts, VerifiedDeployments
from tests.judging import facts, gaps, judge, reason, values


def _verified(**counts: int) -> ChangeFacts:
    return ChangeFacts(verified=VerifiedDeployments(**counts))


def test_a_failed_verification_that_was_mended_is_proof_and_an_inconclusive_one_is_none() -> None:
    outcome = judge(
        "verification",
        facts(changes=_verified(total=10, passed=6, inconclusive=2, failed=2, failed_and_mended=1)),
    )
    assert values(outcome) == {"proven_share": 0.7}
    assert outcome.score == 50
    assert reason("verification", outcome) == (
        "70 % of 10 deployments proven by telemetry, 2 failed their verification, 2 could not be decided."
    )


@pytest.mark.parametrize(
    ("changes", "gap"),
    [
        (_verified(total=4, passed=4), ("too_few", "deployment")),
        (_verified(total=5), ("never_verified", "deployment")),
    ],
)
def test_five_deployments_of_which_one_was_verified_are_needed(
    changes: ChangeFacts, gap: tuple[str, str]
) -> None:
    assert gaps(judge("verification", facts(changes=changes))) == [gap]


def test_one_inconclusive_verdict_is_enough_to_have_a_score_of_nothing() -> None:
    assert judge("verification", facts(changes=_verified(total=5, inconclusive=1))).score == 0


def test_without_a_feed_there_is_no_score() -> None:
    assert gaps(judge("verification", facts(unheard=("deployment",)))) == [("no_feed", "deployment")]

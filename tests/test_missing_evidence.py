"""The rule behind the rules: taking evidence away never makes a service look better than it did."""

from collections.abc import Callable, Iterable

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from readiness.scoring import Judgement, judge
from readiness.scoring.verdicts import Grounds, Reason
from tests.judged import KINDS, default_policy
from tests.strategies import Story, nearly_ready, silenced, stories

# A service that never had a page feed is judged by its incidents: the one exception that SCORING.md states.
TAKEN_AWAY = tuple(kind for kind in KINDS if kind != "page")
FINE = {"developer_managed": "ready", "ops_managed": "holds"}


def services(state: str) -> st.SearchStrategy[Story]:
    """Mostly services that would be fine but for a thing or two; some that are anything."""
    return st.one_of(nearly_ready(state=state), nearly_ready(state=state), stories(state=state))


def verdict_of(judgement: Judgement) -> str:
    """The verdict that the service's state has."""
    verdict = judgement.handoff or judgement.handback
    assert verdict is not None
    return verdict.verdict


def never_better(story: Story) -> None:
    """Fails when taking a kind away turns the verdict into ``ready`` or, after a handoff, into ``holds``."""
    fine = FINE[str(story.base.standing.state)]
    before = verdict_of(judge(story.facts, default_policy()))
    for kind in TAKEN_AWAY:
        after = verdict_of(judge(silenced(story, kind).facts, default_policy()))
        assert after != fine or before == fine, f"without {kind}: {before} became {after}"


@pytest.mark.parametrize("state", FINE)
@given(data=st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_taking_a_kind_of_evidence_away_never_turns_a_verdict_into_the_best_one(
    state: str, data: st.DataObject
) -> None:
    never_better(data.draw(services(state)))


@given(nearly_ready(state="developer_managed"))
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
def test_taking_away_what_is_needed_cannot_be_told(story: Story) -> None:
    """The kinds without which a gated criterion has no score."""
    for kind in ("defect", "signal", "dependency", "deployment", "incident"):
        assert verdict_of(judge(silenced(story, kind).facts, default_policy())) != "ready"


def gates_that_take_no_evidence_for_good(_: Grounds, __: Iterable[str]) -> tuple[Reason, ...]:
    """A broken rule: what has no score is no reason to hesitate."""
    return ()


def first_failure(check: Callable[[Story], None], state: str) -> None:
    """Look for a service that breaks the rule, as long as the test above does; raises what it finds."""
    settings(
        max_examples=150,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )(given(services(state))(check))()


@pytest.mark.parametrize("state", FINE)
def test_the_rule_is_seen_to_be_broken_where_missing_evidence_is_taken_for_good(
    state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shows the teeth: under a broken rule the very same search finds a service that gains."""
    monkeypatch.setattr(Grounds, "insufficient", gates_that_take_no_evidence_for_good)
    with pytest.raises(AssertionError, match="became"):
        first_failure(never_better, state)


@pytest.mark.parametrize("state", FINE)
def test_among_the_services_tried_there_are_good_ones_and_bad_ones(state: str) -> None:
    seen: set[str] = set()

    def collect(story: Story) -> None:
        seen.add(verdict_of(judge(story.facts, default_policy())))
        assert not (len(seen) >= 3 and FINE[state] in seen), "enough"  # looks no further

    with pytest.raises(AssertionError, match="enough"):
        first_failure(collect, state)

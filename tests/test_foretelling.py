"""Whether judgements foretold anything: hand-worked numbers, planted and shuffled relations, no pretence."""

from math import isclose, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from readiness.foretelling import (
    CONSEQUENCES,
    OVERALL,
    Consequence,
    Observation,
    Relation,
    Tally,
    rates,
    relations,
    sentences,
)
from readiness.foretelling.ranking import interval, relation, weighted_spearman

INCIDENTS = CONSEQUENCES[0]
PER_CHANGE = CONSEQUENCES[2]


def judged(
    service: str, score: float | None, after: Tally | None, *, verdict: str = "ready", of: str = "handoff"
) -> Observation:
    """One judgement and the incidents that came after it."""
    told = {} if after is None else {INCIDENTS.slug: after}
    return Observation(service, of, verdict, {OVERALL: score, "defects": score}, told)


def fleet(scores: Any, counts: Any, *, days: float = 90) -> list[Observation]:
    """Services with five judgements each: arrays of one row a service."""
    return [
        judged(f"s{number}", float(score), Tally(int(count), days))
        for number, (own, came) in enumerate(zip(scores, counts, strict=True))
        for score, count in zip(own, came, strict=True)
    ]


def unrelated(seed: int) -> tuple[Any, Any]:
    """Scores and counts that both belong to their service, and have nothing to do with each other."""
    random = np.random.default_rng(seed)
    scores = random.normal(50, 15, (40, 1)) + random.normal(0, 5, (40, 5))
    counts = random.poisson(random.gamma(2, 1, (40, 1)), (40, 5))
    return scores, counts


def test_a_rate_is_all_events_over_all_exposure() -> None:
    observations = [
        judged("a", 90, Tally(2, 60)),
        judged("b", 80, Tally(0, 30)),
        judged("b", 80, Tally(4, 0)),  # nothing could have been seen: not counted, nor its events
        judged("c", 80, None),
        judged("d", 10, Tally(6, 90), verdict="not_ready"),
    ]
    found = {each.verdict: each for each in rates(observations, [INCIDENTS])}

    # ready: 2 + 0 events in 60 + 30 days are 30 * 2 / 90; not ready: 30 * 6 / 90
    assert (found["ready"].rate, found["not_ready"].rate) == (0.6667, 2.0)
    assert (found["ready"].events, found["ready"].exposure) == (2, 90)
    assert (found["ready"].services, found["ready"].observations) == (2, 2)


def test_what_nobody_could_see_has_no_rate() -> None:
    (found,) = rates([judged("a", 90, None)], [INCIDENTS])
    assert (found.rate, found.observations, found.services) == (None, 0, 0)


def test_the_correlation_of_hand_worked_ranks_with_a_tie() -> None:
    scores, came = np.array([10.0, 20, 30, 40]), np.array([4.0, 3, 3, 1])
    # ranks 1 2 3 4 and 4 2.5 2.5 1, each less their mean 2.5:
    # products -1.5*1.5 + 0 + 0 + 1.5*-1.5 = -4.5; squares 5 and 4.5
    (found,) = weighted_spearman(scores, came, np.ones((1, 4)))
    assert isclose(found, -4.5 / sqrt(5 * 4.5))


def test_counting_a_pair_twice_is_the_same_as_writing_it_twice() -> None:
    random = np.random.default_rng(5)
    scores, came = random.integers(0, 12, 60).astype(float), random.integers(0, 4, 60).astype(float)
    weights = random.integers(0, 4, (50, 60))

    for one, got in zip(weights, weighted_spearman(scores, came, weights.astype(float)), strict=True):
        wanted = stats.spearmanr(np.repeat(scores, one), np.repeat(came, one)).statistic
        assert isclose(got, wanted, abs_tol=1e-12)


def test_a_planted_relation_is_found_with_its_direction() -> None:
    random = np.random.default_rng(1)
    scores = random.uniform(0, 100, (30, 5))
    counts = random.poisson((110 - scores) / 20)

    found = relation(fleet(scores, counts), OVERALL, INCIDENTS)

    assert found.found
    assert found.high is not None
    assert found.high < -0.3
    assert (found.services, found.observations) == (30, 150)


def test_against_shuffled_labels_nothing_is_found_but_what_chance_allows() -> None:
    seeds = 200
    found = 0
    for seed in range(seeds):
        scores, counts = unrelated(seed)
        np.random.default_rng(seed + 10_000).shuffle(counts)
        found += relation(fleet(scores, counts), OVERALL, INCIDENTS, resamples=400).found
    # 5 % are to be expected; 9 % of 200 lie more than two and a half standard errors above
    assert found / seeds <= 0.09


def test_moments_of_one_service_are_no_independent_witnesses() -> None:
    """Counted each alone, services that differ in both for no reason look related far too often."""
    seeds = range(60)
    honest = naive = 0
    for seed in seeds:
        random = np.random.default_rng(seed)
        scores = random.normal(50, 15, (20, 1)) + random.normal(0, 1, (20, 5))
        counts = random.poisson(random.gamma(1, 8, (20, 1)), (20, 5))
        found = relation(fleet(scores, counts), OVERALL, INCIDENTS, resamples=300)
        honest += found.found
        naive += stats.spearmanr(scores.ravel(), counts.ravel()).pvalue < 0.05
    assert honest <= 9
    assert naive >= 15


@pytest.mark.parametrize(
    ("observations", "why_not"),
    [
        ([], "fewer than 10 services"),
        ([judged("a", 5, Tally(1, 90))] * 40, "fewer than 10 services"),
        ([judged(f"s{n}", n, Tally(n, 90)) for n in range(29)], "fewer than 30 observations"),
        ([judged(f"s{n}", n, Tally(n, 29)) for n in range(60)], "fewer than 10 services"),
        ([judged(f"s{n}", None, Tally(n, 90)) for n in range(60)], "fewer than 10 services"),
        ([judged(f"s{n}", 70, Tally(n, 90)) for n in range(60)], "every score is the same"),
        ([judged(f"s{n}", n, Tally(0, 90)) for n in range(60)], "every rate is the same"),
    ],
    ids=["nothing", "one service", "too few", "hardly seen", "no score", "constant score", "constant rate"],
)
def test_with_too_little_it_cannot_be_told(observations: list[Observation], why_not: str) -> None:
    found = relation(observations, OVERALL, INCIDENTS)

    assert found.why_not.startswith(why_not)
    assert (found.correlation, found.low, found.high, found.found) == (None, None, None, False)


def test_just_enough_can_be_told() -> None:
    observations = [judged(f"s{n % 10}", n, Tally(n, 90)) for n in range(30)]
    assert relation(observations, OVERALL, INCIDENTS).correlation == 1.0


def test_the_same_input_gives_the_same_interval() -> None:
    scores, counts = unrelated(3)
    observations = fleet(scores, counts)
    assert relations(observations, ["defects"]) == relations(observations, ["defects"])


def test_a_large_input_is_worked_in_parts_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    scores, counts = unrelated(7)
    observations = fleet(scores, counts)
    whole = relation(observations, OVERALL, INCIDENTS)
    monkeypatch.setattr("readiness.foretelling.ranking._CELLS", 500)

    assert relation(observations, OVERALL, INCIDENTS) == whole


values = st.integers(-3, 3)


@given(st.lists(st.tuples(st.integers(0, 12), values, st.integers(0, 4), st.integers(0, 95)), max_size=70))
def test_whatever_comes_it_answers_within_bounds(rows: list[tuple[int, int, int, int]]) -> None:
    observations = [
        judged(f"s{service}", float(score), Tally(count, days)) for service, score, count, days in rows
    ]
    found = relations(observations, ["defects", "nothing"], resamples=50)
    told = sentences(rates(observations), found, {})

    for each in found:
        ends = (each.low, each.correlation, each.high)
        assert all(end is None or -1 <= end <= 1 for end in ends)
        assert (each.correlation is None) == bool(each.why_not)
        assert each.low is None or each.high is None or each.low <= each.high
    assert all(sentence.endswith(".") for sentence in told)


@given(
    st.lists(st.tuples(st.integers(0, 11), values, st.integers(0, 4)), min_size=2, max_size=60),
    st.sampled_from([lambda x: 2 * x + 1, lambda x: x**3, lambda x: float(np.exp(x)), lambda x: x / 8]),
)
def test_only_the_order_of_scores_counts(rows: list[tuple[int, int, int]], rising: Any) -> None:
    clusters = np.unique([row[0] for row in rows], return_inverse=True)[1]
    scores, came = np.array([float(row[1]) for row in rows]), np.array([float(row[2]) for row in rows])
    moved = np.array([rising(score) for score in scores])

    assert interval(moved, came, clusters, resamples=40) == interval(scores, came, clusters, resamples=40)
    turned = interval(-scores, came, clusters, resamples=40)
    assert turned[0] == -interval(scores, came, clusters, resamples=40)[0]


def test_it_is_said_in_plain_words() -> None:
    observations = [judged(f"s{n}", 90, Tally(n % 2, 30)) for n in range(12)]
    observations += [judged("bad", 10, Tally(4, 60), verdict="not_ready")]
    found = [
        Relation("defects", INCIDENTS.slug, 20, 80, -0.42, -0.6, -0.2),
        Relation(OVERALL, INCIDENTS.slug, 20, 80, 0.3, 0.1, 0.5),
        Relation("telemetry", INCIDENTS.slug, 20, 80, -0.1, -0.3, 0.1),
        Relation("pipeline", INCIDENTS.slug, 3, 9, why_not="fewer than 10 services"),
    ]
    told = sentences(
        rates(observations), found, {"defects": "Defects", "telemetry": "Telemetry", "pipeline": "Pipeline"}
    )

    assert told[0] == (
        "Incidents of severity 1 to 3 per 30 observed days after a judgement: services judged not ready for"
        " handoff had 2 (4 in 60 observed days; n = 1 of 1 service, too few to compare); services judged"
        " ready for handoff had 0.5 (6 in 360 observed days; n = 12 of 12 services)."
    )
    assert (
        "Defects: higher scores went with fewer incidents of severity 1 to 3: −0.42 [−0.60, −0.20]"
        " (20 services, 80 observations)." in told
    )
    assert any(each.startswith("The overall score: higher scores went with more incidents") for each in told)
    assert (
        "Incidents of severity 1 to 3: no relation can be told with Telemetry: the interval covers 0." in told
    )
    assert "Incidents of severity 1 to 3: cannot tell for Pipeline (fewer than 10 services)." in told
    assert told[-1].startswith(
        "2 relations of 3 looked at stood out; where there is none at all, about 1 in 3"
    )


def test_of_nothing_nothing_is_said_but_that() -> None:
    told = sentences(rates([]), relations([], ["defects"]), {})
    assert told
    assert all("cannot tell" in each for each in told)


def test_failed_changes_are_told_per_change() -> None:
    seen = Observation("a", "handoff", "ready", {}, {PER_CHANGE.slug: Tally(3, 12)})
    (found,) = rates([seen], [PER_CHANGE])

    assert found.rate == 0.25
    assert "per change after a judgement" in sentences([found], [], {})[2]


def test_a_consequence_of_a_callers_own_is_ranked_by_its_own_least_exposure() -> None:
    own = Consequence("incidents", "calls", 1, "hour", 2)
    observations = [judged(f"s{n % 12}", n, Tally(n, 2)) for n in range(36)]
    assert relation(observations, OVERALL, own).correlation == 1.0

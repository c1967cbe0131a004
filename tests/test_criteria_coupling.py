"""Coupling: distinct services at the other end, whatever was reported how often."""

import pytest

from readiness.facts import EdgeRow, InboundEdge, IncidentRow
from tests.judging import ago, facts, gaps, judge, reason, ref, scores, shown, values


def _edge(
    target: str, type_: str = "sync", *, hard: bool = False, tier: int | None = None, cycle: bool = False
) -> EdgeRow:
    return EdgeRow(ref("dependency", target), target, type_, hard, tier, cycle)


def test_a_service_that_depends_on_nothing_has_a_full_score() -> None:
    outcome = judge("coupling", facts())
    assert outcome.score == 100
    assert shown(outcome) == {"fan_in": 0, "instability": None}


def test_an_edge_reported_twice_is_one_and_hard_when_any_copy_is() -> None:
    outcome = judge(
        "coupling", facts(edges=(_edge("b", tier=4), _edge("b", hard=True, tier=4), _edge("c", "async")))
    )
    assert values(outcome) == {
        "fan_out": 1,
        "shared_databases": 0,
        "in_cycle": 0,
        "tier_inversions": 1,
        "cascade_share": None,
    }


@pytest.mark.parametrize(
    ("edge", "inversions"),
    [
        (_edge("b", hard=True, tier=4), 1),
        (_edge("b", hard=True, tier=3), 0),
        (_edge("b", hard=False, tier=4), 0),
        (_edge("b", "async", hard=True, tier=4), 0),
        (_edge("b", hard=True, tier=None), 0),
    ],
)
def test_only_a_hard_synchronous_call_of_a_lower_tier_is_an_inversion(edge: EdgeRow, inversions: int) -> None:
    assert values(judge("coupling", facts(edges=(edge,))))["tier_inversions"] == inversions


def test_a_database_is_shared_whichever_side_reports_it() -> None:
    found = facts(
        edges=(_edge("b", "shared_database"), _edge("c", "shared_database")),
        inbound=(
            InboundEdge("b", "shared_database", hard=False),
            InboundEdge("d", "shared_database", hard=False),
        ),
    )
    assert values(judge("coupling", found))["shared_databases"] == 3


def test_only_a_synchronous_edge_closes_a_cycle() -> None:
    assert values(judge("coupling", facts(edges=(_edge("b", cycle=True),))))["in_cycle"] == 1
    assert values(judge("coupling", facts(edges=(_edge("b", "build", cycle=True),))))["in_cycle"] == 0


def _incidents(causes: tuple[str | None, ...]) -> tuple[IncidentRow, ...]:
    return tuple(
        IncidentRow(ref("incident", str(n)), 4, ago(5 + n), ago(5 + n), cause=cause)
        for n, cause in enumerate(causes)
    )


@pytest.mark.parametrize(
    ("causes", "share"),
    [
        (("dependency", "code"), None),
        (("dependency", "code", "unknown"), None),
        (("dependency", "code", "code"), 1 / 3),
        (("dependency", "code", "code", "unknown", None, None), 1 / 3),
        (("dependency", "code", "code", "unknown", None, None, None), None),
    ],
)
def test_cascades_are_a_share_of_the_incidents_whose_cause_is_known(
    causes: tuple[str | None, ...], share: float | None
) -> None:
    assert values(judge("coupling", facts(incidents=_incidents(causes))))["cascade_share"] == share


def test_cascades_are_unknown_while_nobody_reports_incidents() -> None:
    found = facts(incidents=_incidents(("dependency",) * 3), unheard=("incident",))
    assert values(judge("coupling", found))["cascade_share"] is None


def test_the_parts_weigh_as_listed() -> None:
    found = facts(tier=1, edges=tuple(_edge(f"s{n}", hard=True, tier=2) for n in range(5)))
    outcome = judge("coupling", found)
    assert scores(outcome)["fan_out"] == 70
    assert outcome.score == round((30 * 70 + 25 * 100 + 20 * 100 + 15 * 0) / 90, 2)


def test_fan_in_and_instability_are_shown() -> None:
    found = facts(
        edges=(_edge("b"),),
        inbound=tuple(InboundEdge(name, "sync", hard=False) for name in ("c", "d", "e", "c")),
    )
    assert shown(judge("coupling", found)) == {"fan_in": 3, "instability": 0.25}


def test_without_a_feed_there_is_no_score() -> None:
    assert gaps(judge("coupling", facts(unheard=("dependency",)))) == [("no_feed", "dependency")]


def test_the_reason_names_what_binds_it() -> None:
    outcome = judge(
        "coupling", facts(edges=(_edge("b", hard=True, tier=4, cycle=True), _edge("c", "shared_database")))
    )
    assert reason("coupling", outcome) == (
        "Calls 1 service synchronously, shares a database with 1, lies on a cycle of synchronous calls, "
        "depends hard on 1 of a lower tier."
    )

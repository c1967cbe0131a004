"""Balance of work: by effort where all items say theirs, else by their number."""

import pytest

from readiness.facts import WorkTally
from tests.judging import facts, gaps, judge, reason, scores, values


def test_effort_counts_where_every_item_says_it() -> None:
    work = (
        WorkTally("feature", 5, 5, 50.0),
        WorkTally("incident", 4, 4, 20.0),
        WorkTally("non_functional", 1, 1, 10.0),
        WorkTally("technical_debt", 1, 1, 20.0),
    )
    outcome = judge("balance", facts(work=work))
    assert values(outcome) == {"incident_share": 0.2, "improvement_share": 0.3}
    assert outcome.score == 100
    assert reason("balance", outcome) == (
        "11 work items closed, 20 % of the hours for incidents, 30 % for improvement."
    )


@pytest.mark.parametrize("unsaid", [WorkTally("feature", 5, 4, 500.0), WorkTally("feature", 5, 0, 0.0)])
def test_items_count_where_one_does_not_say_its_effort(unsaid: WorkTally) -> None:
    work = (unsaid, WorkTally("incident", 4, 4, 20.0), WorkTally("technical_debt", 1, 1, 1.0))
    assert values(judge("balance", facts(work=work))) == {"incident_share": 0.4, "improvement_share": 0.1}


def test_efforts_that_sum_to_nothing_do_not_count() -> None:
    work = (WorkTally("feature", 5, 5, 0.0), WorkTally("incident", 5, 5, 0.0))
    assert values(judge("balance", facts(work=work)))["incident_share"] == 0.5


def test_too_much_improvement_is_no_better_than_too_little() -> None:
    work = (WorkTally("technical_debt", 10, 0, 0.0),)
    assert scores(judge("balance", facts(work=work))) == {"incident_share": 100, "improvement_share": 30}


def test_ten_closed_items_are_needed() -> None:
    assert gaps(judge("balance", facts(work=(WorkTally("feature", 9, 9, 1.0),)))) == [
        ("too_few", "work_item")
    ]

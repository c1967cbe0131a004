"""Change safety: DORA's keys over changes that failed, were mended or not, and what it takes to tell."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest

from readiness.criteria.change_safety import exceeds, fail_rate, recent_fail_rate
from readiness.facts import (
    BlameRow,
    ChangeFacts,
    DeploymentRow,
    FailedDeployment,
    IncidentRow,
    PlainChanges,
    RemedyRow,
    RowKey,
)
from readiness.rubric import RateLimit
from tests.judging import ago, codes, facts, gaps, heard, judge, reason, ref, shown, values


def _failed(
    id_: str = "f",
    days: float = 10,
    *,
    hours: float | None = 2,
    remedy: str | None = "rollback",
    recent: bool = True,
) -> FailedDeployment:
    begun = ago(days)
    mended_at = None if hours is None else begun + timedelta(hours=hours)
    remedies = (
        ()
        if mended_at is None or remedy is None
        else (RemedyRow(ref("deployment", f"{id_}-remedy"), RowKey("tests", id_), mended_at, remedy),)
    )
    row = DeploymentRow(ref("deployment", id_), begun, None, "succeeded", automated=True)
    return FailedDeployment(row, in_rate=True, recent=recent, remedies=remedies, mended_at=mended_at)


def _changes(plain: int, failed: Iterable[FailedDeployment] = (), **more: object) -> ChangeFacts:
    return ChangeFacts(
        plain=PlainChanges(total=plain, in_rate=plain, recent=plain, automated=plain),
        failed=tuple(failed),
        production=plain + 1,
        **more,  # type: ignore[arg-type] # any field of the facts
    )


def _incident(
    id_: str, *, severity: int = 3, days: float = 20, cause: str | None = None, attributed: bool = False
) -> IncidentRow:
    begun: datetime = ago(days)
    return IncidentRow(ref("incident", id_), severity, begun, begun, cause=cause, attributed=attributed)


def test_a_failed_change_counts_against_all_changes() -> None:
    outcome = judge("change_safety", facts(changes=_changes(9, [_failed()])))
    assert values(outcome) == {
        "change_fail_rate": 0.1,
        "recovery_hours": 2,
        "automated_share": 1,
        "deployments_per_week": pytest.approx(10 * 7 / 180),
        "batch_commits": None,
        "lead_time_hours": None,
    }


def test_recovery_runs_from_the_first_incident_and_is_never_negative() -> None:
    begun = ago(10)
    blames = (
        BlameRow(ref("incident", "late"), RowKey("tests", "f"), begun + timedelta(hours=5), begun),
        BlameRow(ref("incident", "early"), RowKey("tests", "f"), begun + timedelta(hours=1), begun),
    )
    row = DeploymentRow(ref("deployment", "f"), begun, None, "succeeded")
    mended = FailedDeployment(
        row, in_rate=True, recent=True, blames=blames, mended_at=begun + timedelta(hours=4)
    )
    before = FailedDeployment(row, in_rate=True, recent=True, blames=blames, mended_at=begun)
    assert values(judge("change_safety", facts(changes=_changes(9, [mended]))))["recovery_hours"] == 3
    assert values(judge("change_safety", facts(changes=_changes(9, [before]))))["recovery_hours"] == 0


def test_batch_and_lead_time_need_five_values() -> None:
    def changes(count: int) -> ChangeFacts:
        plain = PlainChanges(
            total=9, in_rate=9, commits=(1, 2, 3, 9)[:count], lead_hours=(5.0, 6.0, 7.0, 8.0)[:count]
        )
        row = _failed().row._replace(commits=4, first_commit_at=ago(10, hours=30))
        failed = FailedDeployment(row, in_rate=True, recent=True, mended_at=ago(9))
        return ChangeFacts(plain=plain, failed=(failed,), production=10)

    enough = values(judge("change_safety", facts(changes=changes(4))))
    few = values(judge("change_safety", facts(changes=changes(3))))
    assert (enough["batch_commits"], enough["lead_time_hours"]) == (3, 7)
    assert (few["batch_commits"], few["lead_time_hours"]) == (None, None)


@pytest.mark.parametrize(
    ("automated", "manual", "share"), [(3, 1, None), (4, 1, 0.8), (0, 10, 0), (0, 0, None)]
)
def test_the_automated_share_asks_that_half_say_so(automated: int, manual: int, share: float | None) -> None:
    plain = PlainChanges(total=10, in_rate=10, automated=automated, manual=manual)
    found = facts(changes=ChangeFacts(plain=plain, production=10))
    assert values(judge("change_safety", found))["automated_share"] == share


@pytest.mark.parametrize(
    ("changes", "days", "gap"),
    [
        (4, 149, ("too_few", "deployment")),
        (5, 149, None),
        (1, 150, None),
        (0, 180, ("too_few", "deployment")),
    ],
)
def test_five_changes_are_needed_or_one_of_a_service_observed_for_long(
    changes: int, days: float, gap: tuple[str, str] | None
) -> None:
    found = facts(changes=_changes(changes), feeds={"deployment": heard(days)})
    assert gaps(judge("change_safety", found)) == ([gap] if gap else [])


@pytest.mark.parametrize(
    ("incidents", "told"),
    [
        ([_incident("a"), _incident("b")], True),
        ([_incident("a"), _incident("b"), _incident("c")], False),
        ([_incident("a"), _incident("b", attributed=True), _incident("c")], False),
        ([_incident("a"), _incident("b", attributed=True), _incident("c", cause="capacity")], True),
        ([_incident("a"), _incident("b", attributed=True), _incident("c", cause="code")], False),
        ([_incident("a"), _incident("b"), _incident("c", severity=4)], True),
        ([_incident("a"), _incident("b"), _incident("c", days=180)], True),
        ([_incident("a"), _incident("b", cause="external")], True),
    ],
)
def test_half_of_three_incidents_or_more_must_be_traced(incidents: list[IncidentRow], told: bool) -> None:
    outcome = judge("change_safety", facts(changes=_changes(9), incidents=tuple(incidents)))
    assert (outcome.score is not None) is told
    assert gaps(outcome) == ([] if told else [("unattributed", "incident")])


def test_somebody_must_report_failures() -> None:
    nobody = facts(changes=_changes(9), unheard=("incident",))
    the_source = facts(changes=_changes(9), unheard=("incident",), reports_failures=True)
    assert gaps(judge("change_safety", nobody)) == [("no_feed", "incident")]
    assert judge("change_safety", the_source).score is not None


def test_both_feeds_are_named_no_feed_first() -> None:
    found = facts(unheard=("incident",), feeds={"deployment": heard(90, 30)})
    assert gaps(judge("change_safety", found)) == [("no_feed", "incident"), ("silent", "deployment")]


@pytest.mark.parametrize(("plain", "failed", "stands"), [(7, 3, False), (6, 4, True), (5, 4, False)])
def test_the_fail_rate_blocks_above_three_tenths_of_ten(plain: int, failed: int, stands: bool) -> None:
    changes = _changes(plain, [_failed(str(n)) for n in range(failed)])
    assert ("change_fail_rate" in codes(judge("change_safety", facts(changes=changes)))) is stands


def test_what_is_not_mended_blocks_even_without_a_feed() -> None:
    changes = _changes(9, [_failed("open", hours=None), _failed("shut")])
    outcome = judge("change_safety", facts(changes=changes, unheard=("deployment", "incident")))
    assert outcome.score is None
    assert [(each.code, each.rows) for each in outcome.blockers] == [
        ("unremediated_change", ("deployment/tests:open",))
    ]


def test_the_rates_of_the_window_and_of_the_last_days_are_told_apart() -> None:
    plain = PlainChanges(total=8, in_rate=8, recent=2)
    found = facts(changes=ChangeFacts(plain=plain, failed=(_failed("a"), _failed("b", recent=False))))
    assert fail_rate(found) == (2, 10, 0.2)
    assert recent_fail_rate(found) == (1, 3, 1 / 3)
    assert fail_rate(facts()) == (0, 0, None)
    assert exceeds(fail_rate(found), RateLimit(above=0.1, minimum_changes=10))
    assert not exceeds(fail_rate(found), RateLimit(above=0.2, minimum_changes=10))
    assert not exceeds(fail_rate(found), RateLimit(above=0.1, minimum_changes=11))


def test_clusters_rework_and_remedies_are_shown() -> None:
    failed = [_failed("a", hours=2), _failed("b", hours=6), _failed("c", hours=30, remedy="toggle_off")]
    changes = _changes(197, failed, remediating=3, remedies=(("rollback", 2), ("toggle_off", 1)))
    found = shown(judge("change_safety", facts(changes=changes)))
    assert (found["failed"], found["changes"], found["unmended"]) == (3, 200, 0)
    assert found["rework_rate"] == pytest.approx(3 / 198)
    assert found["change_fail_rate_cluster"] == "elite"
    assert found["recovery_hours_cluster"] == "high"
    assert found["deployments_per_week_cluster"] == "elite"
    assert found["lead_time_hours_cluster"] is None
    assert (found["rollback_used"], found["rollback_recovery_hours"]) == (2, 4)
    assert (found["toggle_off_used"], found["toggle_off_recovery_hours"]) == (1, 30)


def test_the_reason_says_n_of_m() -> None:
    assert reason(
        "change_safety", judge("change_safety", facts(changes=_changes(9, [_failed(hours=None)])))
    ) == ("1 of 10 changes failed, 1 of them not mended, 0.39 changes a week, 100 % automated.")

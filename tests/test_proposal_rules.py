"""When rules propose a handoff or a handback, when a proposal lapses, and how long a rejected one rests."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.rules import (
    REST,
    RULES_VERSION,
    Change,
    Clock,
    Course,
    Kind,
    Lapse,
    Proposal,
    Rejection,
    Rule,
    Seen,
    Step,
    advance,
    catch_up,
    decide,
    rule_of,
    seen,
    walk,
)
from readiness.facts import DefectFacts, RowRef, ServiceFacts, Standing, WaiverFact
from readiness.scoring import judge
from tests.judged import AT, default_policy, incident, service

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def on(day: float, verdict: str | None = "below", **changes: Any) -> Seen:
    """What is seen of an ops-managed service so many days after the first."""
    at = AT + day * DAY
    plain = Seen(
        at=at, scorecard=f"card {day:g}", policy="default v1", state="ops_managed", of="handback",
        verdict=verdict,
    )  # fmt: skip
    return replace(plain, **changes)


def ready_on(day: float, verdict: str = "ready", **changes: Any) -> Seen:
    """What is seen of a developer-managed service whose clock is full."""
    plain = {"state": "developer_managed", "of": "handoff", "clock": Clock.FULL}
    return on(day, verdict, **{**plain, **changes})


def told(steps: Sequence[Step]) -> list[tuple[str, float]]:
    """Steps as words: the rule or ``lapsed``, and after how many days."""
    return [
        ("lapsed" if isinstance(step, Lapse) else step.rule.value, (step.at - AT) / DAY) for step in steps
    ]


def proposed(steps: Sequence[Step]) -> list[Proposal]:
    """The proposals among the steps."""
    return [step for step in steps if isinstance(step, Proposal)]


# Handoff ---------------------------------------------------------------------------------------------


def test_a_ready_service_with_a_full_clock_is_proposed_with_the_scorecard_that_says_so() -> None:
    (step,) = walk([ready_on(0, "not_ready"), ready_on(1)])

    assert step == Proposal(rule=Rule.READY, at=AT + DAY, scorecards=("card 1",), version=RULES_VERSION)
    assert step.kind is Kind.HANDOFF


@pytest.mark.parametrize(
    "changes",
    [
        {"clock": Clock.WAIVED},
        {"clock": Clock.SHORT},
        {"deprecated": True},
        {"verdict": "not_ready"},
        {"verdict": "cannot_tell"},
        {"of": "launch", "state": None},
        {"state": "ops_managed"},
        {"of": None, "verdict": None, "state": None},
    ],
)
def test_nothing_else_is_proposed_for_handoff(changes: dict[str, Any]) -> None:
    assert walk([ready_on(0, **changes)]) == ()
    # and what had been proposed lapses
    assert told(walk([ready_on(0), ready_on(1, **changes)])) == [("ready", 0), ("lapsed", 1)]


def test_nothing_is_proposed_while_one_is_open_and_a_lapsed_one_comes_again_when_supported() -> None:
    row = [ready_on(0), ready_on(1), ready_on(2, "cannot_tell"), ready_on(3), ready_on(4)]
    assert told(walk(row)) == [("ready", 0), ("lapsed", 2), ("ready", 3)]


# Handback --------------------------------------------------------------------------------------------


def test_a_week_of_below_is_regressed_and_every_scorecard_of_it_is_carried() -> None:
    row = [on(day) for day in range(7)]

    assert walk(row[:6]) == ()
    (step,) = proposed(walk(row))
    assert (step.kind, step.rule, step.at) == (Kind.HANDBACK, Rule.REGRESSED, AT + 6 * DAY)
    assert step.scorecards == tuple(f"card {day}" for day in range(7))


@pytest.mark.parametrize(
    ("last", "justifying"),
    [
        (6 * DAY, 2),
        (6 * DAY - SECOND, 0),
        (7 * DAY - SECOND, 2),
        (7 * DAY, 0),  # the first one has left the seven days
    ],
)
def test_the_first_and_the_last_are_six_days_apart_and_both_within_seven(
    last: timedelta, justifying: int
) -> None:
    steps = proposed(walk([on(0), replace(on(1), at=AT + last)]))
    assert [len(step.scorecards) for step in steps] == ([justifying] if justifying else [])


@pytest.mark.parametrize(("apart", "comes"), [(7 * DAY, True), (7 * DAY - SECOND, False)])
def test_one_that_held_stands_in_the_way_until_it_is_seven_days_old(apart: timedelta, comes: bool) -> None:
    held = replace(on(0, "holds"), at=AT + 7 * DAY - apart)
    assert bool(walk([held, *(on(day) for day in range(1, 8))])) is comes


@pytest.mark.parametrize("verdict", ["holds", "cannot_tell", "urgent"])
def test_every_scorecard_of_the_week_must_be_below(verdict: str) -> None:
    row = [on(day, verdict if day == 3 else "below") for day in range(10)]
    assert Rule.REGRESSED not in {step.rule for step in proposed(walk(row))}
    assert ("regressed", 10) in told(walk([*row, on(10)]))


def test_scorecards_under_another_policy_do_not_count() -> None:
    old = [on(day, "holds", policy="default v1") for day in range(3)]
    new = [on(day, policy="default v2") for day in (3, 4, 5, 6, 7, 8, 9)]
    (step,) = proposed(walk([*old, *new]))
    assert (step.at, len(step.scorecards)) == (AT + 9 * DAY, 7)

    mixed = [on(day, policy="default v1" if day < 4 else "default v2") for day in range(7)]
    assert walk(mixed) == ()
    between = [on(day, policy="default v2") if day != 3 else on(day, "holds") for day in range(7)]
    assert told(walk(between)) == [("regressed", 6)]


def test_urgent_needs_no_history_and_carries_its_grounds() -> None:
    (step,) = proposed(walk([on(0, "holds"), on(1, "urgent", grounds=frozenset({"incident/pager:7"}))]))
    assert (step.rule, step.scorecards) == (Rule.URGENT, ("card 1",))
    assert step.grounds == {"incident/pager:7"}


@pytest.mark.parametrize("state", ["developer_managed", None])
def test_what_operations_do_not_run_is_not_handed_back(state: str | None) -> None:
    assert walk([on(day, state=state) for day in range(7)]) == ()
    assert walk([on(0, "urgent", state=state)]) == ()


def test_missing_evidence_ends_a_week_of_below_and_lets_a_proposal_lapse() -> None:
    row = [on(day) for day in range(7)]
    assert told(walk([*row, on(7, "cannot_tell")])) == [("regressed", 6), ("lapsed", 7)]
    assert walk([*row[:6], on(6, "cannot_tell")]) == ()


def test_once_regressed_it_stands_while_it_is_below_however_seldom_it_is_judged() -> None:
    row = [*(on(day) for day in range(7)), on(20), on(40, "urgent"), on(60), on(61, "holds")]
    assert told(walk(row)) == [("regressed", 6), ("lapsed", 61)]


def test_after_a_lapse_it_takes_a_whole_week_of_below_again() -> None:
    row = [on(day, "holds" if day == 8 else "below") for day in range(16)]
    assert told(walk(row)) == [("regressed", 6), ("lapsed", 8), ("regressed", 15)]


def test_what_was_urgent_lapses_when_only_one_scorecard_says_below() -> None:
    row = [on(0, "urgent"), on(1, "urgent"), *(on(day) for day in range(2, 9))]
    assert told(walk(row)) == [("urgent", 0), ("lapsed", 2), ("regressed", 8)]


def test_one_judgement_may_end_a_proposal_and_make_the_other() -> None:
    assert told(walk([ready_on(0), on(1, "urgent")])) == [("ready", 0), ("lapsed", 1), ("urgent", 1)]


# Rest after a rejection ------------------------------------------------------------------------------


REJECTED = AT + DAY / 2


@pytest.mark.parametrize(("after", "comes"), [(REST, True), (REST - SECOND, False)])
def test_what_was_rejected_rests_for_28_days(after: timedelta, comes: bool) -> None:
    again = replace(ready_on(1), at=REJECTED + after)
    steps = walk([ready_on(0), again], rejections=[Rejection(kind=Kind.HANDOFF, at=REJECTED)])

    assert timedelta(days=28) == REST
    assert len(proposed(steps)) == (2 if comes else 1)
    assert not [step for step in steps if isinstance(step, Lapse)]


def test_the_rest_is_a_parameter() -> None:
    row, rejections = [ready_on(0), ready_on(3)], [Rejection(kind=Kind.HANDOFF, at=REJECTED)]
    assert told(walk(row, rejections=rejections, rest=2 * DAY)) == [("ready", 0), ("ready", 3)]
    assert told(walk(row, rejections=rejections, rest=3 * DAY)) == [("ready", 0)]


def test_a_rejection_at_the_very_moment_of_the_proposal_came_after_it() -> None:
    rejections = [Rejection(kind=Kind.HANDOFF, at=AT)]
    for verdict in ("ready", "not_ready"):  # neither proposed again nor lapsed: it was no longer open
        assert told(walk([ready_on(0), ready_on(1, verdict)], rejections=rejections)) == [("ready", 0)]


@pytest.mark.parametrize("kind", list(Kind))
def test_a_rejection_concerns_its_own_kind(kind: Kind) -> None:
    rejections = [Rejection(kind=kind, at=AT - DAY)]
    assert bool(walk([on(0, "urgent")], rejections=[replace(rejections[0], urgent=True)])) is (
        kind is Kind.HANDOFF
    )
    assert bool(walk([ready_on(0)], rejections=rejections)) is (kind is Kind.HANDBACK)


def test_what_became_urgent_does_not_rest() -> None:
    rejections = [Rejection(kind=Kind.HANDBACK, at=AT + 6.5 * DAY)]
    row = [*(on(day) for day in range(8)), on(8, "urgent")]
    assert told(walk(row, rejections=rejections)) == [("regressed", 6), ("urgent", 8)]

    known = [*rejections, Rejection(kind=Kind.HANDBACK, at=AT + 8.5 * DAY, urgent=True)]
    row += [on(day, "urgent") for day in range(9, 40)]
    assert told(walk(row, rejections=known)) == [("regressed", 6), ("urgent", 8), ("urgent", 37)]


@pytest.mark.parametrize(
    ("grounds", "comes"),
    [({"defect/tracker:1"}, False), ({"defect/tracker:1", "defect/tracker:2"}, True), (set(), False)],
)
@pytest.mark.parametrize("verdict", ["urgent", "below"])
def test_a_new_incident_or_defect_ends_the_rest(verdict: str, grounds: set[str], comes: bool) -> None:
    before = frozenset({"defect/tracker:1"})
    row = [on(day, verdict, grounds=before) for day in range(7)]
    (first,) = proposed(walk(row))
    rejected = Rejection(
        kind=first.kind, at=AT + 6.5 * DAY, urgent=verdict == "urgent", grounds=first.grounds
    )
    again = walk([*row, on(7, verdict, grounds=frozenset(grounds))], rejections=[rejected])
    assert len(proposed(again)) == (2 if comes else 1)


def test_what_an_earlier_rejection_knew_is_not_new() -> None:
    rejections = [
        Rejection(kind=Kind.HANDBACK, at=AT - 2 * DAY, urgent=True, grounds=frozenset({"incident/pager:1"})),
        Rejection(kind=Kind.HANDBACK, at=AT - DAY, urgent=True, grounds=frozenset({"incident/pager:2"})),
    ]
    both = frozenset({"incident/pager:1", "incident/pager:2"})
    assert walk([on(0, "urgent", grounds=both)], rejections=rejections) == ()


def test_a_rejection_after_the_judgement_that_is_looked_at_late_counts_too() -> None:
    rejections = [Rejection(kind=Kind.HANDOFF, at=AT + DAY)]
    assert decide([ready_on(0)], rejections=rejections) == ()


# Again, late, out of order -------------------------------------------------------------------------------


def test_another_judgement_of_the_same_moment_takes_the_place_of_the_first() -> None:
    row = [on(0, "holds"), on(0), *(on(day) for day in range(1, 7))]
    assert told(walk(row)) == [("regressed", 6)]


def test_an_older_judgement_changes_nothing() -> None:
    course, _ = advance(Course(), ready_on(1, "not_ready"))
    assert advance(course, ready_on(0)) == (course, ())


SAID = st.one_of(
    st.tuples(st.just("handback"), st.sampled_from(["below", "below", "holds", "urgent", "cannot_tell"])),
    st.tuples(st.just("handoff"), st.sampled_from(["ready", "ready", "not_ready", "cannot_tell"])),
)
WEEKS = 5


@st.composite
def rows(draw: st.DrawFn) -> list[Seen]:
    """Some weeks of one service, judged every six hours or more seldom; what is said stays so for a while."""
    quarters = draw(st.lists(st.integers(0, WEEKS * 7 * 4), min_size=1, max_size=40, unique=True))
    row: list[Seen] = []
    said, policy = draw(SAID), "a v1"
    for quarter in sorted(quarters):
        if draw(st.integers(0, 5)) == 5:
            said = draw(SAID)
        if draw(st.integers(0, 30)) == 30:
            policy = "a v2"
        make = ready_on if said[0] == "handoff" else on
        grounds = draw(st.frozensets(st.sampled_from(["incident/pager:1", "defect/tracker:1"])))
        clock = draw(st.sampled_from([Clock.FULL, *Clock]))
        row.append(make(quarter / 4, said[1], policy=policy, grounds=grounds, clock=clock))
    return row


REJECTIONS = st.lists(
    st.builds(
        Rejection,
        kind=st.sampled_from(list(Kind)),
        at=st.integers(0, WEEKS * 7 * 4).map(lambda quarter: AT + quarter * DAY / 4),
        urgent=st.booleans(),
        grounds=st.frozensets(st.just("incident/pager:1")),
    ),
    max_size=3,
)


@given(rows(), REJECTIONS, st.randoms())
def test_order_and_repetition_change_nothing(row: list[Seen], rejections: list[Rejection], any_: Any) -> None:
    once = walk(row, rejections=rejections)
    mixed = [*row, *row]
    any_.shuffle(mixed)

    assert walk(mixed, rejections=rejections) == once


@given(rows(), REJECTIONS)
def test_walking_on_over_what_was_walked_proposes_nothing(
    row: list[Seen], rejections: list[Rejection]
) -> None:
    course = Course()
    for each in row:
        course, _ = advance(course, each, rejections=rejections)
    for each in row:
        assert advance(course, each, rejections=rejections) == (course, ())


@given(rows(), REJECTIONS, st.data())
def test_what_came_by_a_moment_does_not_depend_on_what_followed(
    row: list[Seen], rejections: list[Rejection], data: st.DataObject
) -> None:
    until = data.draw(st.integers(0, len(row)))
    last = row[until - 1].at if until else AT - DAY
    whole = walk(row, rejections=rejections)
    assert walk(row[:until], rejections=rejections) == tuple(step for step in whole if step.at <= last)


@given(rows(), st.lists(st.integers(0, 40), max_size=6))
def test_whatever_is_caught_up_with_at_once_the_same_is_open_as_after_each_by_itself(
    row: list[Seen], cuts: list[int]
) -> None:
    open_, known = None, list[Seen]()
    for start, end in pairwise(sorted({0, len(row), *(min(cut, len(row)) for cut in cuts)})):
        change = catch_up(known, row[start:end], proposal=open_)
        assert change.lapse is None or change.lapse.proposal is open_
        assert (change.lapse is not None) or open_ is None or change.proposal is None
        open_ = change.proposal or (None if change.lapse else open_)
        known = row[:end]
    course = Course()
    for each in row:
        course, _ = advance(course, each)
    assert open_ == course.open


def test_what_comes_and_goes_while_nobody_looks_is_no_proposal() -> None:
    new = [on(1, "urgent"), on(2, "holds")]
    assert catch_up([on(0, "holds")], new) == Change()
    assert [step.rule for step in proposed(walk(new))] == [Rule.URGENT]


@pytest.mark.parametrize(
    ("actor", "rule"),
    [
        ("rule: regressed v7", Rule.REGRESSED),
        ("rule: handback following v1", None),
        ("7 rule: ready v1", None),
    ],
)
def test_records_name_rules_so_that_they_are_known_again(actor: str, rule: Rule | None) -> None:
    assert rule_of(actor) is rule
    assert rule is None or rule_of(rule.actor) is rule


@given(rows(), REJECTIONS)
def test_every_proposal_is_justified_by_the_scorecards_that_it_carries(
    row: list[Seen], rejections: list[Rejection]
) -> None:
    cards = {each.scorecard: each for each in row}
    for step in proposed(walk(row, rejections=rejections)):
        because = [cards[name] for name in step.scorecards]
        now = because[-1]
        assert step.at == now.at
        assert "cannot_tell" not in {each.verdict for each in because}
        if step.rule is Rule.READY:
            assert (now.verdict, now.clock, len(because)) == ("ready", Clock.FULL, 1)
        elif step.rule is Rule.URGENT:
            assert (now.verdict, len(because)) == ("urgent", 1)
        else:
            week = [each for each in row if now.at - 7 * DAY < each.at <= now.at]
            assert because == [each for each in week if each.policy == now.policy]
            assert {each.verdict for each in because} == {"below"}
            assert now.at - because[0].at >= 6 * DAY


@given(rows(), REJECTIONS)
def test_at_most_one_is_open(row: list[Seen], rejections: list[Rejection]) -> None:
    open_: Proposal | None = None
    for step in walk(row, rejections=rejections):
        if isinstance(step, Lapse):
            assert step.proposal == open_
            open_ = None
        else:
            by_people = open_ and any(
                each.kind is open_.kind and open_.at <= each.at < step.at for each in rejections
            )
            assert open_ is None or by_people
            open_ = step


@given(rows(), REJECTIONS)
def test_nothing_comes_within_the_rest_unless_its_grounds_grew(
    row: list[Seen], rejections: list[Rejection]
) -> None:
    for step in proposed(walk(row, rejections=rejections)):
        lately = [
            each for each in rejections if each.kind is step.kind and timedelta() < step.at - each.at < REST
        ]
        for each in lately:
            more_urgent = step.rule is Rule.URGENT and not each.urgent
            assert step.kind is Kind.HANDBACK
            assert more_urgent or step.grounds - each.grounds


@given(rows())
def test_insufficient_evidence_alone_never_hands_back_and_a_waived_clock_never_hands_off(
    row: list[Seen],
) -> None:
    unsure = [replace(each, verdict="cannot_tell") if each.of == "handback" else each for each in row]
    waived = [replace(each, clock=Clock.WAIVED) for each in unsure]
    assert {step.kind for step in proposed(walk(unsure))} <= {Kind.HANDOFF}
    assert walk(waived) == ()


# What a rule sees of a scorecard -----------------------------------------------------------------------


def of(facts: ServiceFacts, *, deprecated: bool = False) -> Seen:
    """What is seen of a service judged under the default policy."""
    return seen(
        judge(facts, default_policy()).document(), at=AT, scorecard="7", policy="p", deprecated=deprecated
    )


WAIVED = (WaiverFact(7, "stability"),)


@pytest.mark.parametrize(
    ("launched", "waivers", "clock"),
    [
        (200, (), Clock.FULL),
        (180, (), Clock.FULL),
        (179, (), Clock.SHORT),
        (179, WAIVED, Clock.WAIVED),
        (180, WAIVED, Clock.FULL),  # nobody needs the waiver any more
        (179, (WaiverFact(7, "telemetry"),), Clock.SHORT),
    ],
)
def test_a_clock_is_full_by_its_own_days_only(
    launched: int, waivers: tuple[WaiverFact, ...], clock: Clock
) -> None:
    facts = service(
        launched_on=AT.date() - timedelta(days=launched),
        standing=Standing("developer_managed", None, waivers),
    )
    assert of(facts).clock is clock


def test_without_evidence_the_clock_is_not_full() -> None:
    assert of(service(feeds={})).clock is Clock.SHORT
    nobody_knows = service(feeds={}, standing=Standing("developer_managed", None, WAIVED))
    assert of(nobody_knows).clock is Clock.WAIVED


def test_a_policy_without_a_clock_is_never_full() -> None:
    document = judge(service(), default_policy()).document()
    del document["criteria"]["stability"]
    found = seen(document, at=AT, scorecard="7", policy="p", deprecated=False)
    assert found.clock is Clock.SHORT


@pytest.mark.parametrize(
    ("facts", "applies", "state"),
    [
        (service(), "handoff", "developer_managed"),
        (service("ops_managed"), "handback", "ops_managed"),
        (service(None, lifecycle="pre_launch", launched_on=date(2026, 8, 1)), "launch", None),
        (service(None, lifecycle="retired"), None, None),
    ],
)
def test_which_verdict_applies_and_who_runs_it(
    facts: ServiceFacts, applies: str | None, state: str | None
) -> None:
    found = of(facts, deprecated=True)
    assert (found.of, found.state, found.deprecated) == (applies, state, True)
    assert (found.verdict is None) is (applies is None)


def test_its_grounds_are_the_incidents_and_defects_that_it_names() -> None:
    ops = service(
        "ops_managed",
        incidents=(
            incident("urgent", days_ago=3, severity=1, cause="code"),
            incident("past", days_ago=2, cause="code"),
            incident("open", days_ago=1, hours=None, severity=2, cause="external"),
        ),
        defects=DefectFacts(recent_severe=(RowRef("defect", "tracker", "9"),)),
    )
    found = of(ops)
    assert found.says(Kind.HANDBACK, "urgent")
    assert {name.partition("/")[0] for name in found.grounds} == {"incident", "defect"}
    assert sorted(name.rpartition(":")[2] for name in found.grounds) == ["9", "open", "urgent"]

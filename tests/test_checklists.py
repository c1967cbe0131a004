"""Checklists: what the delivered one asks, mistakes in words, measured items, and who may sign when. Pure."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.checklists import (
    DELIVERED,
    SETTLED,
    Checklist,
    ChecklistError,
    Facts,
    Incidents,
    ItemState,
    Outcome,
    Room,
    Side,
    Signer,
    Signing,
    load_checklist,
    measure,
    rules,
)
from handoff.checklists.measuring import MEASURES
from tests.judging import POLICY
from tests.reviewing import LINKS, READY, UNREADY, numbers

TODAY = dt.date(2026, 7, 1)
RUBRIC = POLICY.rubric(3)


def delivered() -> Checklist:
    return load_checklist(DELIVERED.read_text())


# What is asked ---------------------------------------------------------------------------------------


def test_the_delivered_checklist_asks_for_all_topics_and_uses_every_measure() -> None:
    checklist = delivered()
    assert [topic.slug for topic in checklist.topics] == [
        *("catalogue", "defects", "alerts", "monitoring", "architecture", "deployment", "hygiene"),
        *("people", "worth"),
    ]
    used = {item.measured for topic in checklist.topics for item in topic.items if item.measured}
    assert used == set(MEASURES)


def test_a_handoff_review_asks_what_a_launch_review_asks_and_more() -> None:
    launch = {item.slug for _, item in delivered().items("launch", 1)}
    handoff = {item.slug for _, item in delivered().items("handoff", 1)}
    assert launch - handoff == {"launch_verdict", "consultant_named"}
    assert handoff - launch >= {
        "defects",
        "after_hours",
        "telemetry",
        "coupling",
        "change_safety",
        "stability",
    }


def test_days_and_tiers_are_those_of_the_rules() -> None:
    days = {item.slug: item.attested for _, item in delivered().items("handoff", 1) if item.attested}
    assert {slug for slug, number in days.items() if number == 90} == {"rollback_rehearsed", "access"}
    assert {slug for slug, number in days.items() if number == 180} == {
        *("dependency", "load_tested", "backup_restored", "incident_exercise"),
    }
    assert set(days.values()) == {90, 180, 365}
    asked = {tier: {item.slug for _, item in delivered().items("launch", tier)} for tier in (1, 2, 3, 4)}
    assert [tier for tier in asked if "fail_over_tried" in asked[tier]] == [1, 2]


ITEM = "{slug: a, text: A, attested: 90}"


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ("[]", "topics.0.items"),
        ("[{slug: a, text: A}]", "say one of measured, shown and attested"),
        ("[{slug: a, text: A, attested: 9, measured: room}]", "say one of"),
        ("[{slug: a, text: A, measured: mood}]", "nothing measures mood"),
        ("[{slug: a, text: A, shown: mood}]", "no criterion mood"),
        ("[{slug: a, text: A, attested: 0}]", "topics.0.items.0.attested"),
        ("[{slug: a, text: A, attested: '9'}]", "topics.0.items.0.attested"),
        ("[{slug: A b, text: A, attested: 9}]", "topics.0.items.0.slug"),
        ("[{slug: a, text: A, attested: 9, tiers: [5]}]", "topics.0.items.0.tiers"),
        ("[{slug: a, text: A, attested: 9, reviews: [lunch]}]", "topics.0.items.0.reviews"),
        ("[{slug: a, text: A, attested: 9, colour: red}]", "topics.0.items.0.colour"),
        ("[{slug: a, text: A, measured: room, drill: rollback}]", "only what people attest"),
        (f"[{ITEM}, {ITEM}]", "items are named twice: a"),
        ("[", "this is no YAML"),
    ],
)
def test_a_mistake_is_told_with_its_place(items: str, said: str) -> None:
    text = f"{{name: x, version: 1, lapse_days: 90, topics: [{{slug: t, title: T, items: {items}}}]}}"
    with pytest.raises(ChecklistError) as refused:
        load_checklist(text)
    assert said in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "name: x", "topics: 3"])
def test_what_is_no_checklist_is_refused(text: str) -> None:
    with pytest.raises(ChecklistError):
        load_checklist(text)


# What is measured ------------------------------------------------------------------------------------


def judged(slug: str, score: float | None, **said: Any) -> Facts:
    """A scorecard on which a criterion has a score."""
    gaps = [["no_feed", "defect", {}]]
    criteria: dict[str, Any] = {slug: {"score": score, "parts": {}, "shown": {}, "gaps": gaps}}
    return Facts(numbers=numbers(criteria=criteria, **said), rubric=RUBRIC)


def waived(*targets: str) -> dict[str, Any]:
    live = [[number, target] for number, target in enumerate(targets, 1)]
    return {"state": None, "handback_at": None, "waivers": live}


BLOCKER = ["open_sev1_defect", "defects", False, ["tracker:1"], {}]


@pytest.mark.parametrize(
    ("name", "facts", "outcome"),
    [
        ("owner_team", Facts(members=1), "met"),
        ("owner_team", Facts(), "not_met"),
        ("ops_team", Facts(ops_team="SRE"), "met"),
        ("ops_team", Facts(), "not_met"),
        ("description", Facts(description="Pays."), "met"),
        ("description", Facts(description=" "), "not_met"),
        ("links", Facts(links=LINKS), "met"),
        ("links", Facts(links=LINKS[:1]), "not_met"),
        ("launch_verdict", Facts(), "open"),
        ("launch_verdict", Facts(numbers=numbers(None)), "open"),
        ("launch_verdict", Facts(numbers=numbers(READY)), "met"),
        ("launch_verdict", Facts(numbers=numbers(UNREADY)), "not_met"),
        ("launch_verdict", Facts(numbers=numbers(UNREADY, standing=waived("telemetry"))), "met"),
        ("launch_verdict", Facts(numbers=numbers(UNREADY, standing=waived("defects"))), "not_met"),
        ("no_open_sev1", Facts(), "open"),
        ("no_open_sev1", Facts(numbers=numbers()), "met"),
        ("no_open_sev1", Facts(numbers=numbers(feeds={})), "open"),
        ("no_open_sev1", Facts(numbers=numbers(feeds={"defect": {"status": "silent"}})), "open"),
        ("no_open_sev1", Facts(numbers=numbers(feeds={}, standing=waived("defects"))), "met"),
        ("no_open_sev1", Facts(numbers=numbers(blockers=[BLOCKER])), "not_met"),
        (
            "no_open_sev1",
            Facts(numbers=numbers(blockers=[BLOCKER], standing=waived("open_sev1_defect"))),
            "met",
        ),
        ("incidents_reviewed", Facts(), "met"),
        ("incidents_reviewed", Facts(incidents=Incidents(2, 2)), "not_applicable"),
        ("incidents_reviewed", Facts(incidents=Incidents(2, 1, reviews_known=True)), "not_met"),
        ("incidents_reviewed", Facts(incidents=Incidents(2, 0, reviews_known=True)), "met"),
        ("room", Facts(), "open"),
        ("room", Facts(room=Room(6, None, 1, 6)), "open"),
        ("room", Facts(room=Room(6, 1, 1, 6)), "met"),
        ("room", Facts(room=Room(5, 1, 1, 6)), "not_met"),
        ("room", Facts(room=Room(5, 1, 1, 5)), "met"),
        ("room", Facts(room=Room(5, None, 1, 6)), "not_met"),
        ("room", Facts(room=Room(6, 1.1, 1, 6)), "not_met"),
        ("defects", Facts(), "open"),
        ("defects", judged("defects", None), "open"),
        ("defects", judged("defects", None, standing=waived("defects")), "met"),
        ("defects", judged("defects", None, blockers=[BLOCKER]), "not_met"),
    ],
)
def test_a_measured_item_comes_to(name: str, facts: Facts, outcome: str) -> None:
    assert measure(name, facts).outcome == outcome


def test_what_sets_an_item_aside_is_named() -> None:
    both = waived("telemetry", "pipeline_broken")
    broken = ["pipeline_broken", {"source": "ci", "pipeline": "build", "since": "2026-06-01", "key": "x"}]
    verdict = {**UNREADY, "reasons": [*UNREADY["reasons"], broken]}
    found = measure("launch_verdict", Facts(numbers=numbers(verdict, standing=both)))
    assert (found.outcome, found.waivers) == (Outcome.MET, (1, 2))
    assert "Set aside by waiver 1, 2." in found.reason


@pytest.mark.parametrize(
    ("room", "said"),
    [
        (Room(6, 1.2, 1, 6), "6 people, of at least 6; 1.2 events after hours a week"),
        (Room(1, None, 1, 2), "1 person, of at least 2; nobody can tell how many events after hours a week"),
    ],
)
def test_why_a_team_has_no_room_is_told_beside_what_is_asked(room: Room, said: str) -> None:
    assert measure("room", Facts(room=room)).reason == f"{said} for each, of at most 1."


# Items, day by day -----------------------------------------------------------------------------------

days = st.integers(-400, 400).map(lambda number: TODAY + dt.timedelta(days=number))
states = st.builds(
    ItemState,
    text=st.just("Item"),
    outcome=st.sampled_from(list(Outcome)),
    shown=st.booleans(),
    blocking=st.booleans(),
    lapses_on=st.none() | days,
    condition_due=st.none() | days,
    agreed=st.sets(st.sampled_from(list(Side))),
    waivers=st.lists(st.integers(1, 3), max_size=2).map(tuple),
)


@given(states, days)
def test_an_item_never_comes_to_more_than_was_said(item: ItemState, today: dt.date) -> None:
    now = rules.now_is(item, today)
    assert now in {item.outcome, Outcome.OPEN, Outcome.LAPSED}
    if item.outcome not in SETTLED:
        assert now is item.outcome


@given(states, days, st.integers(0, 400))
def test_time_alone_settles_nothing(item: ItemState, today: dt.date, later: int) -> None:
    if not rules.is_settled(item, today):
        assert not rules.is_settled(item, today + dt.timedelta(days=later))


@given(days, st.integers(1, 365), st.integers(0, 800))
def test_an_attestation_lives_for_its_days_to_the_day(on: dt.date, lives: int, after: int) -> None:
    item = ItemState("Item", Outcome.MET, lapses_on=rules.lapses_on(on, lives))
    now = rules.now_is(item, on + dt.timedelta(days=after))
    assert now is (Outcome.MET if after < lives else Outcome.LAPSED)


@given(days, days)
def test_a_condition_reopens_its_item_the_day_after_it_is_due(due: dt.date, today: dt.date) -> None:
    item = ItemState("Item", Outcome.ACCEPTED, condition_due=due)
    assert rules.now_is(item, today) is (Outcome.OPEN if today > due else Outcome.ACCEPTED)


# Signing ---------------------------------------------------------------------------------------------

PEOPLE = ["1 Ada", "2 Bob", "3 Cy", "4 Di"]
signers = st.builds(
    Signer,
    actor=st.sampled_from(PEOPLE),
    role=st.sampled_from(["developer", "ops", "manager", "director"]),
    in_owner_team=st.booleans(),
    in_ops_team=st.booleans(),
)
signings = st.builds(
    Signing,
    items=st.lists(states, max_size=5),
    today=st.just(TODAY),
    tier=st.integers(1, 4),
    opened_by=st.sampled_from(PEOPLE),
    signed=st.dictionaries(st.sampled_from([side.value for side in Side]), st.sampled_from(PEOPLE)),
    waiver_authors=st.lists(st.sampled_from(PEOPLE), max_size=2),
)


@given(st.sampled_from(list(Side)), signers, signings)
def test_who_may_sign_is_nobody_who_must_not(side: Side, signer: Signer, signing: Signing) -> None:
    if rules.person_obstacle(side, signer, signing):
        return
    assert signer.actor != signing.opened_by
    assert signer.actor not in signing.waiver_authors
    assert signer.actor not in signing.signed.values()
    assert (signer.role in rules.MANAGERS) == (side is Side.MANAGER)
    assert side is not Side.DEVELOPERS or signer.in_owner_team
    assert side is not Side.OPERATIONS or signer.in_ops_team


@given(signings)
def test_a_review_is_signed_only_when_all_is_settled_and_nothing_blocks(signing: Signing) -> None:
    free = not rules.review_obstacle(signing)
    settled = all(rules.is_settled(item, TODAY) for item in signing.items)
    assert free == (settled and not rules.blocking(signing.items))


@given(signings)
def test_a_review_is_complete_only_with_both_sides_and_a_manager_where_one_is_needed(
    signing: Signing,
) -> None:
    third = signing.tier == 1 or any(item.waivers for item in signing.items)
    needed = {"developers", "operations"} | ({"manager"} if third else set())
    assert rules.is_complete(signing) == (needed <= set(signing.signed))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1 Ada", "1 Ada Lovelace", True),
        ("1 Ada", "2 Ada", False),
        ("1 Ada", "ada", True),
        ("ada", "grace", False),
    ],
)
def test_two_actors_are_one_person_by_id_else_by_name(one: str, other: str, same: bool) -> None:
    assert rules.same_person(one, other) is same


def test_a_review_lapses_after_its_days() -> None:
    since = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert rules.lapses_at(since, delivered().lapse_days) == since + dt.timedelta(days=90)

"""What changed between two scorecards is told line by line: for any two, and nothing where nothing did."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from readiness.facts import FeedStatus, RowRef, Standing, WaiverFact
from readiness.rendering.causes import Excluded, Found, Received, causes
from readiness.rendering.changes import Change, Judged, changes, summary
from readiness.scoring import judge
from tests.judged import AT, default_policy, feeds, incident, service
from tests.strategies import Story, stories

anything = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def document(facts: Any) -> dict[str, Any]:
    """The numbers of a judgement, by way of the JSON that is stored."""
    stored: dict[str, Any] = json.loads(json.dumps(judge(facts, default_policy()).document()))
    return stored


def between(old: Any, new: Any, *policies: str) -> list[Change]:
    """What changed from one document to another."""
    was, now = policies or ("default v1", "default v1")
    return changes(Judged(old, was), Judged(new, now))


def codes(found: list[Change]) -> dict[str, Change]:
    """The changes by code."""
    return {each.code: each for each in found}


def words(found: list[Change], code: str) -> tuple[str, str, bool | None]:
    """From what to what, and whether that is better."""
    change = codes(found)[code]
    return change.before, change.after, change.better


@given(stories(), stories())
@anything
def test_any_two_scorecards_are_compared(one: Story, other: Story) -> None:
    old, new = document(one.facts), document(other.facts)
    found = between(old, new)

    assert all(each.before != each.after or each.topic in {"part", "shown"} for each in found)
    assert summary(Judged(old, "a"), Judged(new, "a"), found).endswith(".")
    backwards = between(new, old)
    assert {each.code for each in backwards} == {each.code for each in found}
    assert {each.code for each in found if each.better} == {
        each.code for each in backwards if each.better is False
    }


@given(
    stories(), st.sets(st.sampled_from(["verdicts", "criteria", "feeds", "blockers", "standing", "hours"]))
)
@anything
def test_a_document_that_lacks_what_others_have_is_compared_too(story: Story, lacking: set[str]) -> None:
    whole = document(story.facts)
    part = {name: value for name, value in whole.items() if name not in lacking}

    assert all(isinstance(each, Change) for each in (*between(whole, part), *between(part, whole)))
    assert between({}, {}) == []


@given(stories())
@anything
def test_equal_scorecards_say_that_nothing_changed(story: Story) -> None:
    numbers = document(story.facts)
    same = json.loads(json.dumps(numbers))

    assert between(numbers, same) == []
    assert summary(Judged(numbers, "a"), Judged(same, "a"), []) == "Nothing changed."


def test_observed_days_alone_are_no_change_but_are_not_hidden_either() -> None:
    old, new = document(service()), document(service())
    new["feeds"]["incident"]["observed_days"] += 1

    assert between(old, new) == []
    said = summary(Judged(old, "a"), Judged(new, "a"), [])
    assert said.startswith("Nothing that a scorecard says changed")


def test_a_blocker_that_comes_is_worse_and_one_that_goes_is_better() -> None:
    calm = document(service())
    blocked = document(service(incidents=(incident("inc-1", hours=None, severity=1),)))

    came, went = between(calm, blocked), between(blocked, calm)
    said = "a severe incident is open: pager:inc-1"
    assert words(came, "open_severe_incident") == ("none", said, False)
    assert words(went, "open_severe_incident") == (said, "none", True)
    assert "1 blocker came" in summary(Judged(calm, "a"), Judged(blocked, "a"), came)


def test_blockers_are_compared_by_code_and_not_by_their_place() -> None:
    numbers = {"blockers": [["one", "defects", False, [], {}], ["two", "defects", False, [], {}]]}
    turned = {"blockers": numbers["blockers"][::-1]}
    waived = {"blockers": [numbers["blockers"][0], ["two", "defects", True, [], {}]]}

    assert between(numbers, turned) == []
    assert words(between(numbers, waived), "two") == ("two", "two (waived)", None)


def test_a_criterion_tells_its_score_and_its_parts_with_titles_and_units() -> None:
    old, new = ({"criteria": {"defects": _defects(score, load)}} for score, load in ((60.0, 14), (85.0, 4)))
    found = between(old, new)

    assert words(found, "defects") == ("60", "85", True)
    before, after, better = words(found, "defects.open_load")
    assert codes(found)["defects.open_load"].what.endswith("open defect load")
    assert (before, after) == ("14 weighted defects (scores 60)", "4 weighted defects (scores 85)")
    assert better
    assert words(found, "defects.escape_share") == ("none", "50 %", None)


def _defects(score: float, load: int) -> dict[str, Any]:
    shown = {"escape_share": 0.5} if load == 4 else {}
    return {"score": score, "parts": {"open_load": [load, score]}, "shown": shown, "gaps": []}


def test_a_criterion_that_loses_its_feed_says_what_is_missing() -> None:
    heard = document(service())
    silent = document(service(feeds=feeds(incident=FeedStatus.SILENT)))
    found = between(heard, silent)

    assert words(found, "stability")[1].startswith("cannot be judged: incident feed silent")
    before, after, better = words(found, "incident")
    assert before == "observed, heard from feeds"
    assert after.startswith("incident feed silent")
    assert better is False


def test_verdict_standing_tier_and_policy_are_told() -> None:
    old = document(service())
    new = document(
        service("ops_managed", tier=1, standing=Standing("ops_managed", None, (WaiverFact(3, "telemetry"),)))
    )
    found = between(old, new, "default v1", "default v2")

    assert words(found, "handoff")[1] == "does not apply"
    assert words(found, "handback")[0] == "does not apply"
    assert words(found, "state") == ("developer managed", "ops managed", None)
    assert words(found, "tier") == ("3", "1", None)
    assert words(found, "waiver.3") == ("not live", "live", None)
    assert words(found, "policy") == ("default v1", "default v2", None)


@pytest.mark.parametrize(
    ("was", "now", "better"),
    [("not_ready", "ready", True), ("cannot_tell", "not_ready", False), ("holds", "urgent", False)],
)
def test_verdicts_have_an_order(was: str, now: str, better: bool) -> None:
    old, new = ({"verdicts": {"handoff": {"verdict": each}}} for each in (was, now))

    assert words(between(old, new), "handoff")[2] is better


def ref(name: str, kind: str = "incident") -> RowRef:
    """A row."""
    return RowRef(kind, "pager", name)


def found(**what: Any) -> Found:
    """Two judgements, a week apart."""
    usual: dict[str, Any] = {
        "moments": (AT - timedelta(days=7), AT),
        "policies": ("default v1", "default v1"),
        "window_days": 180,
    }
    return Found(**{**usual, **what})


def told(why: Found, *, changed: bool = True) -> list[tuple[str, str]]:
    """Codes and words."""
    return [(each.code, each.text) for each in causes(why, changed=changed)]


def test_rows_that_came_in_and_rows_that_changed_are_counted_and_named() -> None:
    rows = [Received(ref("1"), new=True), Received(ref("2"), new=True), Received(ref("3"), new=False)]
    [first, last] = causes(found(received=rows), changed=True)

    assert first.text == (
        "2 incidents came in and 1 changed between the two judgements: pager:1, pager:2 and pager:3."
    )
    assert (first.kind, first.count, len(first.rows)) == ("incident", 3, 3)
    assert last.text.startswith("7 days passed between the two moments")


def test_what_people_decided_comes_first_with_who_and_why() -> None:
    why = found(
        policies=("default v1", "default v2"),
        received=[Received(ref("1"), new=True)],
        excluded=[
            Excluded(ref("8"), excluded=False, actor="7 Grace", reason="It was real."),
            Excluded(ref("9"), excluded=True, actor="7 Grace", reason="A test."),
        ],
    )

    assert told(why)[:3] == [
        ("policy", "The policy changed from default v1 to default v2."),
        ("excluded", "1 incident was excluded from judgement: pager:9 by 7 Grace (“A test.”)."),
        ("taken_back", "1 incident was taken back into judgement: pager:8 by 7 Grace (“It was real.”)."),
    ]


def test_heartbeats_of_feeds_come_after_rows_that_came_in_once() -> None:
    rows = [Received(RowRef("feed", "pager", "page"), new=False), Received(ref("1"), new=True)]
    why = told(found(received=rows))

    assert [code for code, _ in why] == ["received", "received", "time"]
    assert why[1][1] == "1 span of a feed grew or changed between the two judgements: page from pager."


def test_rows_that_left_the_window_or_have_happened_since_are_counted() -> None:
    why = told(found(left={"deployment": 12}, happened={"shift": 1}))

    assert ("left", "12 deployments passed out of the window of 180 days.") in why
    assert ("happened", "1 shift known before was still ahead of the earlier moment.") in why


def test_without_any_row_time_itself_is_the_reason() -> None:
    [only] = causes(found(), changed=True)

    assert only.text.startswith("No row explains it. 7 days passed")
    assert not causes(found(), changed=False)[0].text.startswith("No row explains it")


def test_two_judgements_of_one_moment_without_rows_between_are_the_catalogue_s_doing() -> None:
    same = found(moments=(AT, AT))

    assert told(same)[0][0] == "unexplained"
    assert causes(same, changed=False) == []


@given(
    st.lists(
        st.builds(
            Received,
            st.builds(RowRef, st.sampled_from(["feed", "signal", "page"]), st.text(), st.text()),
            st.booleans(),
        )
    ),
    st.lists(
        st.builds(
            Excluded,
            st.builds(RowRef, st.just("defect"), st.text(), st.text()),
            st.booleans(),
            st.text(),
            st.text(),
        )
    ),
    st.dictionaries(st.sampled_from(["page", "shift"]), st.integers(0, 9)),
    st.booleans(),
)
@anything
def test_whatever_lies_between_is_told_in_sentences(
    received: list[Received], excluded: list[Excluded], left: dict[str, int], changed: bool
) -> None:
    why = causes(found(received=received, excluded=excluded, left=left), changed=changed)

    assert all(each.text.endswith(".") for each in why)
    assert sum(each.count for each in why if each.code == "received") == len(received)

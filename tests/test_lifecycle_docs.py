"""docs/lifecycle.md draws every state and move of the code, and tells its numbers and its rights."""

import datetime as dt
import re
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import pytest

from handoff import rules, shadowing, stabilising
from handoff.actions import case_stalling, escalation, handing_back, unreviewed, waiving
from handoff.actions.review_filling import CHECKLIST
from handoff.machine import HANDBACK, HANDOFF, MANAGEMENT, REVIEW, Moves
from readiness import rights
from readiness.alerting import blindness
from readiness.alerting import waivers as ending_waivers
from readiness.criteria.stability import StabilitySettings
from tests.judged import rubric

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "lifecycle.md").read_text()
PICTURE = ET.fromstring((DOCS / "lifecycle.svg").read_text())
TABLES = (MANAGEMENT, REVIEW, HANDOFF, HANDBACK)
SVG = "{http://www.w3.org/2000/svg}"
TEXTS = [each for tag in ("text", "tspan") for each in PICTURE.iter(SVG + tag) if each.text]


def words(*classes: str) -> set[str]:
    """The words of the picture in these styles; states and moves that share a text are one each."""
    texts = [str(each.text) for each in TEXTS if set(each.get("class", "").split()) & set(classes)]
    return {word for text in texts for word in re.split(r", | / ", text)}


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head."""
    _, _, section = PAGE.partition(f"## {heading}\n")
    lines = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


# The picture -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("moves", TABLES)
def test_every_state_and_move_is_drawn(moves: Moves) -> None:
    states = {state for (begins, _), ends in moves.items() for state in (begins, ends) if state}

    assert sorted(states - words("word", "name")) == []
    assert sorted({move for _, move in moves} - words("move", "across")) == []


def test_nothing_is_drawn_that_is_no_state_or_move() -> None:
    known = {
        word for moves in TABLES for (begins, move), ends in moves.items() for word in (begins, move, ends)
    }

    assert sorted(words("word", "across") - known) == []


def test_the_page_shows_the_picture() -> None:
    assert "](lifecycle.svg)" in PAGE


# What happens by itself ------------------------------------------------------------------------------


def days(*spans: dt.timedelta) -> list[float]:
    """Whole days."""
    return [span / dt.timedelta(days=1) for span in spans]


def clock() -> StabilitySettings:
    """The settings of the stability clock."""
    settings = rubric().criteria["stability"].settings
    assert isinstance(settings, StabilitySettings)
    return settings


LADDER: Final = days(escalation.FIRST, escalation.OPS_TEAM, escalation.LEADS)
LIVES: Final = sorted(
    {float(item.attested) for topic in CHECKLIST.topics for item in topic.items if item.attested},
    reverse=True,
)
NUMBERS: Final[dict[str, list[float]]] = {
    "`below` proposes a handback": days(rules.LOOK_BACK, rules.LEAST_APART),
    "What was rejected": days(rules.REST),
    "operations fly blind": days(blindness.BLIND_AFTER),
    "A rule's proposal lapses": [],
    "A review without an end lapses": [float(CHECKLIST.lapse_days)],
    "What was attested lapses": LIVES,
    "Nobody moved a review": LADDER,
    "A shadow lasts at least": days(shadowing.SHADOW),
    "A handoff lapses": days(shadowing.LONGEST),
    "A shadow that ended badly is stopped": [],
    "Back-up completes": days(shadowing.BACK_UP),
    "Developers stay reachable": days(shadowing.REACHABLE),
    "Looks back": [float(each) for each in shadowing.LOOKS_BACK],
    "Joint repair returns": days(handing_back.LONGEST_REPAIR),
    "A stabilisation stands still": days(case_stalling.STANDS_STILL, case_stalling.STEP),
    "The stability clock is full": [
        float(clock().required_days),
        float(clock().required_days_after_handback),
        stabilising.CLOCK_NEEDED,
    ],
    "A waiver expires": days(waiving.LONGEST, ending_waivers.BEFORE),
    "launched without a review": days(unreviewed.LOOK_BACK),
}
"""Words of each row, and the days that the code knows."""


def test_each_row_of_what_happens_by_itself_is_held_to_the_code() -> None:
    told = [what for what, _ in rows("What happens by itself")]

    assert [[row for row in NUMBERS if row in what] for what in told] == [[row] for row in NUMBERS]


@pytest.mark.parametrize(("row", "known"), NUMBERS.items(), ids=NUMBERS)
def test_what_happens_by_itself_has_the_days_of_the_code(row: str, known: list[float]) -> None:
    told = next(said for what, said in rows("What happens by itself") if row in what)

    assert [float(number) for number in re.findall(r"\d+", told)] == known


def test_the_share_of_good_pages_and_the_number_of_shadows_are_those_of_the_code() -> None:
    told = " ".join(what for what, _ in rows("What happens by itself"))

    assert f"under {shadowing.GOOD * 100:.0f} % of its pages" in told
    assert ("a second shadow stopped ends it" in told) == (shadowing.MOST == 2)


# Who may do what -------------------------------------------------------------------------------------

RIGHTS: Final[dict[str, str]] = {
    "propose a handoff or handback": rights.PROPOSE_CASE,
    "open and work on a review, launch": rights.REVIEW,
    "reject a review": rights.REVIEW,
    "sign a review": rights.REVIEW,
    "override a verdict": rights.OVERRIDE,
    "reject a proposal": rights.DECIDE_CASE,
    "accept a handoff": rights.DECIDE_CASE,
    "begin shadow, complete": rights.DECIDE_CASE,
    "assess pages, stop": rights.WORK_CASE,
    "confirm a shadow": rights.WORK_CASE,
    "repair jointly, confirm a repair": rights.DECIDE_CASE,
    "release": rights.WORK_CASE,
    "stabilise": rights.DECIDE_CASE,
    "ask for a waiver": rights.ASK_WAIVER,
    "approve or refuse a waiver": rights.DECIDE_WAIVER,
    "name a consultant": rights.NAME_CONSULTANT,
}
"""The move of each row, and the right that its check asks for."""


def may(group: str, right: str, team: str) -> bool:
    """Whether a member of a team, in a group, may do it for a service of that team."""
    held, rule = rights.GROUPS[group], rights.BY_TEAM.get(right)
    return right in held or (rule is not None and rule.held in held and team in rule.teams)


def test_each_row_of_who_may_do_what_is_held_to_the_code() -> None:
    told = [row[0] for row in rows("Who may do what")]

    assert [move for move, row in zip(told, RIGHTS, strict=True) if not move.startswith(row)] == []


@pytest.mark.parametrize(("row", "right"), RIGHTS.items(), ids=RIGHTS)
def test_who_may_do_what_is_as_the_rights_have_it(row: str, right: str) -> None:
    _, *cells, _ = next(cells for cells in rows("Who may do what") if cells[0].startswith(row))

    assert [bool(cell) for cell in cells] == [
        may(rights.DEVELOPER, right, "owner_id"),
        may(rights.OPS_ENGINEER, right, "ops_team_id"),
        right in rights.GROUPS[rights.SRE_LEAD],
    ]

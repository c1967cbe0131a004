"""What people decided in the story: every legal move is walked, and each service stands where that led it."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker

from handoff import proposals
from handoff.actions import assessed, pages_of, running, tally
from handoff.machine import CASES, CONSULTANT, MANAGEMENT, REVIEW, WAIVER, Moves
from handoff.models import AppliedDecision, Case, Transition
from readiness import clock, evaluation
from readiness.models import Incident, ManagementChange, Scorecard, Service
from tests.story import moves
from tests.story.deciding import DECIDED
from tests.story.generate import FOLDER
from tests.story.importing import imported, in_the_way, judged, undecided
from tests.story.plot import END, Plot, Told
from tests.story.plots import PLOTS

TABLES: Mapping[str, Moves] = {
    "management": MANAGEMENT,
    "review": REVIEW,
    **CASES,
    "waiver": WAIVER,
    "consultant": CONSULTANT,
}
MOVED = [plot for plot in PLOTS if plot.slug in DECIDED]
MOMENTS = [
    pytest.param(plot, told, id=f"{plot.slug}-{told.at:%Y%m%d-%H%M}") for plot in MOVED for told in plot.told
]
Walked = Mapping[str, Mapping[str, frozenset[tuple[str, str]]]]
"""Moves by table and service, each with the state that it leads from."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What the whole folder came to."""

    seconds: float
    first: Mapping[str, Any]
    again: Mapping[str, Any]
    rows: tuple[int, ...]
    """Applied decisions, transitions, changes of who runs a service; after the first import."""
    rows_again: tuple[int, ...]
    by_file: Walked
    by_rules: Walked
    """What came on top when rules looked at live scorecards, and the catalogue changed."""
    cards: Mapping[tuple[str, datetime], Scorecard]
    open: Mapping[str, str]
    """State by service."""
    shadow: tuple[int, int, bool]
    """Of the shadow that runs: its pages, those assessed, and whether it is due."""


@pytest.fixture(scope="module")
def decided(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Decided]:
    """The folder imported twice at its end, and judged; then rules look on. Read once, then rolled back."""
    with django_db_blocker.unblock(), transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "real_now", lambda: END)
        began = time.monotonic()
        first = imported(FOLDER)
        seconds = time.monotonic() - began
        print(f"{FOLDER.name} with its decisions: {seconds:.1f} s")  # noqa: T201 - what it costs is to be seen
        before, by_file = rows(), walked()
        again, after = imported(FOLDER), rows()
        cards, open_, seen = judged(MOVED), under_way(), shadow()
        look_on(patch, tmp_path_factory.mktemp("changed"))
        yield Decided(
            seconds=seconds,
            first=first,
            again=again,
            rows=before,
            rows_again=after,
            by_file=by_file,
            by_rules=walked(),
            cards=cards,
            open=open_,
            shadow=seen,
        )
        transaction.set_rollback(True)


def rows() -> tuple[int, ...]:
    """How many there are of what a decision leaves."""
    return tuple(model.objects.count() for model in (AppliedDecision, Transition, ManagementChange))


def walked() -> Walked:
    """All moves on record."""
    found: dict[str, dict[str, set[tuple[str, str]]]] = {name: defaultdict(set) for name in TABLES}
    kinds = dict(Case.objects.values_list("pk", "kind"))
    for each in Transition.objects.select_related("service"):
        name = kinds[each.subject_id or 0] if each.subject == Transition.Subject.CASE else each.subject
        found[name][each.service.slug].add((each.from_state, each.move))
    return {
        name: {slug: frozenset(moves) for slug, moves in services.items()} for name, services in found.items()
    }


def under_way() -> dict[str, str]:
    """The state of each open case by its service."""
    return dict(Case.objects.open().values_list("service__slug", "state"))


def shadow() -> tuple[int, int, bool]:
    """The shadow that runs."""
    case = Case.objects.get(service__slug="shadowing", ended_at=None)
    mine = running(case)
    assert mine is not None
    pages = pages_of(mine)
    return len(pages), len(assessed(case, pages)), tally(mine).due_at <= END


def look_on(patch: pytest.MonkeyPatch, into: Path) -> None:
    """Rules propose. Ten days later the incident was nobody's fault here, of the other service nothing is
    heard any more, and what is being stabilised is retired.
    """
    ids = Service.objects.filter(slug__in=["ready-after-six-months", "regressed-urgently"])
    for now in (END, END + timedelta(days=10)):
        patch.setattr(clock, "real_now", lambda at=now: at)
        evaluation.run(evaluation.request(now, list(ids.values_list("pk", flat=True))))
        proposals.propose_moves()
        Incident.objects.filter(service__slug="regressed-urgently").update(cause="external")
    folder = undecided(into)
    for path in folder.glob("*.jsonl*"):
        path.unlink()
    catalogue = (folder / "catalog-info.yaml").read_text()
    (folder / "catalog-info.yaml").unlink()
    (folder / "catalog-info.yaml").write_text(retired(catalogue, "stabilising"))
    call_command("import_fleet", str(folder), "--accept-consequences", verbosity=0)


def retired(catalogue: str, slug: str) -> str:
    """A catalogue in which a service is retired."""
    before, name, after = catalogue.partition(f"\n  name: {slug}\n")
    return before + name + after.replace("lifecycle: production", "lifecycle: retired", 1)


def every_move(found: Walked) -> dict[str, set[tuple[str, str]]]:
    """Moves by table, whichever service made them."""
    return {name: set().union(*services.values()) for name, services in found.items()}


def named(said: Mapping[str, tuple[str, ...]]) -> dict[str, set[tuple[str, str]]]:
    """Moves by table, from their names."""
    return {name: {moves.move_of(each) for each in said.get(name, ())} for name in TABLES}


@pytest.mark.django_db
def test_every_line_is_applied_and_a_second_import_changes_nothing(decided: Decided) -> None:
    lines = len((FOLDER / "decisions.jsonl").read_text().splitlines())
    assert decided.first["rejected"] == 0
    assert decided.first["decisions"] == {"applied": lines, "unchanged": 0, "rejected": 0}
    assert decided.again["decisions"] == {"applied": 0, "unchanged": lines, "rejected": 0}
    assert (decided.again["created"], decided.again["updated"], decided.again["rejected"]) == (0, 0, 0)
    assert decided.rows_again == decided.rows


@pytest.mark.django_db
def test_the_file_walks_every_legal_move_but_those_that_are_left_to_rules(decided: Decided) -> None:
    left = named(moves.LEFT_TO_RULES)
    assert every_move(decided.by_file) == {name: set(table) - left[name] for name, table in TABLES.items()}


@pytest.mark.django_db
def test_rules_and_changes_of_the_catalogue_make_the_others(decided: Decided) -> None:
    assert every_move(decided.by_rules) == {name: set(table) for name, table in TABLES.items()}
    assert ("stabilising", "cut short") in decided.by_rules["handback"]["stabilising"]


@pytest.mark.django_db
def test_the_readme_says_which_service_shows_each_move(decided: Decided) -> None:
    text = (FOLDER / "README.md").read_text()
    for table, services in moves.SHOWN.items():
        for slug, said in services.items():
            assert {moves.move_of(each) for each in said} <= decided.by_file[table][slug], (table, slug)
    told = [each for services in moves.SHOWN.values() for said in services.values() for each in said]
    assert len(told) == sum(len(each) for each in every_move(decided.by_file).values()), "each move once"
    assert all(row in text for row in moves.rows())


@pytest.mark.django_db
@pytest.mark.parametrize(("plot", "told"), MOMENTS)
def test_a_service_that_people_moved_stands_where_that_led_it(
    decided: Decided, plot: Plot, told: Told
) -> None:
    card = decided.cards[plot.slug, told.at]
    verdicts = {of: each and each["verdict"] for of, each in card.numbers["verdicts"].items()}

    assert verdicts[told.of] == told.verdict
    assert verdicts["deploy"] == told.deploy
    if told.of in {"handoff", "handback"}:
        assert in_the_way(card, told.of) == set(told.why)
        assert card.management_state == plot.state_on(told.at)


@pytest.mark.django_db
def test_at_the_end_something_of_each_kind_is_under_way(decided: Decided) -> None:
    assert decided.open == {
        "handed-off": "backed_up",
        "shadowing": "shadowing",
        "in-review": "in_review",
        "joint-repair": "joint_repair",
        "stabilising": "stabilising",
    }
    pages, said, due = decided.shadow
    assert 0 < said < pages
    assert not due

"""The story fleet is what its script makes, says that it is made up, and lives through its paths."""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker

from config import demo
from readiness.backstage import read_catalogue
from readiness.models import Identity, Page, Scorecard, Service, Shift, Team
from readiness.models.evidence import KINDS
from tests.story.deciding import DECIDED
from tests.story.generate import FOLDER, write
from tests.story.importing import GATED, imported, in_the_way, judged, replayed, undecided
from tests.story.plot import END, MADE_UP, Plot, Told
from tests.story.plots import PLOTS
from tests.story.readme import verdict_words

MAX_BYTES = 1_500_000
SOURCELESS = {"people.jsonl", "decisions.jsonl"}
"""Files of rows that no source reports."""
UNMOVED = [plot for plot in PLOTS if plot.slug not in DECIDED]
"""Those about which nobody decided; of the others `test_story_decisions.py` holds what they come to."""
MOMENTS = [
    pytest.param(plot, told, id=f"{plot.slug}-{told.at:%Y%m%d-%H%M}")
    for plot in UNMOVED
    for told in plot.told
]


# What the script makes -------------------------------------------------------------------------------


def unzipped(path: Path) -> bytes:
    """What a file says: how it was zipped depends on the library that did it."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def lines(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """All records of a folder, each with its file's name."""
    for path in sorted(folder.glob("*.jsonl*")):
        for line in unzipped(path).splitlines():
            yield path.name, json.loads(line)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the script has just written."""
    folder: Path = tmp_path_factory.mktemp("fleets") / "story"
    write(folder)
    return folder


def test_the_files_are_what_the_script_writes(written: Path) -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(path.name for path in written.iterdir())
    differing = [path.name for path in written.iterdir() if unzipped(path) != unzipped(FOLDER / path.name)]
    assert differing == [], "run python -m tests.story.generate"


def test_the_script_writes_the_same_bytes_twice(written: Path, tmp_path: Path) -> None:
    write(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in written.iterdir()
    }


def test_the_files_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < MAX_BYTES


def test_every_row_and_every_service_says_that_it_is_made_up() -> None:
    named = [(name, row.get("source", "none")) for name, row in lines(FOLDER) if name not in SOURCELESS]
    assert {name for name, _ in named} == {path.name for path in FOLDER.glob("*.jsonl*")} - SOURCELESS
    assert [pair for pair in named if not pair[1].startswith(MADE_UP)] == []
    assert all(each.made_up for each in catalogue_of(FOLDER).services)


def catalogue_of(folder: Path) -> Any:
    """The catalogue of a fleet folder."""
    return read_catalogue((folder / "catalog-info.yaml").read_bytes())


@pytest.mark.parametrize("other", ["govuk", "jenkins-infra", "vectors"])
def test_no_name_of_the_story_is_one_of_another_fleet(other: str) -> None:
    story, real = catalogue_of(FOLDER), catalogue_of(FOLDER.parent / other)
    assert story.problems == ()
    for own, theirs in ((story.services, real.services), (story.teams, real.teams)):
        assert {each.slug for each in own} & {each.slug for each in theirs} == set()


def test_every_feed_of_a_service_in_use_is_heard_until_the_end_but_those_that_fell_dark() -> None:
    ended = {
        (slug, row["kind"])
        for name, row in lines(FOLDER)
        if name == "feeds.jsonl" and datetime.fromisoformat(row["last_seen_at"]) < END
        for slug in row["services"]
    }
    assert END == demo.SAMPLES_END
    dark = {("dark-feeds", kind) for kind in ("page", "incident", "defect")}
    assert ended == dark | {("switched-off", kind) for kind, _ in KINDS}


def test_the_readme_tells_what_is_expected_of_every_service() -> None:
    text = (FOLDER / "README.md").read_text()
    for plot in PLOTS:
        assert f"| `{plot.slug}` ({plot.title}) | {plot.story} |" in text
        for told in plot.told:
            assert f"| {told.at:%Y-%m-%d %H:%M} | {verdict_words(told)} |" in text


# What it comes to ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Story:
    """What the imported fleet came to."""

    cards: Mapping[tuple[str, datetime], Scorecard]
    lately: Mapping[str, list[str | None]]
    """The handback verdicts of the last two weeks of those that regressed or went dark."""
    first: Mapping[str, int]
    again: Mapping[str, int]
    """What the first import counted, and the second."""
    zones: frozenset[str]
    roles: Mapping[str, frozenset[str]]
    """Roles by team."""
    unnamed: frozenset[str | None]
    """Who took a turn on call, or answered a page, and is nobody that works there."""
    real: int
    """Services that are not made up."""


@pytest.fixture(scope="module")
def story(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Story:
    """The fleet, imported twice and judged at every moment told; read once, then rolled back."""
    folder = undecided(tmp_path_factory.mktemp("undecided"))
    with django_db_blocker.unblock(), transaction.atomic():
        first, again = imported(folder), imported(folder)
        found = Story(
            cards=judged(UNMOVED),
            lately=judged_lately("regressed", "dark-feeds"),
            first=first,
            again=again,
            zones=frozenset(Team.objects.values_list("time_zone", flat=True)),
            roles={
                team.slug: frozenset(person.role for person in team.members.all())
                for team in Team.objects.prefetch_related("members")
            },
            unnamed=unnamed(),
            real=Service.objects.filter(made_up=False).count(),
        )
        transaction.set_rollback(True)
    return found


def judged_lately(*slugs: str) -> dict[str, list[str | None]]:
    """The handback verdicts of some services, every third day, the last first."""
    said: dict[str, list[str | None]] = {slug: [] for slug in slugs}
    ids = list(Service.objects.filter(slug__in=slugs).values_list("pk", flat=True))
    for days in range(0, 16, 3):
        at = END - timedelta(days=days)
        for card in replayed(at, ids):
            said[card.service.slug].append(card.handback)
    return said


def unnamed() -> frozenset[str | None]:
    """People in rows that no identity of their source names."""
    named = set(Identity.objects.values_list("source", "external_id"))
    found = {*Shift.objects.values_list("source", "person"), *Page.objects.values_list("source", "responder")}
    return frozenset(person for _, person in found - named)


@pytest.mark.django_db
@pytest.mark.parametrize(("plot", "told"), MOMENTS)
def test_a_service_stands_where_its_path_has_led_it(story: Story, plot: Plot, told: Told) -> None:
    card = story.cards[plot.slug, told.at]
    verdicts = {of: each and each["verdict"] for of, each in card.numbers["verdicts"].items()}
    applying = {of: verdict for of, verdict in verdicts.items() if verdict and of != "deploy"}

    assert applying == ({told.of: told.verdict} if told.of else {})
    assert verdicts["deploy"] == told.deploy
    assert sorted(blocker[0] for blocker in card.numbers["blockers"]) == sorted(told.blockers)
    if told.of in {"handoff", "handback"}:
        assert in_the_way(card, told.of) == set(told.why)
        assert card.management_state == plot.state


@pytest.mark.django_db
def test_a_second_import_changes_nothing(story: Story) -> None:
    assert story.first["rejected"] == 0
    assert (story.again["created"], story.again["updated"], story.again["rejected"]) == (0, 0, 0)
    assert story.again["unchanged"] == story.first["created"]


@pytest.mark.django_db
def test_who_regressed_and_who_went_dark_stayed_so_for_two_weeks(story: Story) -> None:
    assert story.lately == {"regressed": ["below"] * 6, "dark-feeds": ["cannot_tell"] * 6}


@pytest.mark.django_db
def test_each_gated_criterion_fails_alone_in_one_service(story: Story) -> None:
    alone = {plot.slug: story.cards[plot.slug, END] for plot in UNMOVED if plot.slug.startswith("only-")}
    reasons = {slug: card.numbers["verdicts"]["handoff"]["reasons"] for slug, card in alone.items()}
    assert {slug: [arguments["criterion"] for _, arguments in each] for slug, each in reasons.items()} == {
        f"only-{slug.replace('_', '-')}": [slug] for slug in GATED
    }


@pytest.mark.django_db
def test_what_its_path_is_about_shows_in_the_numbers(story: Story) -> None:
    def parts(slug: str, criterion: str) -> dict[str, float]:
        found = story.cards[slug, END].numbers["criteria"][criterion]["parts"]
        return {name: score for name, (_, score) in found.items()}

    assert parts("noisy-pager", "on_call")["breadth"] == 100
    assert parts("noisy-pager", "on_call")["fairness"] >= 90
    assert story.cards["observations-became-work", END].numbers["criteria"]["feedback"]["score"] >= 95
    assert parts("only-coupling", "coupling")["in_cycle"] == 0


def test_changes_are_mended_in_every_way_and_one_hotfix_hurts() -> None:
    rows = [row for name, row in lines(FOLDER) if name == "deployments.jsonl.gz"]
    remedies = [row for row in rows if "remediates" in row]
    ways = {row["remediation"] for row in remedies if row["service"] == "three-remedies"}
    assert ways == {"toggle_off", "fix_forward", "rollback"}
    hotfix, last = (
        row for row in remedies if row["service"] == "hotfix-that-hurts" and row["started_at"] > "2026-06"
    )
    assert (hotfix["remediation"], last["remediation"]) == ("fix_forward", "rollback")
    assert last["remediates"] == hotfix["id"]


@pytest.mark.django_db
def test_the_organisation_has_teams_in_many_places_and_people_of_every_role(story: Story) -> None:
    builders = {"developer", "tester", "architect", "designer", "manager", "director"}
    assert len(story.zones) == 6
    assert sorted(map(len, story.roles.values())) == [2, 2, 6, 6, 6, 6]
    assert {role for team, roles in story.roles.items() if "ops-" not in team for role in roles} == builders
    assert story.unnamed == frozenset()
    assert story.real == 0

"""`propose --dry-run`: when each proposal of the story would have come, and why; nothing is stored."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from pytest_django.plugin import DjangoDbBlocker

from handoff.management import replaying
from handoff.management.commands.propose import Command
from handoff.models import Case
from readiness import clock, evaluation
from readiness.evaluation import judging
from readiness.evaluation.judging import Judged, judge_services
from readiness.measures import Scope
from readiness.models import PolicyVersion, Scorecard, Service
from readiness.models.scorecard import Kind
from readiness.policy import Policy
from readiness.scoring import Judgement, judge
from tests.command_line import Answer, answer, shell
from tests.factories import WaiverFactory
from tests.handing_back import Place
from tests.story.importing import undecided
from tests.story.plot import END, utc

PAGE = Path(__file__).parent.parent / "docs" / "proposals.md"
READY, REGRESSED, URGENT = "ready-after-six-months", "regressed", "regressed-urgently"

DOCUMENTED = (
    "--from=2026-03-01T00:00:00Z",
    "--to=2026-06-17T00:00:00Z",
    *(f"--service={slug}" for slug in (READY, "only-stability", REGRESSED, URGENT)),
    *(f"--service={slug}" for slug in ("dark-feeds", "winding-down")),
)


def propose(*options: str) -> Answer:
    """What the command ends with and says."""
    return answer(Command(), "--dry-run", *options)


def document(*options: str) -> dict[str, Any]:
    """What it says as JSON."""
    found: dict[str, Any] = json.loads(propose(*options, "--format=json").out)
    return found


def rows_stored() -> dict[str, int]:
    """How many rows each table has."""
    return {model._meta.label: model._default_manager.count() for model in apps.get_models()}


@dataclass(frozen=True, slots=True)
class Shown:
    """What the command said of the story."""

    spring: dict[str, Any]
    """Daily, the whole fleet, from March to the end. On SQLite, as what is printed of it."""
    printed: Answer | None
    may: dict[str, Any]
    """Daily, while one regressed."""
    nothing: Answer
    weekly: Answer
    waived: dict[str, Any]
    """With a waiver of the stability clock while it was not full."""
    broken: Answer
    with_offset: dict[str, Any]
    verdicts: Mapping[str, str | None]
    """The handback verdicts of scorecards that an evaluation stored, by day, of one that regressed."""
    before: Mapping[str, int]
    after: Mapping[str, int]


@pytest.fixture(scope="module")
def shown(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Shown:
    """The story imported and asked of; read once, then rolled back."""
    folder = undecided(tmp_path_factory.mktemp("fleets"))
    with (
        django_db_blocker.unblock(),
        transaction.atomic(),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(clock, "now", lambda: END)
        call_command("import_fleet", str(folder), verbosity=0)
        before = rows_stored()
        spring, printed = ({}, None) if connection.vendor == "postgresql" else in_spring(patch)
        found: dict[str, Any] = {
            "spring": spring,
            "printed": printed,
            "may": document(
                "--from=2026-05-11T00:00:00Z", "--to=2026-05-19T00:00:00Z", f"--service={REGRESSED}"
            ),
            "nothing": propose("--from=2026-06-10T00:00:00Z", "--service=dark-feeds"),
            "weekly": propose("--from=2026-05-01T00:00:00Z", "--every=1w", f"--service={REGRESSED}"),
            "with_offset": document(
                "--from=2026-03-13T20:00:00-04:00", "--to=2026-03-15T02:00:00+02:00", f"--service={READY}"
            ),
            "before": before,
            "after": rows_stored(),
        }
        told = Shown(**found, waived=waived(), broken=broken(patch), verdicts=verdicts())
        transaction.set_rollback(True)
    return told


def in_spring(patch: pytest.MonkeyPatch) -> tuple[dict[str, Any], Answer]:
    """Of the whole fleet and of some services at the same moments, of which each is judged once."""
    known: dict[datetime, dict[int, Judgement]] = {}

    def once(scope: Scope, *how: Any) -> Judged:
        judgements = known.setdefault(scope.at, {})
        if not judgements.keys() >= {*scope.ids}:
            judged = judge_services(scope, *how)
            assert judged.failures == ()
            judgements |= judged.judgements
        return Judged({pk: judgements[pk] for pk in scope.ids})

    with patch.context() as inner:
        inner.setattr(replaying, "judge_services", once)
        return document(*DOCUMENTED[:2]), propose(*DOCUMENTED)


def waived() -> dict[str, Any]:
    """Of one that lacked nothing but days of its clock."""
    WaiverFactory.create(
        service=Service.objects.get(slug=READY),
        target="stability",
        approved_at=utc("2026-03-01"),
        ends_at=utc("2026-03-12"),
    )
    return document("--from=2026-03-05T00:00:00Z", "--to=2026-03-16T00:00:00Z", f"--service={READY}")


def broken(patch: pytest.MonkeyPatch) -> Answer:
    """While one service cannot be judged as of one moment."""

    def breaks(facts: Any, policy: Policy) -> Judgement:
        if facts.service == URGENT and facts.period.at == utc("2026-06-10"):
            raise ZeroDivisionError("no such luck")
        return judge(facts, policy)

    with patch.context() as inner:
        inner.setattr(judging, "judge", breaks)
        return propose("--from=2026-06-09T00:00:00Z", f"--service={URGENT}", f"--service={REGRESSED}")


def verdicts() -> dict[str, str | None]:
    """What evaluations store of one that regressed."""
    ids = [Service.objects.get(slug=REGRESSED).pk]
    for day in range(11, 19):
        at = datetime(2026, 5, day, tzinfo=UTC)
        evaluation.run(evaluation.request(at, ids, kind=Kind.REPLAY))
    cards = Scorecard.objects.filter(service__in=ids).order_by("at")
    return {f"{at:%m-%d}": verdict for at, verdict in cards.values_list("at", "handback")}


def of(result: dict[str, Any], slug: str) -> list[tuple[str, str, str, str | None]]:
    """Kind, rule, and the days of coming and lapsing of what was proposed of a service."""
    return [
        (row["kind"], row["rule"], row["at"][:10], row["lapsed"] and row["lapsed"]["at"][:10])
        for row in result["proposals"]
        if row["service"] == slug
    ]


@pytest.mark.django_db
def test_nothing_is_stored_not_even_the_default_policy(shown: Shown) -> None:
    assert shown.after == shown.before
    assert shown.before[PolicyVersion._meta.label] == 0
    assert shown.before[Service._meta.label] == 27


@pytest.mark.sqlite_only
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("slug", "proposed"),
    [
        (READY, [("handoff", "ready", "2026-03-15", None)]),
        (REGRESSED, [("handback", "regressed", "2026-05-18", None)]),
        (URGENT, [("handback", "urgent", "2026-06-10", None)]),
        ("only-stability", [("handoff", "ready", "2026-03-01", "2026-04-21")]),
        ("noisy-pager", [("handoff", "ready", "2026-04-09", None)]),
        ("only-after-hours", []),
        ("only-telemetry", [("handoff", "ready", "2026-03-01", "2026-03-25")]),
        ("hotfix-that-hurts", [("handoff", "ready", "2026-03-01", None)]),
        ("winding-down", []),  # ready, and deprecated
        ("dark-feeds", []),  # cannot tell for five weeks
        ("ops-managed-holds", []),
        ("launch-ready", []),
        ("launch-not-ready", []),
        ("switched-off", []),
    ],
)
def test_each_path_of_the_story_has_its_proposals_on_their_days(
    shown: Shown, slug: str, proposed: list[tuple[str, str, str, str | None]]
) -> None:
    assert of(shown.spring, slug) == proposed


@pytest.mark.django_db
def test_what_is_called_regressed_was_below_in_every_scorecard_of_a_week(shown: Shown) -> None:
    (row,) = (row for row in shown.may["proposals"] if row["service"] == REGRESSED)
    assert [at[5:10] for at in row["scorecards"]] == [f"05-{day}" for day in range(12, 19)]
    below = {f"05-{day}": "below" for day in range(12, 19)}
    assert shown.verdicts == {"05-11": "holds", **below}


@pytest.mark.sqlite_only
@pytest.mark.django_db
def test_json_says_why_it_came_and_why_it_lapsed(shown: Shown) -> None:
    found = shown.spring
    assert (found["policy"], found["rules_version"]) == ("default as delivered", 1)
    assert (found["services"], found["moments"]["number"], found["unjudged"]) == (27, 109, {})
    rows = {row["service"]: row for row in found["proposals"]}
    assert rows[READY]["reasons"][1] == "180 days proven stable of 180 needed"
    assert rows[READY]["scorecards"] == [rows[READY]["at"]] == ["2026-03-15T00:00:00+00:00"]
    assert rows[URGENT]["grounds"] == ["incident/made-up incident log:INC-PAYMENTS-9"]
    lapsed = rows["only-stability"]["lapsed"]
    assert lapsed["verdict"] == ["handoff", "not_ready"]
    assert lapsed["reasons"][0] == "Proven stable: 0, below its threshold of 100"


@pytest.mark.sqlite_only
@pytest.mark.django_db
def test_it_is_printed_in_words(shown: Shown) -> None:
    assert shown.printed is not None
    assert shown.printed.status == 0
    for said in (
        "default as delivered, rules version 1: 109 moments from 2026-03-01 00:00 to 2026-06-17 00:00",
        "Of 6 services, 4 would have been proposed to move: 2 handoffs and 2 handbacks.",
        "1 would have lapsed again, 3 would stand at the last moment, had nobody decided.",
        "What is proposed at the first moment held then, and perhaps before.",
        "│ ready-after-six-months │ 2026-03-15 00:00 │ stands │ handoff (ready): every gate is",
        "│ only-stability │ 2026-03-01 00:00 │ 2026-04-21 00:00 │",
        "│ lapsed: handoff: not ready;",
    ):
        assert said in shown.printed.flat
    assert "Steps so wide" not in shown.printed.flat


@pytest.mark.sqlite_only
@pytest.mark.django_db
def test_the_page_shows_what_is_printed(shown: Shown) -> None:
    assert shown.printed is not None
    assert shown.printed.out.strip() in PAGE.read_text()


@pytest.mark.django_db
def test_where_nothing_would_have_been_proposed_it_says_so(shown: Shown) -> None:
    assert shown.nothing.status == 0
    assert shown.nothing.lines[1:] == ["Of 1 service, nothing would have been proposed."]


@pytest.mark.django_db
def test_steps_too_wide_for_a_week_of_scorecards_are_told(shown: Shown) -> None:
    assert "nothing would have been proposed. Steps so wide never show" in shown.weekly.flat


@pytest.mark.django_db
def test_a_waived_clock_makes_it_ready_and_the_rule_waits_all_the_same(shown: Shown) -> None:
    assert of(shown.waived, READY) == [("handoff", "ready", "2026-03-15", None)]


@pytest.mark.django_db
def test_moments_are_in_utc_whatever_their_offset(shown: Shown) -> None:
    assert [row["at"] for row in shown.with_offset["proposals"]] == ["2026-03-15T00:00:00+00:00"]
    assert shown.with_offset["moments"] == {
        "first": "2026-03-14T00:00:00+00:00",
        "last": "2026-03-15T00:00:00+00:00",
        "number": 2,
    }


@pytest.mark.django_db
def test_a_service_that_cannot_be_judged_is_named_and_the_others_are_shown(shown: Shown) -> None:
    assert shown.broken.status == 1
    assert "regressed-urgently │ 2026-06-11 00:00" in shown.broken.flat


# What makes no sense ----------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--from is missing"),
        (["--from=2026-06-02T00:00:00Z", "--to=2026-06-01T00:00:00Z"], "the last moment is before the first"),
        (["--from=0001-01-01T00:00:00+14:00"], "before all time"),
        (["--from=0999-01-01T00:00:00Z"], "before 1000"),
        (["--from=2026-06-02"], "has no offset"),
        (["--from=9999-01-01T00:00:00Z"], "is in the future"),
        (["--from=2026-06-02T00:00:00Z", "--every=soon"], "is no span"),
        (["--from=2026-06-02T00:00:00Z", "--service=nobody"], "no service or alias is called nobody"),
    ],
)
def test_what_makes_no_sense_is_refused(options: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        propose(*options)


def test_what_only_a_dry_run_can_do_and_an_empty_database_are_told_in_one_line(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'fleet.sqlite3'}"
    refused = shell("propose", "--service=pay", database=database)
    no_tables = [
        shell("propose", *options, database=database)
        for options in ([], ["--dry-run", "--from=2026-06-01T00:00:00Z"])
    ]
    assert refused.stderr.strip().splitlines() == [
        "CommandError: --from, --to, --every and --service choose what --dry-run shows: add it"
    ]
    for each in (refused, *no_tables):
        assert (each.returncode, each.stdout) == (3, "")
        assert "Traceback" not in each.stderr


# For real ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_without_dry_run_it_proposes_once_and_says_what(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(monkeypatch)
    place.pass_time()
    place.judge("urgent")
    done, again = answer(Command()), answer(Command(), "--format=json")
    assert (done.status, again.status) == (0, 0)
    assert done.lines[0] == "1 service judged since the rules looked last: 1 proposed, 0 lapsed."
    assert "propose handback (rule: urgent v1): The handback verdict is urgent" in done.flat
    assert json.loads(again.out) == {"looked": 0, "broken": [], "made": []}
    place.pass_time()
    place.judge("holds")
    (made,) = json.loads(answer(Command(), "--format=json").out)["made"]
    case = Case.objects.get()
    assert (made["service"], made["case"], made["kind"]) == ("pay", case.pk, "handback")
    assert (made["move"], made["actor"], case.state) == ("lapse", "rule: urgent v1", "lapsed")


@pytest.mark.django_db
def test_a_service_that_cannot_be_looked_at_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Place(monkeypatch)
    Scorecard.objects.update(numbers={})
    assert answer(Command()).status == 1
    assert "pay: could not be looked at, the log says why" in capsys.readouterr().err


@pytest.mark.django_db
def test_a_fleet_without_services_has_nothing_to_propose() -> None:
    first = f"--from={(clock.now() - timedelta(days=1)).isoformat()}"
    assert propose(first).lines[1:] == ["Of 0 services, nothing would have been proposed."]


@pytest.mark.django_db
def test_it_judges_under_the_policy_in_force() -> None:
    version = evaluation.in_force()
    first = f"--from={(clock.now() - timedelta(days=1)).isoformat()}"
    assert document(first)["policy"] == str(version)

"""`evaluate`: live or in hindsight, all or some, told in words or as JSON; nonsense is refused."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError

from readiness import clock
from readiness.management.commands.evaluate import Command
from readiness.models import CurrentScore, Evaluation, Scorecard, Service
from tests.command_line import Answer, answer, shell
from tests.own_database import OwnDatabase
from tests.worked_fleet import expected

AT = datetime(2026, 7, 1, tzinfo=UTC)
SLUGS = sorted(expected()["services"])


@pytest.fixture
def fleet(worked_fleet_once: None, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worked fleet, not judged yet; the clock stands where its data ends."""
    monkeypatch.setattr(clock, "now", lambda: AT)


def evaluate(*options: str) -> Answer:
    """What the command ends with and says."""
    return answer(Command(), *options)


def moments() -> list[str]:
    """The moments that were judged, in order."""
    return [f"{each:%m-%d}" for each in Evaluation.objects.order_by("at").values_list("at", flat=True)]


@pytest.mark.usefixtures("fleet")
def test_without_a_moment_the_fleet_is_judged_live_and_again_it_is_unchanged() -> None:
    first, second = evaluate(), evaluate()

    said = f"2026-07-01 00:00 live, default v1: {len(SLUGS)} services"
    assert (first.status, second.status) == (0, 0)
    assert first.lines == [f"{said}, {len(SLUGS)} scorecards written, 0 unchanged, 0 failed"]
    assert second.lines == [f"{said}, 0 scorecards written, {len(SLUGS)} unchanged, 0 failed"]
    assert CurrentScore.objects.count() == len(SLUGS)


@pytest.mark.usefixtures("fleet")
def test_a_past_moment_is_a_replay_that_leaves_current_scores_alone() -> None:
    shown = evaluate("--at=2026-06-01T00:00:00+02:00", "--service=pay")

    assert shown.lines[0].startswith("2026-05-31 22:00 replay, default v1: 1 service, 1 scorecard written")
    assert Scorecard.objects.get().kind == "replay"
    assert not CurrentScore.objects.exists()


@pytest.mark.usefixtures("fleet")
def test_a_moment_is_judged_alike_whichever_offset_it_was_written_with() -> None:
    """Some days are counted by the calendar: those of UTC."""
    evaluate("--at=2026-06-01T00:00:00Z")
    again = evaluate("--at=2026-05-31T20:00:00-04:00")

    (line,) = again.lines
    assert line.startswith(f"2026-06-01 00:00 replay, default v1: {len(SLUGS)} services,")
    assert line.endswith(f"0 scorecards written, {len(SLUGS)} unchanged, 0 failed")


@pytest.mark.usefixtures("fleet")
def test_many_moments_are_replayed_from_the_first_to_the_last() -> None:
    shown = evaluate(
        "--from=2026-06-01T00:00:00Z", "--to=2026-06-20T00:00:00Z", "--every=7d", "--service=pay"
    )
    assert moments() == ["06-01", "06-08", "06-15"]
    assert len(shown.lines) == 3


@pytest.mark.usefixtures("fleet")
def test_without_a_last_moment_a_replay_ends_now() -> None:
    evaluate("--from=2026-06-17T00:00:00Z", "--every=1w", "--service=pay")
    assert moments() == ["06-17", "06-24", "07-01"]


@pytest.mark.usefixtures("fleet")
def test_services_are_named_by_slug_or_alias_and_judged_once() -> None:
    Service.objects.get(slug="pay").aliases.create(name="pay-as-it-was")

    evaluate("--service=pay-as-it-was", "--service=pay", "--service=model")

    assert sorted(Scorecard.objects.values_list("service__slug", flat=True)) == ["model", "pay"]


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("again", [False, True])
def test_json_is_a_scorecard_a_line_whether_written_or_unchanged(again: bool) -> None:
    if again:
        evaluate()
    documents = evaluate("--format=json").documents
    assert [document["service"] for document in documents] == SLUGS
    scores = {document["service"]: document["score"] for document in documents}
    assert scores == {slug: wanted["score"] for slug, wanted in expected()["services"].items()}


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--service=pay", "--service=nobody"], "no service or alias is called nobody"),
        (["--to=2026-06-01T00:00:00Z"], "--to and --every go with --from"),
        (["--every=7d"], "--to and --every go with --from"),
        (["--from=2026-06-01T00:00:00Z"], "--from goes with --every"),
        (["--from=2026-06-01T00:00:00Z", "--every=7d", "--at=2026-06-01T00:00:00Z"], "not with --at"),
        (["--from=2026-06-02T00:00:00Z", "--every=7d", "--to=2026-06-01T00:00:00Z"], "--to is before --from"),
        (["--at=2026-06-01"], "has no offset"),
        (["--at=2026-06-01T00:00:00"], "has no offset"),
        (["--at=2026-07-02T00:00:00Z"], "is in the future; now is 2026-07-01"),
        (["--at=yesterday"], "is no ISO-8601 moment"),
        (["--from=2026-06-01T00:00:00Z", "--every=0d"], "is no span"),
        (["--from=2026-06-01T00:00:00Z", "--every=month"], "is no span"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_judged(options: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        evaluate(*options)
    assert not Evaluation.objects.exists()


def test_what_could_not_run_exits_with_3(tmp_path: Path, migrated_database: OwnDatabase) -> None:
    no_tables = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    assert shell("evaluate", database=no_tables).returncode == 3
    database = migrated_database.address  # nothing is written: it is refused

    refused = {
        "unknown service": shell("evaluate", "--service=nobody", database=database),
        "--to without --from": shell("evaluate", "--to=2026-06-01T00:00:00Z", database=database),
        "naive": shell("evaluate", "--at=2026-06-01T00:00:00", database=database),
        "future": shell("evaluate", "--at=2999-06-01T00:00:00Z", database=database),
        "database down": shell("evaluate", database="postgres://nobody@127.0.0.1:1/none"),
    }

    assert {name: each.returncode for name, each in refused.items()} == dict.fromkeys(refused, 3)
    assert not any("Traceback" in each.stderr or each.stdout for each in refused.values())

"""`policy simulate` and `policy backtest`: tables or JSON, nothing stored, and 3 when they could not run."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from readiness import clock
from readiness.management.commands.policy import Command
from readiness.models import Evaluation, Scorecard, Service
from tests.candidates import easier_telemetry, other_weights, stored, text_with
from tests.command_line import Answer, answer, shell
from tests.judging import DEFAULT

AT = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def fleet(worked_fleet_once: None, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worked fleet; the clock stands where its data ends."""
    monkeypatch.setattr(clock, "now", lambda: AT)


@pytest.fixture
def easier(tmp_path: Path) -> str:
    """A file in which a handoff asks for less telemetry."""
    return file(tmp_path, text_with(easier_telemetry))


def file(folder: Path, text: str) -> str:
    """A policy file."""
    path = folder / "candidate.yaml"
    path.write_text(text)
    return str(path)


def policy(*options: str) -> Answer:
    """What the command ends with and says."""
    return answer(Command(), *options)


@pytest.mark.usefixtures("fleet")
def test_it_prints_who_would_change_from_what_to_what_and_why(easier: str) -> None:
    shown = policy("simulate", easier)

    assert shown.status == 0
    for said in (
        "candidate.yaml instead of default v1",
        "As of 2026-07-01 00:00, of 30 services so many would change: 1 the verdict.",
        "│ parts │ handoff: not ready → ready │ Telemetry coverage: threshold 80 becomes 60 │",
        "│ Telemetry coverage: threshold 80 becomes 60 │ 1 │ 0 │",
    ):
        assert said in shown.flat
    assert [model.objects.count() for model in (Scorecard, Evaluation)] == [0, 0]


@pytest.mark.usefixtures("fleet")
def test_when_nothing_changes_it_says_so_and_ends_with_0_too(tmp_path: Path) -> None:
    shown = policy("simulate", file(tmp_path, DEFAULT))
    assert (shown.status, shown.lines[-1]) == (0, "The two policies say the same: nothing can change.")


@pytest.mark.usefixtures("fleet")
def test_over_moments_it_tells_each_and_when_verdicts_changed_first(easier: str) -> None:
    shown = policy(
        "simulate", easier, "--from=2026-06-01T00:00:00Z", "--to=2026-06-20T00:00:00Z", "--every=7d"
    )
    for said in ("So many change", "│ 2026-06-08 00:00 │ 30 │ 1 │", "Verdicts that changed, and when first"):
        assert said in shown.flat
    assert "Over 3 moments from 2026-06-01 00:00 to 2026-06-15 00:00, 1 service would have had" in shown.flat


@pytest.mark.usefixtures("fleet")
def test_without_a_last_moment_it_ends_now(easier: str) -> None:
    found = document(policy("simulate", easier, "--from=2026-06-17T00:00:00Z", "--every=1w", "--format=json"))
    assert [each["at"][:10] for each in found["moments"]] == ["2026-06-17", "2026-06-24", "2026-07-01"]


def document(shown: Answer) -> dict[str, Any]:
    """The one JSON document that was written."""
    found: dict[str, Any] = json.loads(shown.out)
    return found


@pytest.mark.usefixtures("fleet")
def test_json_has_it_all_and_services_can_be_named(easier: str) -> None:
    Service.objects.get(slug="parts").aliases.create(name="parts-as-it-was")
    found = document(
        policy("simulate", easier, "--service=parts-as-it-was", "--service=pay", "--format=json")
    )

    assert (found["candidate"], found["baseline"]) == (easier, "default v1")
    assert found["changes"] == ["Telemetry coverage: threshold 80 becomes 60"]
    assert found["moments"][0]["services"] == 2
    (row,) = found["last"]["rows"]
    assert (row["service"], row["because"]["how"]) == ("parts", "alone")


@pytest.mark.usefixtures("fleet")
def test_a_stored_draft_can_be_simulated_by_its_name() -> None:
    stored(text_with(other_weights))
    found = document(policy("simulate", "default:2", "--format=json"))

    assert found["candidate"] == "default v2"
    assert {row["because"]["how"] for row in found["last"]["rows"]} >= {"together"}


@pytest.mark.usefixtures("fleet")
def test_a_backtest_says_it_in_words_and_tables() -> None:
    shown = policy("backtest", "--horizon=90d")

    assert shown.status == 0
    assert "default v1: judged as of 14 moments from 2025-04-03 to 2026-04-02" in shown.flat
    for said in (
        "each beside the 90 days after it.",
        "Incidents of severity 1 to 3 per 30 observed days after a judgement: services judged",
        "What came after a verdict",
        "│ handoff: not ready │ defects opened",
        "Scores and what came after",
    ):
        assert said in shown.flat
    assert [model.objects.count() for model in (Scorecard, Evaluation)] == [0, 0]


@pytest.mark.usefixtures("fleet")
def test_a_backtest_as_json_of_a_file_and_moments(easier: str) -> None:
    options = ("--from=2026-01-01T00:00:00Z", "--to=2026-02-01T00:00:00Z", "--every=2w", "--format=json")
    found = document(policy("backtest", easier, "--horizon=30d", *options))

    assert (found["policy"], found["horizon_days"]) == (easier, 30)
    assert [each[:10] for each in found["moments"]] == ["2026-01-01", "2026-01-15", "2026-01-29"]
    assert {each["score"] for each in found["relations"]} >= {"overall", "defects"}


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["simulate", "default:9"], "no policy default:9 is stored"),
        (["simulate", "default:1", "--service=nobody"], "no service or alias is called nobody"),
        (["simulate", "default:1", "--every=7d"], "--to and --every go with --from"),
        (["simulate", "default:1", "--from=2026-06-01T00:00:00Z"], "--from goes with --every"),
        (
            [
                "simulate",
                "default:1",
                "--from=2026-06-02T00:00:00Z",
                "--to=2026-06-01T00:00:00Z",
                "--every=1d",
            ],
            "--to is before --from",
        ),
        (["simulate", "default:1", "--from=2026-07-02T00:00:00Z", "--every=7d"], "is in the future"),
        (["simulate", "default:1", "--from=0001-01-01T00:00:00Z", "--every=9999w"], "before 1000"),
        (["backtest", "--horizon=99999w"], "before 1000"),
        (["backtest"], "required: --horizon"),
        (["backtest", "--horizon=soon"], "is no span"),
        (["backtest", "--horizon=90d", "--from=2026-05-01T00:00:00Z"], "the horizon of 2026-05-01 has not"),
        (
            ["backtest", "--horizon=9d", "--from=2026-03-01T00:00:00Z", "--to=2026-02-01T00:00:00Z"],
            "the last moment is before the first",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(options: list[str], said: str) -> None:
    stored(text_with(easier_telemetry))
    with pytest.raises(CommandError, match=said):
        policy(*options)


def test_what_could_not_run_exits_with_3(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'fleet.sqlite3'}"
    wrong = file(tmp_path, "name: [")
    refused = [
        shell("policy", "simulate", wrong, database=database),
        shell("policy", "simulate", str(tmp_path / "none.yaml"), database=database),
        shell("policy", "backtest", "--horizon=90d", database=database),  # no tables
    ]

    assert [each.returncode for each in refused] == [3, 3, 3]
    assert not any("Traceback" in each.stderr or each.stdout for each in refused)

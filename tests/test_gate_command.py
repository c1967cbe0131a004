"""`gate`: each exit status through a shell, and that no outage and no mistake reads as an answer."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connections

from readiness import clock
from readiness.management.commands.evaluate import Command as Evaluate
from readiness.management.commands.gate import Command
from tests.command_line import answer, shell
from tests.own_database import OwnDatabase, own_name

AT = datetime(2026, 7, 1, tzinfo=UTC)
JUDGED = ("model", "quote", "ledger", "fresh", "raw", "steady", "away")
JUDGE = ("evaluate", *(f"--service={slug}" for slug in JUDGED))


# Through a shell -------------------------------------------------------------------------------------


class Fleet:
    """The worked fleet in a database; some of it is judged live at midnight."""

    def __init__(self, database: str) -> None:
        self.database = database
        done = self.run(*JUDGE, hours=0)
        assert done.returncode == 0, done.stderr

    def run(self, *command: str, hours: float = 3, **environment: str) -> "subprocess.CompletedProcess[str]":
        """A command, so many hours after midnight."""
        offset = round((AT + timedelta(hours=hours) - datetime.now(UTC)).total_seconds())
        told = {"CLOCK_OFFSET_SECONDS": str(offset), **environment}
        return shell(*command, database=self.database, **told)


@pytest.fixture(scope="module")
def shelled(worked_database: OwnDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Made once for all tests: nothing here changes it."""
    database = OwnDatabase(own_name("gate"), tmp_path_factory.mktemp("gate")).create(worked_database)
    yield Fleet(database.address)
    database.drop()


@pytest.mark.parametrize(
    ("status", "words", "arguments"),
    [
        (0, "model: READY for handoff to operations", ("model", "--for=handoff")),
        (1, "quote: NOT READY for a deployment", ("quote", "--for=deploy")),
        (2, "ledger: CANNOT TELL whether a deployment is safe", ("ledger", "--for=deploy")),
        (2, "what it said then: ready", ("model", "--for=handoff", "--max-age=90m")),
        (2, "there is no live scorecard", ("mail", "--for=deploy")),
        (3, "steady is ops-managed already", ("steady", "--for=handoff")),
        (3, "no service or alias is called modell; did you mean model", ("modell", "--for=deploy")),
        (3, "invalid choice: 'holiday'", ("model", "--for=holiday")),
    ],
)
def test_the_exit_status_is_the_answer_and_3_is_none(
    shelled: Fleet, status: int, words: str, arguments: tuple[str, ...]
) -> None:
    # a broker that is down does not matter
    ended = shelled.run("gate", *arguments, CELERY_BROKER_URL="redis://127.0.0.1:1/0")

    assert ended.returncode == status, ended.stderr
    said, silent = (ended.stdout, ended.stderr) if status < 3 else (ended.stderr, ended.stdout)
    assert words in " ".join(said.split())
    assert silent == ""


@pytest.mark.parametrize(
    "database",
    [
        "postgres://nobody@127.0.0.1:1/none",
        "sqlite:////nowhere/at/all.sqlite3",
        "sqlite:///{empty}",
        "oracle://x",
    ],
)
def test_a_database_that_is_down_is_no_answer(tmp_path: Path, database: str) -> None:
    ended = shell("gate", "model", "--for=deploy", database=database.format(empty=tmp_path / "empty.sqlite3"))

    assert (ended.returncode, ended.stdout) == (3, "")
    assert "Traceback" not in ended.stderr


def test_a_command_that_there_is_not_is_no_answer(tmp_path: Path) -> None:
    ended = shell("gaet", "model", database=f"sqlite:///{tmp_path / 'none.sqlite3'}")

    assert (ended.returncode, ended.stdout) == (3, "")
    assert "Unknown command: 'gaet'" in ended.stderr


def test_a_python_without_the_packages_is_no_answer() -> None:
    script = Path(__file__).parent.parent / "manage.py"
    ended = subprocess.run(
        [sys.executable, "-S", "-I", str(script), "gate", "model", "--for=deploy"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (3, "")
    assert "install requirements.lock first" in ended.stderr


# In this process -------------------------------------------------------------------------------------

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask(
    worked_fleet_once: None, db: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ask:
    """Asks as a shell would, so many hours after the judgement; status, output, errors."""
    monkeypatch.setattr(clock, "now", lambda: AT)
    answer(Evaluate(), *JUDGE[1:])
    answer(Evaluate(), "--at=2026-06-30T00:00:00Z", "--service=orders")
    # what a process does at its end would end the test's own transaction
    monkeypatch.setattr(connections, "close_all", lambda: None)

    def asked(*arguments: str, hours: float = 3) -> tuple[int, str, str]:
        monkeypatch.setattr(clock, "now", lambda: AT + timedelta(hours=hours))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            Command().run_from_argv(["manage.py", "gate", *arguments])
        written = capsys.readouterr()
        return int(ended.value.code or 0), written.out, " ".join(written.err.split())

    return asked


def test_the_three_questions_have_three_answers_each_with_reasons_and_age(ask: Ask) -> None:
    told = {
        (slug, question): ask(slug, f"--for={question}")[:2]
        for slug, question in [
            ("model", "handoff"),
            ("quote", "handoff"),
            ("ledger", "handoff"),
            ("fresh", "launch"),
            ("raw", "launch"),
            ("steady", "deploy"),
            ("quote", "deploy"),
            ("ledger", "deploy"),
        ]
    }

    assert [status for status, _ in told.values()] == [0, 1, 2, 0, 1, 0, 1, 2]
    assert "  - the failed change tests:dep-125 is not mended" in told["quote", "deploy"][1].splitlines()
    for _, said in told.values():
        assert "As of 2026-07-01 00:00 UTC, 3 hours old (at most 2 days), under policy default v1" in said


def test_the_gate_does_not_block_the_cure(ask: Ask) -> None:
    assert ask("quote", "--for=deploy")[0] == 1
    assert ask("quote", "--for=deploy", "--remediates=tests:dep-125")[0] == 0
    status, said, _ = ask("quote", "--for=deploy", "--remediates=dep-9")
    assert status == 1
    assert "nothing that stood against it is called dep-9" in said


def test_a_scorecard_that_is_too_old_cannot_tell_whatever_it_says(ask: Ask) -> None:
    assert ask("model", "--for=handoff", hours=48)[0] == 0
    assert ask("model", "--for=handoff", hours=48.1)[0] == 2
    assert ask("quote", "--for=handoff", hours=48.1)[0] == 2
    assert ask("model", "--for=handoff", "--max-age=3d", hours=48.1)[0] == 0
    assert ask("model", "--for=handoff", "--max-age=3d", hours=72.1)[0] == 2


def test_a_replay_is_no_answer(ask: Ask) -> None:
    status, said, _ = ask("orders", "--for=deploy", "--max-age=9d")

    assert status == 2
    assert "there is no live scorecard" in said


MISTAKES = [
    ("fresh is not launched", ("fresh", "--for=handoff")),
    ("model is live: its launch lies behind it", ("model", "--for=launch")),
    ("away is retired", ("away", "--for=deploy")),
    ("only a deployment can remediate", ("model", "--for=handoff", "--remediates=dep-125")),
    ("what the deployment is to cure has no name", ("model", "--for=deploy", "--remediates=")),
    ("the following arguments are required: --for", ("model",)),
    ("the following arguments are required: SLUG", ("--for=deploy",)),
    ("'soon' is no span such as 90m, 48h or 7d", ("model", "--for=deploy", "--max-age=soon")),
    ("'0h' is no span", ("model", "--for=deploy", "--max-age=0h")),
    ("unrecognized arguments: --whatever", ("model", "--for=deploy", "--whatever")),
]


def test_what_cannot_be_asked_is_no_answer(ask: Ask) -> None:
    for words, arguments in MISTAKES:
        status, said, complaint = ask(*arguments)

        assert (status, said) == (3, ""), arguments
        assert words in complaint


def test_json_says_the_same_to_machines(ask: Ask) -> None:
    status, said, _ = ask("quote", "--for=deploy", "--format=json", "--max-age=1d")

    document = json.loads(said)
    assert status == document["exit_code"] == 1
    assert (document["service"], document["for"], document["answer"]) == ("quote", "deploy", "not_ready")
    assert document["reasons"] == ["the failed change tests:dep-125 is not mended"]
    assert document["policy"] == {"name": "default", "version": 1}
    assert (document["age_seconds"], document["max_age_seconds"], document["stale"]) == (10800, 86400, False)

"""The demo: what stands in its way is said in one line; what it started ends with it."""

from __future__ import annotations

import gzip
import json
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config import bootstrap, demo

TREE = (
    "import subprocess, sys, time;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "print(child.pid, flush=True); time.sleep(60)"
)
DEAF = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('deaf', flush=True); time.sleep(60)"
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the demo's own, so that the one of this laptop stays as it is."""
    (tmp_path / ".env").write_text("DEBUG=true\nSECRET_KEY=mine\n")
    monkeypatch.setattr(demo, "ROOT", tmp_path)
    monkeypatch.setattr(demo, "ENV_FILE", tmp_path / ".env")
    monkeypatch.setattr(demo, "VAR", tmp_path / "var")
    monkeypatch.setattr(demo, "BROKER", tmp_path / "var/broker")
    monkeypatch.setattr(demo, "STATE", tmp_path / "var/demo.json")
    monkeypatch.setattr(demo, "LOCK", tmp_path / "var/demo.lock")
    monkeypatch.setattr(demo, "LOGS", tmp_path / "var/log")
    return tmp_path


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # ended, and only waiting to be collected


def ends(pid: int) -> bool:
    """Whether a process ends: a signal that was sent takes its moment to be delivered."""
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def first_words(log: Path) -> str:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not log.read_text().endswith("\n"):
        time.sleep(0.02)
    return log.read_text().strip()


def test_what_was_started_ends_with_its_children(home: Path) -> None:
    processes = demo.Processes()
    parent = processes.start("parent", ["-c", TREE], log=home / "log")
    child = int(first_words(home / "log"))
    assert alive(child)
    processes.stop()
    assert parent.poll() == -signal.SIGTERM
    assert ends(child)


def test_what_does_not_listen_is_ended_all_the_same(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "PATIENCE", 0.2)
    processes = demo.Processes()
    process = processes.start("deaf", ["-c", DEAF], log=home / "log")
    first_words(home / "log")
    processes.stop()
    assert process.poll() == -signal.SIGKILL


def test_a_process_that_ends_by_itself_is_named(home: Path) -> None:
    processes = demo.Processes()
    processes.start("web", ["-c", "import time; time.sleep(60)"], log=home / "web")
    processes.start("worker", ["-c", "pass"], log=home / "worker").wait()
    assert processes.ended() == "worker"
    processes.stop()


def test_a_port_that_is_taken_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("PORT", str(other.getsockname()[1]))
        with pytest.raises(SystemExit) as left:
            demo._port()
    said = capsys.readouterr().err
    assert left.value.code == 1
    assert said.count("\n") == 1
    assert "choose another" in said


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_a_port_that_is_none_is_refused(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(SystemExit):
        demo._port()


def test_the_clock_stands_where_the_feeds_end(tmp_path: Path) -> None:
    lines = [
        {"last_seen_at": "2026-05-01T00:00:00Z"},
        {"last_seen_at": "2026-05-03T02:00:00+02:00"},
        {"last_seen_at": "2026-05-09T00:00:00"},
        {"since": "2026-05-01T00:00:00Z"},
    ]
    with gzip.open(tmp_path / "feeds.jsonl.gz", "wt") as feeds:
        feeds.write("\n".join(map(json.dumps, lines)) + "\nno json\n[]\n")
    assert demo._end_of_data([tmp_path]) == datetime(2026, 5, 3, tzinfo=UTC)


def test_the_welcome_says_which_of_the_samples_are_real_and_which_is_made_up(tmp_path: Path) -> None:
    assert {folder.name for folder in demo.SAMPLES if folder.is_dir()} == {"govuk", "jenkins-infra", "story"}
    assert "govuk and jenkins-infra are real" in demo._shown(demo.SAMPLES)
    assert "story is made up" in demo._shown(demo.SAMPLES)
    assert demo._shown([tmp_path / "mine", tmp_path / "yours"]) == "mine, yours"


def test_without_feeds_or_with_feeds_of_the_future_the_clock_is_the_real_one(tmp_path: Path) -> None:
    assert abs((demo._end_of_data([tmp_path]) - datetime.now(UTC)).total_seconds()) < 5
    (tmp_path / "feeds.jsonl").write_text('{"last_seen_at": "2199-01-01T00:00:00Z"}\n')
    assert abs((demo._end_of_data([tmp_path]) - datetime.now(UTC)).total_seconds()) < 5


def test_the_offset_is_kept_beside_the_other_lines_of_env(home: Path) -> None:
    demo._write_offset(-60)
    demo._write_offset(-90)
    assert demo._offset() == "-90"
    demo._write_offset(None)
    assert (home / ".env").read_text() == "DEBUG=true\nSECRET_KEY=mine\n"


def test_reset_forgets_the_database_the_messages_and_the_clock(home: Path) -> None:
    made = [
        home / "db.sqlite3",
        home / "db.sqlite3-wal",
        home / "var/broker/messages/m",
        home / "var/demo.json",
    ]
    for path in made:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    demo._write_offset(-60)
    demo.reset()
    assert not any(path.exists() for path in made)
    assert demo._offset() is None


def test_another_fleet_is_refused_while_the_demo_holds_one(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demo.VAR.mkdir()
    demo.STATE.write_text(json.dumps({"folders": ["/fleets/one"]}))
    with pytest.raises(SystemExit):
        demo._refuse_other_folders([Path("/fleets/two")])
    assert "demo-reset" in capsys.readouterr().err
    demo._refuse_other_folders([Path("/fleets/one")])


def test_two_demos_do_not_run_in_one_folder(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with demo._alone(), pytest.raises(SystemExit), demo._alone():
        pass
    assert "runs already" in capsys.readouterr().err


def bootstrapped(folder: Path, *python: str) -> subprocess.CompletedProcess[str]:
    """Runs the first step of `make run` on a copy that has nothing but what that step reads."""
    (folder / "config").mkdir()
    (folder / "config/bootstrap.py").write_bytes(Path(bootstrap.__file__).read_bytes())
    (folder / "requirements.lock").write_text("")
    command = [sys.executable, *python, str(folder / "config/bootstrap.py"), "requirements.lock"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_python_without_ensurepip_is_said_in_one_line(tmp_path: Path) -> None:
    code = (
        "import importlib.util as u, runpy, sys; find = u.find_spec;"
        "u.find_spec = lambda name, *rest: None if name == 'ensurepip' else find(name, *rest);"
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    refused = bootstrapped(tmp_path, "-c", code)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "ensurepip" in refused.stderr


def test_a_folder_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / ".venv").write_text("a file, where even root can make no folder")
    refused = bootstrapped(tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert refused.stderr.startswith("Cannot write into")

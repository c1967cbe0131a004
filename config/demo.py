"""Shows the product on a laptop: sample fleets, a clock that stands at their end, web and one worker.

Run inside `.venv`: `python -m config.demo run` or `… reset`. It keeps to its own SQLite file and its own
broker, whatever the environment says, so that it never writes into a database that somebody works with.
"""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from urllib.error import URLError
from urllib.request import urlopen

from config.bootstrap import ENV_FILE, ROOT, fail

VAR = ROOT / "var"
DATABASE = ROOT / "db.sqlite3"
BROKER = VAR / "broker"
STATE = VAR / "demo.json"  # exists once the demo is prepared; says which folders it shows
LOCK = VAR / "demo.lock"
LOGS = VAR / "log"

SAMPLES = tuple(ROOT / "fixtures" / name for name in ("govuk", "jenkins-infra", "story"))
SAMPLES_END = datetime(2026, 6, 17, 9, tzinfo=UTC)  # the last moment at which all their feeds are still heard
HISTORY = timedelta(days=364)
STEP = "7d"

LOG_IN = "sre-lead"
PASSWORD = "demo"  # noqa: S105 - a log-in of the demo, which listens on this machine alone
OFFSET = "CLOCK_OFFSET_SECONDS"
IN_PART = 1  # what import_fleet and evaluate end with when a line or a service was bad and the rest went on
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 10.0  # seconds that a process gets to end by itself


@dataclass(slots=True)
class Processes:
    """Everything that the demo started, each a group of its own, so that its children end with it."""

    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(
        self, name: str, command: Sequence[str], *, log: Path, loud: bool = False
    ) -> subprocess.Popen[bytes]:
        """Starts a Python module or script in `.venv`; its words go to `log`, if loud all but complaints."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as words:
            self.running[name] = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env={**os.environ, **_environment()},
                start_new_session=True,
                stdout=words,
                stderr=None if loud else words,
            )
        return self.running[name]

    def run(self, *command: str) -> int:
        """A command of manage.py from start to end; its exit status. Bars and complaints are shown."""
        status = self.start("step", ["manage.py", *command], log=LOGS / "prepare.log", loud=True).wait()
        del self.running["step"]
        return status

    def ended(self) -> str | None:
        """The name of a process that ended by itself, if one did."""
        return next((name for name, process in self.running.items() if process.poll() is not None), None)

    def stop(self) -> None:
        """Asks all to end, and makes those that do not. The last to start is asked first."""
        for process in reversed(self.running.values()):
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        for process in self.running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()
            _signal(process, signal.SIGKILL)  # children that outlived their parent
        self.running.clear()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def _environment() -> dict[str, str]:
    return {
        "DEBUG": "true",
        "DATABASE_URL": f"sqlite:///{DATABASE}",
        "CELERY_BROKER_URL": "filesystem://",
        "BROKER_DIR": str(BROKER),
        OFFSET: _offset() or "0",
        "PYTHONUNBUFFERED": "1",
    }


# The clock -------------------------------------------------------------------------------------------


def _offset() -> str | None:
    """The offset as `.env` keeps it, where every later `manage.py` finds it too."""
    found = re.search(rf"^{OFFSET}=(\S+)$", ENV_FILE.read_text(), re.MULTILINE)
    return found[1] if found else None


def _write_offset(seconds: int | None) -> None:
    """Puts the offset into `.env`, or takes it out, and leaves every other line as it is."""
    kept = [line for line in ENV_FILE.read_text().splitlines() if not line.startswith(f"{OFFSET}=")]
    added = [] if seconds is None else [f"{OFFSET}={seconds}"]
    ENV_FILE.write_text("\n".join([*kept, *added]) + "\n")


def _end_of_data(folders: Sequence[Path]) -> datetime:
    """The moment at which the clock is to stand: the end of the feeds, not after the real now."""
    now = datetime.now(UTC)
    if tuple(folders) == SAMPLES:
        return SAMPLES_END
    heard = [moment for folder in folders for moment in _last_heard(folder)]
    return min(max(heard, default=now), now)


def _last_heard(folder: Path) -> Iterator[datetime]:
    """`last_seen_at` of every readable feed of a folder; what cannot be read is for the import to report."""
    for path in sorted(folder.glob("feeds.jsonl*")):
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                try:
                    moment = datetime.fromisoformat(json.loads(line)["last_seen_at"])
                except (ValueError, TypeError, KeyError):
                    continue
                if moment.tzinfo is not None:
                    yield moment


# Getting ready ---------------------------------------------------------------------------------------


def _prepare(processes: Processes, folders: Sequence[Path]) -> None:
    """Migrates, imports, replays, judges. Steps may be repeated, so a start that was stopped carries on."""
    if _offset() is None:
        _write_offset(round((_end_of_data(folders) - datetime.now(UTC)).total_seconds()))
    end = datetime.now(UTC) + timedelta(seconds=int(_offset() or 0))
    _step(processes, "Making the database", ["migrate", "--verbosity", "0"])
    steps = [(f"Importing {folder.name}", ["import_fleet", str(folder)]) for folder in folders]
    steps += [
        (f"Making the log-in {LOG_IN}, and others", ["demo_login", LOG_IN, PASSWORD, "--others"]),
        ("Replaying a year, week by week", ["evaluate", *_history(folders, end)]),
        ("Judging every service now", ["evaluate"]),
    ]
    for title, command in steps:
        # The samples are good; somebody's own fleet may have a bad line, and is shown all the same.
        _step(processes, title, command, in_part=tuple(folders) != SAMPLES)
    STATE.write_text(json.dumps({"folders": [str(folder) for folder in folders]}))


def _history(folders: Sequence[Path], end: datetime) -> list[str]:
    until = SAMPLES_END if tuple(folders) == SAMPLES else end.replace(minute=0, second=0, microsecond=0)
    moments = ((until - HISTORY).isoformat(), until.isoformat())
    return ["--from", moments[0], "--to", moments[1], "--every", STEP]


def _step(processes: Processes, title: str, command: Sequence[str], *, in_part: bool = False) -> None:
    print(f"• {title}", flush=True)
    status = processes.run(*command)
    if status == IN_PART and in_part:
        print("  Not all of it was good, see above; the rest went on.", flush=True)
    elif status != 0:
        fail(f"{title} failed, see above: manage.py {' '.join(command)} ended with status {status}")


# Running ---------------------------------------------------------------------------------------------


def run(port: int, folders: Sequence[Path]) -> None:
    """Prepares the demo the first time, then serves it until a signal comes or one of its processes ends."""
    processes = Processes()
    shutil.rmtree(LOGS, ignore_errors=True)
    for number in STOP_SIGNALS:
        signal.signal(number, _leave)
    try:
        if STATE.exists():
            _refuse_other_folders(folders)
            _step(processes, "Bringing the database up to date", ["migrate", "--verbosity", "0"])
        else:
            _prepare(processes, folders)
        _serve(processes, port, folders)
    finally:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave half of them behind
        processes.stop()


def reset() -> None:
    """Forgets the database, the messages and the clock. `.venv` and the rest of `.env` stay."""
    for path in (*ROOT.glob("db.sqlite3*"), *VAR.glob("beat-schedule*"), STATE):
        path.unlink(missing_ok=True)
    shutil.rmtree(BROKER, ignore_errors=True)
    _write_offset(None)
    print("The demo is forgotten; make run makes it anew.")


def _leave(number: int, frame: FrameType | None) -> None:
    print("\nStopped; the next make run carries on.", flush=True)
    raise SystemExit(128 + number)


def _leave_content(number: int, frame: FrameType | None) -> None:
    """Being stopped is how a demo that runs ends well."""
    print("\nStopping web and worker.", flush=True)
    raise SystemExit(0)


def _serve(processes: Processes, port: int, folders: Sequence[Path]) -> None:
    web = ["-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}", "--threads", "8"]
    worker = ["-m", "celery", "-A", "config", "worker", "-B", "--pool", "solo", "--loglevel", "INFO"]
    worker += [
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    ]  # nobody else is there to talk to
    web += ["--graceful-timeout", "5", "--no-control-socket"]  # the socket would lie in the home folder
    processes.start("web", web, log=LOGS / "web.log")
    processes.start("worker", worker, log=LOGS / "worker.log")
    _wait_for_web(processes, port)
    _welcome(port, folders)
    for number in STOP_SIGNALS:
        signal.signal(number, _leave_content)
    while (name := processes.ended()) is None:
        time.sleep(0.5)
    fail(f"The {name} ended by itself: {LOGS / name}.log says why")


def _wait_for_web(processes: Processes, port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and processes.ended() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                return
        except (URLError, TimeoutError):
            time.sleep(0.2)
    fail(f"The web did not answer: {LOGS / 'web.log'} says why")


def _welcome(port: int, folders: Sequence[Path]) -> None:
    clock = datetime.now(UTC) + timedelta(seconds=int(_offset() or 0))
    here = f"http://127.0.0.1:{port}"
    print(
        f"""
  Handoff is at   {here}/
  log in as       {LOG_IN} / {PASSWORD}, or as second-lead, ops-engineer, developer, viewer
  REST to try     {here}/api/v1/docs/
  the clock says  {clock:%Y-%m-%d %H:%M} UTC; it was set to where the data ends, make demo-reset does so again
  shown           {_shown(folders)}
  one service     .venv/bin/python manage.py scorecard SLUG
  logs            {LOGS.relative_to(ROOT)}/

  Ctrl-C stops web and worker. What they know stays for the next make run.
""",
        flush=True,
    )


def _shown(folders: Sequence[Path]) -> str:
    """The fleets by name; of the samples, what is real and what is not."""
    if tuple(folders) == SAMPLES:
        return "govuk and jenkins-infra are real fleets; story is made up, and says so wherever it is shown"
    return ", ".join(folder.name for folder in folders)


# Before anything starts ------------------------------------------------------------------------------


def _port() -> int:
    """PORT, when something may listen there."""
    raw = os.environ.get("PORT") or "8000"
    if not raw.isdecimal() or not 0 < int(raw) < 65536:
        fail(f"PORT: expected a number from 1 to 65535, got {raw!r}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(raw)))
        except OSError as reason:
            fail(f"Port {raw} cannot be used ({reason.strerror}): choose another, as in PORT=8001 make run")
    return int(raw)


def _folders() -> list[Path]:
    """FLEET, or what the demo holds already, or the samples."""
    chosen = os.environ.get("FLEET")
    if chosen:
        folder = Path(chosen).expanduser().resolve()
        if not folder.is_dir():
            fail(f"FLEET: expected a folder, got {chosen!r}")
        return [folder]
    return _held() or list(SAMPLES)


def _held() -> list[Path]:
    return [Path(folder) for folder in json.loads(STATE.read_text())["folders"]] if STATE.exists() else []


def _refuse_other_folders(folders: Sequence[Path]) -> None:
    """Two fleets with clocks of their own do not share one; to mix them by accident would be worse."""
    if list(folders) != _held():
        names = ", ".join(folder.name for folder in _held())
        fail(f"The demo holds {names} already: make demo-reset first, then FLEET={folders[0]} make run")


@contextmanager
def _alone() -> Iterator[None]:
    """Holds the demo's lock, which the system gives back however this process ends."""
    VAR.mkdir(exist_ok=True)
    with LOCK.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail("The demo runs already in this folder: stop it first, with Ctrl-C where it was started")
        yield


def main(verb: str) -> None:
    """`run` or `reset`; one line and a status that is not 0 when something stands in the way."""
    try:
        with _alone():
            if verb == "reset":
                reset()
            else:
                run(_port(), _folders())
    except OSError as reason:
        fail(f"Cannot use {reason.filename or ROOT}: {reason.strerror or reason}")


if __name__ == "__main__":
    main(sys.argv[1])

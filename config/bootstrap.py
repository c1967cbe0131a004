"""Makes `.venv` from a lock file and a first `.env`, with nothing but the standard library.

Run as a script, by any Python from 3.11: `python3 config/bootstrap.py requirements.lock`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import secrets
import subprocess
import sys
import venv
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
ENV_FILE = ROOT / ".env"
# The second holds all of the first, at the same versions.
LOCKS = ("requirements.lock", "requirements-dev.lock")
BAR_WIDTH = 30
PIP_SAYS_NEXT = ("Collecting", "Requirement already", "Ignoring")


def fail(message: str, status: int = 1) -> NoReturn:
    """One clear line on standard error, and out."""
    print(message, file=sys.stderr)
    raise SystemExit(status)


def build(lock: str) -> None:
    """An environment that holds what `lock` lists; at once when it does already."""
    wanted = LOCKS[LOCKS.index(lock) :]
    if any(_stamp(name).exists() and _stamp(name).read_text() == _digest(name) for name in wanted):
        return
    if not _has_pip():
        _create()
    _install(lock)
    _stamp(lock).write_text(_digest(lock))


def write_env() -> None:
    """A laptop's `.env`: pages that explain errors, and a key of its own. Left alone when there is one."""
    if not ENV_FILE.exists():
        ENV_FILE.write_text(
            "# Settings of this laptop; README.md lists all. What a process is started with wins.\n"
            f"DEBUG=true\nSECRET_KEY={secrets.token_urlsafe(48)}\n"
        )


def _stamp(lock: str) -> Path:
    return VENV / f"{lock}.installed"


def _digest(lock: str) -> str:
    return hashlib.sha256((ROOT / lock).read_bytes()).hexdigest()


def _has_pip() -> bool:
    """Whether `.venv` works: not after an interrupted start, nor when its Python went away or is too old."""
    ask = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    try:
        return (
            subprocess.run([VENV / "bin/python", "-c", ask], capture_output=True, check=False).returncode == 0
        )
    except OSError:
        return False


def _create() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        fail(
            f"This Python ({sys.executable}) has no ensurepip, so it cannot make an environment: "
            "install it (on Debian and Ubuntu: apt-get install python3-venv)"
        )
    print(f"Making .venv with Python {sys.version.split()[0]}", flush=True)
    venv.create(VENV, clear=True, with_pip=True)


def _install(lock: str) -> None:
    """Runs pip, shows a bar, and pip's own words only when it fails."""
    total = len(re.findall(r"^\S+==", (ROOT / lock).read_text(), re.MULTILINE))
    print(f"Installing the {total} packages of {lock}", flush=True)
    said: list[str] = []
    command = [str(VENV / "bin/python"), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    command += ["--require-hashes", "-r", str(ROOT / lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        for line in pip.stdout or ():
            said.append(line)
            _draw(sum(each.startswith(PIP_SAYS_NEXT) for each in said), total)
    if pip.returncode != 0:
        print("".join(said[-15:]), file=sys.stderr)
        fail(f"The packages of {lock} could not be installed: pip's last words are above", pip.returncode)
    _draw(total, total)


def _draw(done: int, total: int) -> None:
    """A bar where somebody looks; a log gets none of it."""
    if not sys.stderr.isatty():
        return
    filled = BAR_WIDTH * done // total
    end = "\n" if done == total else ""
    print(
        f"\r{'█' * filled}{'░' * (BAR_WIDTH - filled)} {done}/{total}", end=end, file=sys.stderr, flush=True
    )


def main(lock: str) -> None:
    """Environment and `.env`, or one line that says what stands in the way, and a status that is not 0."""
    try:
        build(lock)
        write_env()
    except OSError as reason:
        fail(f"Cannot write into {ROOT}: {reason.strerror or reason}")
    except subprocess.CalledProcessError as reason:
        said = (reason.output or b"").decode(errors="replace").strip()
        fail(f"The environment could not be made: {said or reason}")
    except KeyboardInterrupt:
        fail("\nStopped; the next call carries on", 130)


if __name__ == "__main__":
    main(sys.argv[1])

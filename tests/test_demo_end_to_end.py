"""`make run`'s processes, for real: prepared once, judged by the embedded worker, stopped without a trace."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

from config import bootstrap, demo

START = 120.0  # seconds for preparing a fleet of one service; a slow machine takes about 20
CATALOG = """\
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: builders}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: shop
  annotations: {handoff/launched-on: "2025-01-01"}
spec: {type: service, lifecycle: production, owner: builders}
"""
FEED = {
    "source": "tracker",
    "kind": "defect",
    "services": ["*"],
    "since": "2026-01-01T00:00:00Z",
    "last_seen_at": "2026-06-01T00:00:00Z",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the application, so that the demo of this laptop stays as it is, and a fleet to show."""
    home = tmp_path_factory.mktemp("demo")
    for name in ("config", "handoff", "readiness"):
        shutil.copytree(bootstrap.ROOT / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(bootstrap.ROOT / "manage.py", home)
    (home / ".env").write_text("DEBUG=true\n")
    (home / "fleet").mkdir()
    (home / "fleet/catalog-info.yaml").write_text(CATALOG)
    (home / "fleet/feeds.jsonl").write_text(json.dumps(FEED) + "\n")
    return home


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(home: Path) -> Iterator[str]:
    """Starts the demo, yields its address once it is up, and ends it as Ctrl-C does."""
    port = free_port()
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("CELERY", "DATABASE"))
    }
    environment |= {"PORT": str(port), "FLEET": str(home / "fleet"), "ENV_FILE": str(home / ".env")}
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
    with (home / "said").open("wb") as said:
        started = subprocess.Popen(
            [sys.executable, "-m", "config.demo", "run"], cwd=home, env=environment, stdout=said, stderr=said
        )
    try:
        wait_until(
            lambda: "Handoff is at" in (home / "said").read_text() or started.poll() is not None, START
        )
        assert started.poll() is None, (home / "said").read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        started.send_signal(signal.SIGINT)
        assert started.wait(30) == 0
        assert left_behind(home) == []


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.2)


def left_behind(home: Path) -> list[str]:
    """Command lines of processes that still work in the demo's folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve() == home:
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # ended meanwhile
    return found


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser's worth of cookies, and what it can ask with them."""

    address: str
    cookies: CookieJar = field(default_factory=CookieJar)

    def ask(self, path: str, data: bytes | None = None, **headers: str) -> str:
        opener = build_opener(HTTPCookieProcessor(self.cookies))
        answer: bytes = opener.open(Request(self.address + path, data, headers)).read()
        return answer.decode()

    def log_in(self) -> None:
        """Through the page that people use."""
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.ask("/admin/login/"))
        assert found
        fields = {"username": demo.LOG_IN, "password": demo.PASSWORD, "csrfmiddlewaretoken": found[1]}
        self.ask("/admin/login/?next=/healthz", urlencode(fields).encode())

    def get(self, path: str) -> Any:
        return json.loads(self.ask(path))

    def post(self, path: str) -> Any:
        token = next(str(cookie.value) for cookie in self.cookies if cookie.name == "csrftoken")
        return json.loads(self.ask(path, b"{}", **{"Content-Type": "application/json", "X-CSRFToken": token}))


def scorecards(browser: Browser) -> int:
    """How many there are, the replayed ones among them."""
    count, page = 0, "/api/v1/scorecards/"
    while page:
        answer = browser.get(page)
        count += len(answer["results"])
        page = (answer["next"] or "").removeprefix(browser.address)
    return count


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="looks for processes in /proc")
def test_the_demo_prepares_serves_judges_stops_and_starts_again(home: Path) -> None:
    with running(home) as address:
        browser = Browser(address)
        browser.log_in()
        assert [each["slug"] for each in browser.get("/api/v1/services/")["results"]] == ["shop"]
        prepared = scorecards(browser)
        assert prepared >= 53  # a year, week by week, and one as of now
        asked = browser.post("/api/v1/evaluations/")
        one = f"/api/v1/evaluations/{asked['id']}/"
        wait_until(
            lambda: bool(browser.get(one)["finished_at"]), 30
        )  # by the worker, through the broker of files
    with running(home) as address:
        assert "Importing" not in (home / "said").read_text()
        browser = Browser(address)
        browser.log_in()
        assert scorecards(browser) == prepared + 1

"""Settings come from the environment; a bad value stops the start, by name and what was expected."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
KEY = "0123456789" * 5


SHOW = "from django.conf import settings as s; print(s.CLOCK_OFFSET, s.DATABASES['default']['ENGINE'])"


def start(code: str = SHOW, **environment: str) -> subprocess.CompletedProcess[str]:
    """Loads the settings in a process of their own, with no `.env` and DEBUG off unless told."""
    inherited = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ENV_FILE": os.devnull,
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_good_environment_starts() -> None:
    started = start(SECRET_KEY=KEY, CLOCK_OFFSET_SECONDS="-60", DATABASE_URL="postgres://u:p@h:5432/d")
    assert started.stdout.strip() == "-1 day, 23:59:00 django.db.backends.postgresql"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DEBUG", "maybe", "true or false"),
        ("HTTPS_ONLY", "2", "true or false"),
        ("DATABASE_URL", "mysql://somewhere/x", "postgres://"),
        ("DATABASE_URL", "postgres://u:p@h:port/d", "postgres://"),
        ("CELERY_BROKER_URL", "carrier-pigeon", "redis://"),
        ("CLOCK_OFFSET_SECONDS", "yesterday", "whole"),
        ("CLOCK_OFFSET_SECONDS", "9" * 30, "whole"),
        ("NIGHTLY_EVALUATION", "61 * * * *", "crontab"),
        ("NIGHTLY_EVALUATION", "nightly", "crontab"),
        ("SCORECARD_STALE_AFTER_HOURS", "0", "whole number of hours"),
        ("EVALUATION_BATCH_SIZE", "many", "whole number of services"),
        ("PROXIES", "0", "whole number of proxies"),
        ("HSTS_SECONDS", "0", "whole number of seconds"),
        ("SECRET_KEY_FALLBACKS", f"{KEY},weak", "former values of SECRET_KEY"),
        ("METRICS_TOKEN", "short", "20 characters or more"),
        ("METRICS_TOKEN", "a token with blanks in it", "without blanks"),
    ],
)
def test_a_bad_value_is_named_with_what_was_expected(name: str, value: str, expected: str) -> None:
    refused = start(**{"SECRET_KEY": KEY, name: value})
    last = refused.stderr.strip().splitlines()[-1]
    assert refused.returncode != 0
    assert f"{name}: expected" in last
    assert expected in last


def test_a_secret_may_begin_with_a_dollar() -> None:
    token = "$HOME-is-no-variable-here"
    code = "from django.conf import settings as s; print(s.METRICS_TOKEN, s.SECRET_KEY_FALLBACKS)"
    former = f"${KEY}"
    started = start(code, SECRET_KEY=f"${KEY}", METRICS_TOKEN=token, SECRET_KEY_FALLBACKS=former)

    assert started.stdout.strip() == f"{token} ['{former}']", started.stderr


def test_a_password_in_a_bad_address_is_not_shown() -> None:
    refused = start(SECRET_KEY=KEY, DATABASE_URL="mysql://root:hunter2@host/x")
    assert "DATABASE_URL" in refused.stderr
    assert "hunter2" not in refused.stderr


def test_without_debug_a_secret_key_is_asked_for() -> None:
    assert "SECRET_KEY: expected" in start().stderr
    assert start(DEBUG="true").returncode == 0


@pytest.mark.parametrize("key", ["short", "x" * 50, "django-insecure-" + KEY])
def test_without_debug_a_weak_secret_key_is_refused_and_not_shown(key: str) -> None:
    refused = start(SECRET_KEY=key)

    assert "SECRET_KEY: expected a random text of 50 characters" in refused.stderr
    assert key not in refused.stderr
    assert start(SECRET_KEY=key, DEBUG="true").returncode == 0

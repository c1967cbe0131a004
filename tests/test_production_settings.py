"""The settings of a production pass Django's own checks, and pages tell browsers what they may run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.test import Client
from pytest_django.fixtures import Settings

from config import settings as configured
from tests.admin_pages import Visitor

ROOT = Path(__file__).resolve().parent.parent
PRODUCTION = {
    "SECRET_KEY": "f3K9vQ2xLr7TzB5nWc8YpD1hGs6JmA4eXu0RiOqE_wZ-yNtVa7Qd",
    "ALLOWED_HOSTS": "handoff.example.org",
    "CSRF_TRUSTED_ORIGINS": "https://handoff.example.org",
    "DATABASE_URL": "postgres://handoff:x@127.0.0.1:1/handoff",
    "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
    "BEHIND_PROXY": "true",
    "METRICS_TOKEN": "a-token-that-nobody-guesses",
}


def check(**environment: str) -> "subprocess.CompletedProcess[str]":
    """`check --deploy` in a process of its own, warnings as failures; it asks no database."""
    inherited = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=inherited | PRODUCTION | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_production_passes_djangos_checks_without_a_warning() -> None:
    checked = check()

    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout + checked.stderr


def test_a_production_without_https_does_not() -> None:
    checked = check(HTTPS_ONLY="false")

    assert checked.returncode != 0
    assert "SESSION_COOKIE_SECURE" in checked.stderr


def test_new_passwords_are_hashed_with_argon2_and_older_ones_are_read(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = configured.PASSWORD_HASHERS

    assert make_password("secret").startswith("argon2$")
    assert check_password("secret", make_password("secret", hasher="pbkdf2_sha256"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/admin/", {"default-src 'none'", "script-src 'self' 'unsafe-eval'", "frame-ancestors 'none'"}),
        ("/api/v1/docs/", {"default-src 'none'", "script-src 'self'", "connect-src 'self'"}),
        ("/api/v1/teams/", {"default-src 'none'", "base-uri 'none'", "form-action 'none'"}),
        ("/healthz", {"default-src 'none'", "base-uri 'none'", "form-action 'none'"}),
    ],
)
def test_each_part_of_the_site_has_its_content_security_policy(path: str, parts: set[str]) -> None:
    policy = Visitor().client.get(path)["Content-Security-Policy"]

    assert parts <= {part.strip() for part in policy.split(";")}
    assert "http:" not in policy
    assert "*" not in policy


@pytest.mark.django_db
def test_scripts_in_a_page_are_let_in_nowhere_and_eval_in_the_admin_alone() -> None:
    client = Visitor().client
    policies = {path: client.get(path)["Content-Security-Policy"] for path in ("/admin/", "/api/v1/docs/")}
    scripts = {
        path: next(part for part in policy.split("; ") if part.startswith("script-src"))
        for path, policy in policies.items()
    }

    assert not any("unsafe-inline" in part for part in scripts.values())
    assert "unsafe" not in policies["/api/v1/docs/"]


@pytest.mark.django_db
def test_other_answers_carry_the_strict_policy_too() -> None:
    for path in ("/metrics", "/api/v1/teams/", "/"):
        assert "default-src 'none'" in Client().get(path)["Content-Security-Policy"]


@pytest.mark.django_db
def test_files_redirects_and_refusals_carry_it_too(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["handoff.example.org"]
    client = Client(headers={"host": "handoff.example.org"})
    answers = {path: client.get(path) for path in ("/static/readiness/favicon.svg", "/admin", "/nowhere")}
    answers["another host"] = Client().get("/healthz")
    settings.SECURE_SSL_REDIRECT = True
    answers["plain HTTP"] = Client(headers={"host": "handoff.example.org"}).get("/admin/")

    assert [answer.status_code for answer in answers.values()] == [200, 301, 404, 400, 301]
    for name, answer in answers.items():
        assert "default-src 'none'" in answer["Content-Security-Policy"], name

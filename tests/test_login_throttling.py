"""Whoever fails to log in too often is locked out for a while, on the page and over REST."""

import datetime as dt
from base64 import b64encode
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from config.proxies import client_address
from tests.admin_pages import text
from tests.members import member
from tests.rest import ROOT, problem

pytestmark = pytest.mark.django_db

LOG_IN = "/admin/login/"


@pytest.fixture(autouse=True)
def ada() -> User:
    """Somebody with a log-in, whose password is "secret"."""
    return member("viewer", name="ada")


def log_in(password: str, *, name: str = "ada", address: str = "10.0.0.1") -> Any:
    fields = {"username": name, "password": password}
    return Client().post(f"{LOG_IN}?next=/admin/", fields, REMOTE_ADDR=address)


def ask(password: str, *, name: str = "ada", address: str = "10.0.0.1", **way: Any) -> Any:
    token = b64encode(f"{name}:{password}".encode()).decode()
    return APIClient().generic(
        "GET", f"{ROOT}teams/", HTTP_AUTHORIZATION=f"Basic {token}", REMOTE_ADDR=address, **way
    )


def test_after_five_failures_the_right_password_is_refused_too() -> None:
    failed = [log_in("wrong") for _ in range(4)]
    fifth, sixth = log_in("wrong"), log_in("secret")

    assert [answer.status_code for answer in failed] == [200] * 4
    assert [fifth.status_code, sixth.status_code] == [429, 429]
    assert sixth["Retry-After"] == "900"
    assert "Wait 15 min" in text(sixth)


def test_four_failures_are_forgiven_by_a_success() -> None:
    for _ in range(2):
        for _ in range(4):
            log_in("wrong")
        assert log_in("secret").status_code == 302


def test_it_is_the_name_at_the_address_that_is_locked_out(ada: User) -> None:
    member("viewer", name="grace")
    for _ in range(5):
        log_in("wrong")

    assert log_in("secret").status_code == 429
    assert log_in("secret", name="grace").status_code == 302
    assert log_in("secret", address="10.0.0.2").status_code == 302


def test_it_ends_a_while_after_the_last_failure_that_counted() -> None:
    for _ in range(5):
        log_in("wrong")
    last = AccessAttempt.objects.get().attempt_time
    log_in("wrong")
    attempt = AccessAttempt.objects.get()

    assert attempt.attempt_time == last  # trying on does not make it longer
    attempt.attempt_time = timezone.now() - dt.timedelta(minutes=14)
    attempt.save()
    assert log_in("secret").status_code == 429
    attempt.attempt_time = timezone.now() - dt.timedelta(minutes=16)
    attempt.save()
    assert log_in("secret").status_code == 302


def test_a_password_is_not_kept() -> None:
    log_in("a-wrong-password")

    assert "a-wrong-password" not in str(AccessAttempt.objects.values().get())


def test_an_unknown_name_is_answered_alike() -> None:
    answers = [log_in("wrong", name="nobody").status_code for _ in range(5)]

    assert answers == [200] * 4 + [429]


# Over REST -------------------------------------------------------------------------------------------


def test_over_rest_a_locked_out_log_in_is_a_problem_that_says_how_long_to_wait() -> None:
    failed = [problem(ask("wrong"))["status"] for _ in range(4)]
    locked = [ask("wrong"), ask("secret")]

    assert failed == [401] * 4
    assert [problem(answer)["status"] for answer in locked] == [429, 429]
    assert "900 seconds" in problem(locked[1])["detail"]
    assert locked[1]["Retry-After"] == "900"


def test_page_and_rest_count_together() -> None:
    for _ in range(3):
        log_in("wrong")
        ask("wrong")

    assert log_in("secret").status_code == 429
    assert problem(ask("secret"))["status"] == 429


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"x"),
        ("application/x-www-form-urlencoded", b"&".join(b"a=1" for _ in range(2_000))),
    ],
)
def test_a_broken_body_keeps_no_failure_from_being_counted(content_type: str, body: bytes) -> None:
    answers = [ask("wrong", data=body, content_type=content_type).status_code for _ in range(5)]

    assert answers == [401] * 4 + [429]


def test_too_many_parameters_are_refused_whatever_the_password() -> None:
    query = "&".join(f"a{number}=1" for number in range(2_000))

    assert problem(ask("wrong", QUERY_STRING=query))["status"] == 400
    assert problem(ask("secret", QUERY_STRING=query))["status"] == 400


@pytest.mark.parametrize("name", ["a\0a", "a" * 151, "ä" * 200])
def test_a_name_that_no_log_in_can_have_is_refused(name: str) -> None:
    assert problem(ask("secret", name=name))["status"] == 401


# Behind proxies --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behind", "proxies", "forwarded", "address"),
    [
        (False, 1, "1.2.3.4", "10.0.0.1"),
        (True, 1, "1.2.3.4", "1.2.3.4"),
        (True, 1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (True, 2, "6.6.6.6, 1.2.3.4, 10.0.0.9", "1.2.3.4"),
        (True, 2, "1.2.3.4", "10.0.0.1"),
        (True, 1, "2001:DB8::1", "2001:db8::1"),
        (True, 1, "1.2.3.4:5678", "1.2.3.4"),
        (True, 1, "[2001:db8::1]:5678", "2001:db8::1"),
        (True, 1, "[2001:db8::1]", "2001:db8::1"),
        (True, 1, "unknown", "10.0.0.1"),
        (True, 1, "unknown:80", "10.0.0.1"),
        (True, 1, "", "10.0.0.1"),
    ],
)
def test_the_clients_address_is_what_the_outermost_proxy_of_ours_wrote_down(
    settings: Settings, *, behind: bool, proxies: int, forwarded: str, address: str
) -> None:
    settings.BEHIND_PROXY, settings.PROXIES = behind, proxies
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)

    assert client_address(request) == address

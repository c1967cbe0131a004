"""Telling people, the pure parts: words, signatures, waiting, and which addresses are refused."""

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from handoff import machine
from handoff.notifications import cloudevents, timing, wording
from handoff.notifications.addresses import destination, is_public
from handoff.notifications.wording import Happening, letter, words
from readiness.hours import Hours

NOW = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SITE = "https://handoff.example.org"

texts = st.text(max_size=300)
happenings = st.builds(
    Happening,
    key=st.integers(1, 2**63 - 1),
    event=st.sampled_from(["transition", "alert_raised", "alert_ended", "test"]),
    topic=st.sampled_from(["management", "waiver", "consultant", "case", "review", "alert"]),
    at=st.datetimes(timezones=st.just(dt.UTC)),
    service=texts,
    about=texts,
    move=texts,
    from_state=texts,
    to_state=texts,
    actor=texts,
    reason=texts,
    text=texts,
    who=texts,
    url=st.just(f"{SITE}/admin/"),
)


@given(happenings)
def test_whatever_happened_is_told_in_one_line_and_in_full(happening: Happening) -> None:
    said = words(happening)
    assert len(said.subject) <= 150
    assert len(said.subject.splitlines()) == 1
    assert said.what
    assert said.to_do
    assert f"{SITE}/admin/" in letter(said)


@given(happenings)
def test_a_signature_is_believed_by_its_secret_alone_and_for_its_body_alone(happening: Happening) -> None:
    event = cloudevents.document(happening, SITE)
    body, headers = cloudevents.signed(event, SECRET, now=dt.datetime.now(dt.UTC))
    assert Webhook(SECRET).verify(body, headers) == json.loads(body) == event
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_AAAA").verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body + b" ", headers)


def test_a_document_says_what_a_machine_needs_and_the_same_each_time() -> None:
    waived = Happening(
        key=7,
        event="transition",
        topic="waiver",
        at=NOW,
        service="pay",
        about="telemetry",
        move="approve",
        from_state="asked",
        to_state="live",
        actor="12 Ada Lovelace",
        reason="The collector moves.",
        url=f"{SITE}/admin/readiness/service/1/change/",
    )
    event = cloudevents.document(waived, SITE)
    assert event == cloudevents.document(waived, SITE)
    assert {name: event[name] for name in ("specversion", "id", "type", "subject", "source", "time")} == {
        "specversion": "1.0",
        "id": "msg_7",
        "type": "handoff.waiver.live",
        "subject": "pay",
        "source": SITE,
        "time": "2026-07-01T12:00:00+00:00",
    }
    said = words(waived)
    assert said.what == (
        "pay: waiver telemetry is live, before asked (approve), by Ada Lovelace, 2026-07-01 12:00 UTC."
    )
    assert said.why == "The collector moves."
    assert "before it ends" in said.to_do


def test_a_digest_holds_every_message_and_its_name_says_which() -> None:
    one, two = (Happening(key=key, event="test", topic="test", at=NOW, who="Ada") for key in (3, 5))
    event = cloudevents.digest([one, two], SITE, at=NOW)
    assert event["id"] == "digest_3_5_2"
    assert [each["id"] for each in event["data"]["messages"]] == ["msg_3", "msg_5"]
    subject, text = wording.digest([words(one), words(two)], until=NOW)
    assert subject == "[Handoff] 2 messages until 2026-07-01 12:00 UTC"
    assert text.index("1. ") < text.index("2. ")


def test_what_the_reader_should_do_is_said_for_states_that_there_are() -> None:
    tables = {
        "management": [machine.MANAGEMENT],
        "waiver": [machine.WAIVER],
        "consultant": [machine.CONSULTANT],
        "case": [machine.HANDOFF, machine.HANDBACK],
        "review": [machine.REVIEW],
    }
    for topic, state in wording.TO_DO:
        assert any(state in moves.values() for moves in tables[topic]), (topic, state)


# Waiting ---------------------------------------------------------------------------------------------


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_who_failed_is_asked_again_later_and_later_within_bounds(failures: int, jitter: float) -> None:
    waited = timing.delay(failures, jitter)
    assert timing.FIRST / 2 <= waited <= timing.LONGEST
    assert timing.delay(failures + 1, jitter) >= waited
    assert timing.delay(failures, 0) * 2 == timing.delay(failures, 1)
    assert timing.pause(failures, jitter) <= timing.PAUSE


def test_a_message_is_tried_for_more_than_a_night_and_less_than_a_week() -> None:
    least, most = (
        sum((timing.delay(number, jitter) for number in range(1, timing.ATTEMPTS)), start=dt.timedelta())
        for jitter in (0, 1)
    )
    assert dt.timedelta(hours=16) < least < most < timing.GIVE_UP


@given(
    st.datetimes(
        timezones=st.just(dt.UTC),
        min_value=NOW.replace(2020, tzinfo=None),
        max_value=NOW.replace(2030, tzinfo=None),
    ),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Asia/Kolkata"]),
    st.times(),
)
def test_a_digest_comes_at_the_teams_next_morning(at: dt.datetime, zone: str, opens: dt.time) -> None:
    hours = Hours(time_zone=zone, opens=opens.replace(second=0, microsecond=0), closes=dt.time(0))
    due = timing.next_digest(hours, at)
    assert at < due <= at + dt.timedelta(hours=26)
    assert due.timetz().replace(tzinfo=None, fold=0) == hours.opens


# Addresses -------------------------------------------------------------------------------------------

REFUSED = (
    *("127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.5.4", "192.168.1.1"),
    *("169.254.169.254", "169.254.0.1", "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1"),
    *("224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16", "192.0.2.1"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:a00:1", "::ffff:169.254.169.254", "::ffff:168.63.129.16", "::127.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "2002:7f00:1::", "2001:0:7f00:1::"),
    "2001:db8::1",
)


@pytest.mark.parametrize("address", REFUSED)
def test_what_is_not_public_is_refused_in_whatever_clothes(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_are_not(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_in_the_clothes_of_ipv6(address: object) -> None:
    assert is_public(f"::ffff:{address}") == is_public(str(address)) == is_public(_translated(str(address)))


def _translated(address: str) -> str:
    first, second, third, fourth = map(int, address.split("."))
    return f"64:ff9b::{first:02x}{second:02x}:{third:02x}{fourth:02x}"


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.org/", "ftp://example.org/", "//example.org/", "example.org", "", "https://"),
        *("https://ada@example.org/", "https://ada:x@example.org/", "https://example.org/#top"),
        *("https://exa mple.org/", "https://example.org/\r\nX: y", "https://example.org\\@10.0.0.1/"),
        *("https://example.org:0/", "https://example.org:99999/", "https://example.org:http/"),
        *("https://127.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest"),
        *("https://0.0.0.0/", "https://[fe80::1]/", "https://10.0.0.1:8443/hook", "https://exämple.org/ä"),
    ],
)  # fmt: skip
def test_addresses_that_no_webhook_goes_to_are_refused_when_they_are_written(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        destination(url, allow_private=False)


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("https://example.org", "example.org", "/"),
        ("https://example.org:8443/hook?team=a", "example.org:8443", "/hook?team=a"),
        ("https://exämple.org/", "xn--exmple-cua.org", "/"),
        ("https://[2606:4700::1111]/", "[2606:4700::1111]", "/"),
    ],
)
def test_an_address_is_taken_apart(url: str, authority: str, path: str) -> None:
    where = destination(url, allow_private=False)
    assert (where.authority, where.path) == (authority, path)


def test_a_setting_allows_what_is_private() -> None:
    assert destination("http://127.0.0.1:8000/", allow_private=True).port == 8000

"""Reads one setting from the environment; a bad value stops the start, by name and what was expected."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from email.utils import parseaddr
from typing import TypeVar
from urllib.parse import urlsplit

from celery.schedules import ParseException, crontab
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

DATABASE_EXPECTED = (
    "a database address such as postgres://user:password@host:5432/name or sqlite:////folder/file"
)
DATABASE_SCHEMES = frozenset({"postgres", "postgresql", "sqlite"})
KEY_EXPECTED = "a random text of 50 characters or more (DEBUG=true does without)"
FORMER_KEYS_EXPECTED = "former values of SECRET_KEY, comma-separated"
MAIL_EXPECTED = "smtp://user:password@host:25, smtp+tls://…:587, smtp+ssl://…:465 or consolemail://"
MAIL_SCHEMES = frozenset({"smtp", "smtp+tls", "smtp+ssl", "consolemail"})
BROKER_EXPECTED = "redis://…, rediss://…, amqp://…, amqps://…, memory:// or filesystem://"
BROKER_SCHEMES = frozenset({"redis", "rediss", "amqp", "amqps", "memory", "filesystem"})


def setting(name: str, default: str, *, parse: Callable[[str], T], expected: str, secret: bool = False) -> T:
    """The value of the environment variable `name`, parsed.

    Raises ImproperlyConfigured, naming the variable and what was expected, when `parse` raises ValueError;
    the value of a secret is not shown.
    """
    # read as it stands: django-environ would take a secret that begins with $ for another variable's name
    raw = os.environ.get(name, default).strip()
    try:
        return parse(raw)
    except ValueError as reason:
        detail = f" ({reason})" if str(reason) else ""
        got = f"one of {len(raw)} characters" if secret else _shown(raw)
        raise ImproperlyConfigured(f"{name}: expected {expected}, got {got}{detail}") from None


def _shown(raw: str) -> str:
    """The value as an error may show it: of an address only the scheme, for passwords stand behind it."""
    scheme, found, _ = raw.partition("://")
    return f"{scheme}://…" if found else repr(raw)


def boolean(raw: str) -> bool:
    """`true`, `1`, `yes`, `on` or `false`, `0`, `no`, `off`, whatever the case; anything else is an error."""
    lowered = raw.lower()
    if lowered in {"true", "1", "yes", "on"}:
        return True
    if lowered in {"false", "0", "no", "off"}:
        return False
    raise ValueError


def words(raw: str) -> list[str]:
    """Comma-separated words without the blanks around them."""
    return [word.strip() for word in raw.split(",") if word.strip()]


def secret_key(raw: str) -> str:
    """A key that Django does not call weak: of 50 characters or more, 5 different ones at least."""
    if len(raw) < 50 or len(set(raw)) < 5 or raw.startswith("django-insecure-"):
        raise ValueError
    return raw


def secret_keys(raw: str) -> list[str]:
    """Comma-separated keys, each as good as :func:`secret_key` wants it."""
    return [secret_key(key) for key in words(raw)]


def token(raw: str) -> str:
    """A text that nobody guesses, without blanks; empty switches off what asks for it."""
    if raw and (len(raw) < 20 or len(raw.split()) != 1):
        raise ValueError
    return raw


def positive(raw: str) -> int:
    """A whole number of 1 or more."""
    number = int(raw)
    if number < 1:
        raise ValueError
    return number


def seconds(raw: str) -> timedelta:
    """A whole number of seconds, negative for a clock that stands in the past."""
    try:
        return timedelta(seconds=int(raw))
    except OverflowError as reason:
        raise ValueError(str(reason)) from None


def schedule(raw: str) -> str:
    """A crontab line of five fields, handed on as written once Celery has understood it."""
    if len(raw.split()) != 5:
        raise ValueError
    try:
        crontab.from_string(raw)
    except ParseException as reason:
        raise ValueError(str(reason)) from None
    return raw


def database_address(raw: str) -> str:
    """A database address of a kind this project runs on."""
    return _address(raw, DATABASE_SCHEMES)


def broker_address(raw: str) -> str:
    """A broker address of a kind Celery has a transport for here."""
    return _address(raw, BROKER_SCHEMES)


def mail_address(raw: str) -> str:
    """The address of a mail server, or of the terminal."""
    return _address(raw, MAIL_SCHEMES)


def site_address(raw: str) -> str:
    """Where people find this site, without a slash at the end."""
    parts = urlsplit(_address(raw, frozenset({"http", "https"})))
    if not parts.hostname or parts.query or parts.fragment:
        raise ValueError
    return raw.rstrip("/")


def mailbox(raw: str) -> str:
    """One e-mail address, with or without a name before it."""
    if "@" not in parseaddr(raw)[1] or len(raw.splitlines()) != 1:
        raise ValueError
    return raw


def _address(raw: str, schemes: frozenset[str]) -> str:
    parts = urlsplit(raw)
    if parts.scheme not in schemes or "://" not in raw:
        raise ValueError
    _ = parts.port  # raises ValueError when the port is no number
    return raw

"""Finds the policy that a command line means: a file, a stored version, or the one in force."""

import re
from pathlib import Path

from django.core.management.base import CommandError

from readiness import evaluation, governing
from readiness.models import PolicyVersion
from readiness.policy import MAX_LENGTH, Policy, PolicyError, load_policy

ACTIVE = "active"
_STORED = re.compile(r"([a-z0-9][a-z0-9_-]*):([0-9]{1,9})")


def text_of(path: str) -> str:
    """The text of a policy file. Raises ``OSError``, ``PolicyError`` when it is too long to
    be one, and ``CommandError`` when it is no text.

    No more is read than a policy can have: the path may be a device, or a dump of gigabytes.
    """
    with Path(path).open("rb") as file:
        content = file.read(MAX_LENGTH * 4 + 1)  # bytes that a character may take
    if len(content) > MAX_LENGTH * 4:
        raise PolicyError(f"a policy has at most {MAX_LENGTH} characters, this file has more")
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CommandError(f"{path}: line {line} is not a text in UTF-8") from error


def stored(name: str) -> PolicyVersion:
    """The version called ``NAME:VERSION``, or ``active``. Raises ``CommandError``."""
    if name == ACTIVE:
        return evaluation.in_force()
    found = _STORED.fullmatch(name)
    if found is None:
        raise CommandError(f"{name} names no stored policy: write NAME:VERSION, such as default:2")
    version = PolicyVersion.objects.filter(name=found[1], version=int(found[2])).first()
    if version is None:
        raise CommandError(f"no policy {name} is stored; `policy list` tells which are")
    return version


def parsed(version: PolicyVersion) -> Policy:
    """What a version says. Raises ``CommandError`` when this release cannot read it."""
    if refused := governing.unreadable(version):
        raise CommandError(refused)
    return evaluation.parsed(version)


def policy_named(name: str) -> tuple[str, Policy]:
    """What to call it, and the policy that a file, ``NAME:VERSION`` or ``active`` holds.

    Raises ``OSError`` and ``CommandError``.
    """
    if name == ACTIVE or _STORED.fullmatch(name):
        version = stored(name)
        return str(version), parsed(version)
    try:
        return name, load_policy(text_of(name))
    except PolicyError as error:
        raise CommandError(f"{name}: {error}") from error

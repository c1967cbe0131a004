"""Tell whether a file is a policy; name the line and the mistake."""

import json
from argparse import ArgumentParser
from typing import Any

from readiness.management.base import AnsweringCommand
from readiness.management.policy.naming import text_of
from readiness.policy import PolicyError, load_policy

GOOD, NOT_GOOD = 0, 1


def add_arguments(parser: ArgumentParser) -> None:
    """The file."""
    parser.add_argument("file", metavar="FILE", help="a policy as YAML")
    parser.add_argument("--format", choices=["text", "json"], default="text")


def run(command: AnsweringCommand, options: dict[str, Any]) -> int:
    """0 good, 1 not good."""
    path, as_json = options["file"], options["format"] == "json"
    try:
        policy = load_policy(text_of(path))
    except PolicyError as error:
        found = {"file": path, "good": False, "line": error.line, "mistake": error.message}
        command.stdout.write(json.dumps(found) if as_json else f"{path}: {error}")
        return NOT_GOOD
    found = {"file": path, "good": True, "name": policy.name, "title": policy.title}
    command.stdout.write(json.dumps(found) if as_json else f"{path}: good, policy {policy.name}")
    return GOOD

"""Store a file as a draft, the next version of its policy."""

import json
from argparse import ArgumentParser
from typing import Any

from readiness import governing
from readiness.management.base import AnsweringCommand
from readiness.management.policy.naming import text_of
from readiness.policy import PolicyError

STORED, NOT_GOOD = 0, 1


def add_arguments(parser: ArgumentParser) -> None:
    """The file, who made it and why."""
    parser.add_argument("file", metavar="FILE", help="a policy as YAML")
    parser.add_argument("--author", required=True, metavar="NAME", help="who made it")
    parser.add_argument("--note", default="", metavar="TEXT", help="why it was made")
    parser.add_argument("--format", choices=["text", "json"], default="text")


def run(command: AnsweringCommand, options: dict[str, Any]) -> int:
    """0 stored, 1 not good, or stored already."""
    path, as_json = options["file"], options["format"] == "json"
    try:
        version = governing.apply_text(text_of(path), author=options["author"], note=options["note"])
    except PolicyError as error:
        found = {"file": path, "stored": False, "line": error.line, "mistake": error.message}
        command.stdout.write(json.dumps(found) if as_json else f"{path}: {error}")
        return NOT_GOOD
    key = f"{version.name}:{version.version}"
    found = {"file": path, "stored": True, "policy": key, "digest": version.digest}
    said = f"{path} is stored as {key}, a draft. Somebody else activates it: policy activate {key}"
    command.stdout.write(json.dumps(found) if as_json else said)
    return STORED

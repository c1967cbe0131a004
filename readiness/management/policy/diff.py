"""Tell what differs between two policies, as people read it."""

import json
from argparse import ArgumentParser
from typing import Any

from readiness.comparing import differences
from readiness.criteria.wording import counted
from readiness.management.base import AnsweringCommand
from readiness.management.policy.naming import policy_named

TOLD = 0


def add_arguments(parser: ArgumentParser) -> None:
    """The two policies."""
    for name, which in (("old", "A"), ("new", "B")):
        parser.add_argument(name, metavar=which, help="a file, NAME:VERSION, or active: the one in force")
    parser.add_argument("--format", choices=["text", "json"], default="text")


def run(command: AnsweringCommand, options: dict[str, Any]) -> int:
    """0, whether they differ or not."""
    (old_name, old), (new_name, new) = policy_named(options["old"]), policy_named(options["new"])
    changes = differences(old, new)
    if options["format"] == "json":
        for change in changes:
            found = {"path": change.path, "old": change.old, "new": change.new, "text": change.text}
            command.stdout.write(json.dumps(found))
        return TOLD
    said = counted(len(changes), "change") if changes else "no change"
    command.stdout.write(f"From {old_name} to {new_name}: {said}")
    for change in changes:
        command.stdout.write(f"  {change.text}")
    return TOLD

"""List the stored versions: which is in force, who made them and who activated them."""

import json
from argparse import ArgumentParser
from typing import Any

from readiness.management.base import AnsweringCommand
from readiness.models import PolicyVersion

LISTED = 0


def add_arguments(parser: ArgumentParser) -> None:
    """The format."""
    parser.add_argument("--format", choices=["text", "json"], default="text")


def run(command: AnsweringCommand, options: dict[str, Any]) -> int:
    """0."""
    for version in PolicyVersion.objects.with_state().defer("text"):
        command.stdout.write(
            json.dumps(_document(version)) if options["format"] == "json" else _line(version)
        )
    return LISTED


def _document(version: Any) -> dict[str, Any]:
    return {
        "policy": f"{version.name}:{version.version}",
        "state": version.state,
        "created_at": version.created_at.isoformat(),
        "author": version.author,
        "note": version.note,
        "digest": version.digest,
    }


def _line(version: Any) -> str:
    said = f"{version.name}:{version.version}  {version.state.replace('_', ' '):8}  "
    made = f"{version.created_at:%Y-%m-%d %H:%M}  {version.author or 'nobody named'}"
    return said + made + (f": {version.note}" if version.note else "")

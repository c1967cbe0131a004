"""Print the JSON Schema of a policy file."""

import json
from argparse import ArgumentParser
from typing import Any

from readiness.management.base import AnsweringCommand
from readiness.policy_schema import policy_schema

PRINTED = 0


def add_arguments(parser: ArgumentParser) -> None:
    """None."""


def run(command: AnsweringCommand, options: dict[str, Any]) -> int:
    """0."""
    command.stdout.write(json.dumps(policy_schema(), indent=2, ensure_ascii=False))
    return PRINTED

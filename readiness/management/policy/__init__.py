"""The registry of what `policy` can do: a module for each subcommand, its first line is the help."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any, Protocol

from readiness.management.base import AnsweringCommand
from readiness.management.policy import activate, apply, backtest, check, diff, schema, simulate, versions


class Subcommand(Protocol):
    """What such a module has."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say which arguments it takes."""

    def run(self, command: AnsweringCommand, options: dict[str, Any]) -> int:
        """Do the work; the exit status, 0 to 2. Raises ``CommandError`` when it could not."""


SUBCOMMANDS: Mapping[str, Subcommand] = {
    "check": check,
    "apply": apply,
    "activate": activate,
    "diff": diff,
    "simulate": simulate,
    "backtest": backtest,
    "schema": schema,
    "list": versions,
}

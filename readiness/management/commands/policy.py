"""Checks, stores, compares and activates policies."""

from typing import Any

from django.core.management.base import CommandParser

from readiness.management.base import AnsweringCommand
from readiness.management.policy import SUBCOMMANDS


class Command(AnsweringCommand):
    """`policy SUBCOMMAND …`: each has a module in ``readiness.management.policy``."""

    help = (
        "Change the rules that services are judged by: check a file, store it as a draft, see what differs, "
        "activate it. Exit status: 0 good, 1 not good, 3 or more: could not run."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """One parser for each subcommand."""
        subparsers = parser.add_subparsers(dest="subcommand", metavar="SUBCOMMAND", required=True)
        for name, subcommand in SUBCOMMANDS.items():
            said = (subcommand.__doc__ or "").partition("\n")[0]
            subcommand.add_arguments(subparsers.add_parser(name, help=said, description=said))

    def answer(self, **options: Any) -> int:
        """Hand over to the subcommand."""
        return SUBCOMMANDS[options["subcommand"]].run(self, options)

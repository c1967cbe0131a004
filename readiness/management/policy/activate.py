"""Put a stored version in force, as a second person."""

from argparse import ArgumentParser
from typing import Any

from readiness import governing
from readiness.management.base import AnsweringCommand
from readiness.management.policy.naming import stored
from readiness.nudging import nudge
from readiness.tasks import run_evaluation

IN_FORCE, REFUSED = 0, 1


def add_arguments(parser: ArgumentParser) -> None:
    """Which version, who says so and why."""
    parser.add_argument("version", metavar="NAME:VERSION", help="a stored version, such as default:2")
    parser.add_argument("--actor", required=True, metavar="NAME", help="who activates it: not its author")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why")


def run(command: AnsweringCommand, options: dict[str, Any]) -> int:
    """0 in force, 1 refused."""
    version = stored(options["version"])
    try:
        run = governing.activate(version, actor=options["actor"], reason=options["reason"])
    except governing.ActivationError as error:
        command.stdout.write(str(error))
        return REFUSED
    command.stdout.write(f"{version} is in force. An evaluation of the fleet under it is asked for.")
    if not nudge(run_evaluation, run.pk):
        command.stdout.write("The broker does not answer: it begins when the worker's sweep finds it.")
    return IN_FORCE

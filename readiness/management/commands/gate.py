"""Asks whether a service is ready, for pipelines: the exit status is the answer."""

import json
from argparse import ArgumentTypeError
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from readiness import clock, gate
from readiness.management.base import AnsweringCommand
from readiness.management.naming import service_named
from readiness.management.scorecard_table import HEADLINES, moment_words, printable, span_words


class Command(AnsweringCommand):
    """`gate SLUG --for launch|handoff|deploy [--max-age 48h] [--remediates ID] [--format text|json]`."""

    help = (
        "Say whether a service is ready, from its newest live scorecard. It judges nothing: `evaluate` does. "
        "Exit status: 0 ready, 1 not ready, 2 cannot tell (also without a scorecard, or with one that is too "
        "old), 3 or more: no answer, since it could not run, was asked wrongly, or the question does not "
        "apply to the state the service is in."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which service, what for, how old the knowledge may be."""
        parser.add_argument("slug", metavar="SLUG", help="a service's slug or alias")
        parser.add_argument("--for", dest="question", choices=gate.QUESTIONS, required=True)
        parser.add_argument(
            "--max-age",
            type=_max_age,
            metavar="SPAN",
            help="how old the scorecard may be: 90m, 48h, 7d (default: SCORECARD_STALE_AFTER_HOURS)",
        )
        parser.add_argument(
            "--remediates",
            metavar="ID",
            help="with --for deploy: the failed change, incident or pipeline that the deployment is to "
            "cure, as source:id or id; it no longer stands against it",
        )
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def answer(self, **options: Any) -> int:
        """Ask, tell, and answer by the exit status."""
        service = service_named(options["slug"])
        try:
            answer = gate.ask(
                service, options["question"], max_age=options["max_age"], remediates=options["remediates"]
            )
        except ValueError as error:
            raise CommandError(str(error)) from error
        if options["format"] == "json":
            self.stdout.write(json.dumps(answer.document()))
        else:
            self.stdout.write("\n".join(printable(line).plain for line in _lines(answer)))
        return answer.exit_code


def _max_age(text: str) -> timedelta:
    try:
        return gate.parse_max_age(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _lines(answer: gate.Answer) -> Iterator[str]:
    """The answer first, then why, what it relied on, and how old it is."""
    yield f"{answer.service}: {HEADLINES[answer.question][answer.answer]}"
    yield from (f"  - {reason}" for reason in answer.reasons)
    if answer.waivers:
        yield "Relies on waivers"
        yield from (f"  - {waiver.text}" for waiver in answer.waivers)
    if (card := answer.scorecard) is not None and answer.age is not None:
        age, allowed = span_words(answer.age.total_seconds()), span_words(answer.max_age.total_seconds())
        yield f"As of {moment_words(card.at)}, {age} old (at most {allowed}), under policy {card.policy}"
    if offset := clock.offset().total_seconds():
        way = "ahead of" if offset > 0 else "behind"
        yield f"The clock is set {span_words(abs(offset))} {way} the real time"

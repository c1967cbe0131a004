"""Tell whether verdicts and scores foretold what came after them."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from readiness import clock, simulation
from readiness.foretelling import CONSEQUENCES, OVERALL
from readiness.foretelling.telling import signed
from readiness.management.base import AnsweringCommand
from readiness.management.moments import span
from readiness.management.policy.naming import ACTIVE, policy_named
from readiness.management.policy.spans import add_moments, add_services, service_ids
from readiness.management.printing import print_sections
from readiness.management.progress import progress
from readiness.simulation.backtesting import titles

TOLD = 0
EVERY = timedelta(weeks=4)
REACH = timedelta(weeks=52)
"""How far back it begins when --from does not say."""
_OF = {each.slug: each for each in CONSEQUENCES}


def add_arguments(parser: ArgumentParser) -> None:
    """The policy, the horizon, which moments, which services."""
    parser.add_argument(
        "file", nargs="?", default=ACTIVE, metavar="FILE",
        help="a file or NAME:VERSION (default: the policy in force)",
    )  # fmt: skip
    parser.add_argument("--horizon", type=span, required=True, metavar="SPAN", help="how far after: 90d")
    add_moments(parser)
    add_services(parser)


def run(command: AnsweringCommand, options: dict[str, Any]) -> int:
    """0, whatever was found. Nothing is stored."""
    name, policy = policy_named(options["file"])
    at = _moments(options)
    ids = service_ids(options["service"])
    with progress("judging", len(at)) as bar:
        result = simulation.backtest(
            policy, at, horizon=options["horizon"], ids=ids, told=lambda: bar.advance(bar.task_ids[0])
        )
    if options["format"] == "json":
        command.stdout.write(json.dumps({"policy": name, **result}))
    else:
        print_sections(command, _sections(name, result), options)
    return TOLD


def _moments(options: dict[str, Any]) -> list[datetime]:
    """Every four weeks of the year that ends a horizon ago, unless the options say otherwise."""
    horizon, every = options["horizon"], options["every"] or EVERY
    last = options["last"] or clock.now() - horizon
    try:
        return simulation.moments_before(options["first"] or last - REACH, last, every, horizon=horizon)
    except ValueError as error:
        raise CommandError(str(error)) from error


def _sections(name: str, result: dict[str, Any]) -> Iterator[RenderableType]:
    first, last = (f"{datetime.fromisoformat(result['moments'][index]):%Y-%m-%d}" for index in (0, -1))
    yield Text(f"{name}: judged as of {len(result['moments'])} moments from {first} to {last}", "bold")
    yield Text(
        f"{result['services']} services, {result['observations']} judgements; each beside the"
        f" {result['horizon_days']:g} days after it."
    )
    for words in result["words"]:
        yield from ("", Text(words))
    if result["rates"]:
        yield from ("", _rates(result["rates"]))
    yield from ("", _relations(result["relations"]))


def _rates(rates: list[dict[str, Any]]) -> Table:
    table = Table(
        "after", "came", "rate", "events", "exposure", "services", title="What came after a verdict"
    )
    for each in rates:
        if each["rate"] is not None:
            of = _OF[each["consequence"]]
            table.add_row(
                f"{each['of']}: {each['verdict'].replace('_', ' ')}",
                of.title,
                f"{each['rate']:.3f} per {of.unit}",
                str(each["events"]),
                f"{each['exposure']:.0f}",
                str(each["services"]),
            )
    return table


def _relations(relations: list[dict[str, Any]]) -> Table:
    table = Table("score", "and", "correlation", "95 %", "services", "n", title="Scores and what came after")
    known = titles()
    for each in relations:
        if each["correlation"] is not None:
            table.add_row(
                "overall" if each["score"] == OVERALL else known[each["score"]],
                _OF[each["consequence"]].title,
                signed(each["correlation"]) + (" *" if each["found"] else ""),
                f"{signed(each['low'])} to {signed(each['high'])}",
                str(each["services"]),
                str(each["observations"]),
            )
    table.caption = "*: the interval leaves out 0"
    return table

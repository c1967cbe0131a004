"""Tell what a policy would change: judge stored evidence under it, and under the one in force."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from readiness import clock, evaluation, simulation
from readiness.management.base import AnsweringCommand
from readiness.management.policy.naming import parsed, policy_named
from readiness.management.policy.spans import add_moments, add_services, service_ids
from readiness.management.printing import print_sections
from readiness.management.progress import progress
from readiness.simulation.telling import because, day, moves, responsible, signed, summary

SIMULATED = 0


def add_arguments(parser: ArgumentParser) -> None:
    """The candidate, which moments, which services."""
    parser.add_argument("file", metavar="FILE", help="the candidate: a file, or NAME:VERSION")
    add_moments(parser)
    add_services(parser)


def run(command: AnsweringCommand, options: dict[str, Any]) -> int:
    """0, whatever would change. Nothing is stored."""
    name, candidate = policy_named(options["file"])
    baseline = evaluation.in_force()
    at = _moments(options)
    ids = service_ids(options["service"])
    trial = simulation.Trial(parsed(baseline), candidate)
    with progress("judging", len(at)) as bar:
        result = simulation.simulate(trial, at, ids, told=lambda: bar.advance(bar.task_ids[0]))
    if options["format"] == "json":
        command.stdout.write(json.dumps({"candidate": name, "baseline": str(baseline), **result}))
    else:
        print_sections(command, _sections(f"{name} instead of {baseline}", result), options)
    return SIMULATED


def _moments(options: dict[str, Any]) -> list[datetime]:
    """Now, or as of when. Raises ``CommandError`` when the options do not go together."""
    first, last, every = options["first"], options["last"], options["every"]
    if first is None:
        if last or every:
            raise CommandError("--to and --every go with --from")
        return [clock.now()]
    if every is None:
        raise CommandError("--from goes with --every")
    last = last or clock.now()
    if last < first:
        raise CommandError("--to is before --from")
    try:
        return simulation.moments(first, last, every)
    except ValueError as error:
        raise CommandError(str(error)) from error


def _sections(title: str, result: dict[str, Any]) -> Iterator[RenderableType]:
    yield Text(title, "bold")
    yield from (Text(each) for each in summary(result))
    if len(result["moments"]) > 1:
        yield from ("", _by_moment(result["moments"]))
    if result["changes"]:
        yield from ("", _by_change(result))
    last = result["last"]
    if last and last["rows"]:
        yield from ("", _services(f"Services as of {day(last['at'])}", last["rows"], result))
        yield from _left_out(last, result["limits"])
    if len(result["moments"]) > 1 and result["ever"]:
        rows = sorted(result["ever"].values(), key=lambda row: (row["at"], row["service"]))
        yield from ("", _services("Verdicts that changed, and when first", rows, result))


def _by_moment(moments: list[dict[str, Any]]) -> Table:
    table = Table("as of", "services", "verdict", "deploy", "level", "score", "by", title="So many change")
    for each in moments:
        changed = [str(each["changed"][name]) for name in ("verdict", "deploy", "level", "score")]
        by = signed(each["score"]["mean"]) if each["score"] else "–"
        table.add_row(day(each["at"]), str(each["services"]), *changed, by)
    return table


def _by_change(result: dict[str, Any]) -> Table:
    table = Table("change", "services, alone", "with others", title="Which part of the rule does it")
    for text, alone, others in responsible(result):
        table.add_row(Text(text), str(alone), str(others))
    return table


def _services(title: str, rows: list[dict[str, Any]], result: dict[str, Any]) -> Table:
    dated = "at" in rows[0]
    table = Table(*(["first"] if dated else []), "service", "would change", "because", title=title)
    for row in rows:
        cells = [row["service"], "\n".join(moves(row)), because(row, result["changes"])]
        table.add_row(*([day(row["at"])] if dated else []), *(Text(each) for each in cells))
    return table


def _left_out(last: dict[str, Any], limits: dict[str, int]) -> Iterator[RenderableType]:
    if last["more"]:
        yield Text(f"and {last['more']} more; --service names those to see")
    if any(row["because"] is None for row in last["rows"]):
        yield Text(f"The first {limits['explained']} services were looked into.")

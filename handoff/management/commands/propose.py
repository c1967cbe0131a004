"""Lets the rules propose moves now, or shows when they would have proposed them, from stored evidence."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.console import RenderableType
from rich.table import Column, Table
from rich.text import Text

from handoff import proposals
from handoff.management.replaying import replay
from handoff.proposals import Outcome
from handoff.rules import LEAST_APART, LOOK_BACK, Kind
from readiness import clock, simulation
from readiness.criteria.wording import counted
from readiness.evaluation.policies import DEFAULT
from readiness.management.base import AnsweringCommand
from readiness.management.moments import moment, span
from readiness.management.policy.naming import parsed
from readiness.management.policy.spans import add_services, service_ids
from readiness.management.printing import print_sections
from readiness.management.progress import progress
from readiness.models import PolicyVersion
from readiness.policy import Policy, load_policy
from readiness.rendering.sentences import listed
from readiness.simulation.telling import day

SHOWN, SOME_BROKE = 0, 1
DAY = timedelta(days=1)
REASONS = 3
"""So many reasons of a judgement are printed; JSON has them all."""


class Command(AnsweringCommand):
    """`propose [--dry-run --from T [--to T] [--every 1d] [--service SLUG …]] [--format table|json]`."""

    help = (
        "Let the rules look at every live scorecard that they have not looked at yet, as the sweep of each "
        "minute does, and print the handoffs and handbacks that they propose and the proposals that lapse. "
        "With --dry-run, show when the rules would have proposed a handoff or a handback, and when each "
        "proposal would have lapsed: stored evidence is judged as of each moment, as known now and under the "
        "policy in force; that judgement stands for the live scorecard of its day. Who ran a service, and "
        "its waivers, are as recorded now. At the first moment nothing is proposed yet. Nothing is stored. "
        "Exit status: 0 done or shown, 1 some service could not be looked at or judged, 3 or more: could "
        "not run."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether it only shows; then which moments, which services."""
        parser.add_argument("--dry-run", action="store_true", help="only show, from a replay of past moments")
        shown = parser.add_argument_group("with --dry-run")
        shown.add_argument("--from", dest="first", type=moment, metavar="T", help="the first moment")
        shown.add_argument("--to", dest="last", type=moment, metavar="T", help="the last (default: now)")
        shown.add_argument(
            "--every", type=span, metavar="SPAN", help="12h or 1d between moments (default: 1d)"
        )
        add_services(parser)

    def answer(self, **options: Any) -> int:
        """Propose or show; 0 all was looked at, 1 some service broke."""
        return self._show(options) if options["dry_run"] else self._propose(options)

    def _propose(self, options: dict[str, Any]) -> int:
        if any(options[name] for name in ("first", "last", "every", "service")):
            raise CommandError("--from, --to, --every and --service choose what --dry-run shows: add it")
        outcome = proposals.propose_moves()
        for slug in outcome.broken:
            self.stderr.write(f"{slug}: could not be looked at, the log says why")
        if options["format"] == "json":
            self.stdout.write(json.dumps(_document(outcome)))
        else:
            print_sections(self, _swept(outcome), options)
        return SOME_BROKE if outcome.broken else SHOWN

    def _show(self, options: dict[str, Any]) -> int:
        options["every"] = options["every"] or DAY
        at = _moments(options)
        ids = service_ids(options["service"])
        with progress("judging", len(at)) as bar:
            result = replay(_policy(), at, ids, told=lambda: bar.advance(bar.task_ids[0]))
        for slug, moments in result["unjudged"].items():
            self.stderr.write(f"{slug}: could not be judged as of {listed(map(day, moments))}")
        if options["format"] == "json":
            self.stdout.write(json.dumps(result))
        else:
            print_sections(self, _sections(result, options["every"]), options)
        return SOME_BROKE if result["unjudged"] else SHOWN


def _document(outcome: Outcome) -> dict[str, Any]:
    """``{looked, broken [slug], made [{service, case, kind, move, actor, reason}]}``."""
    return {
        "looked": outcome.looked,
        "broken": outcome.broken,
        "made": [
            {
                "service": made.case.service.slug,
                "case": made.case.pk,
                "kind": made.case.kind,
                "move": made.move,
                "actor": made.actor,
                "reason": made.reason,
            }
            for made in outcome.made
        ],
    }


def _swept(outcome: Outcome) -> Iterator[RenderableType]:
    moves = Counter(made.move for made in outcome.made)
    yield Text(
        f"{counted(outcome.looked, 'service')} judged since the rules looked last: "
        f"{moves['propose']} proposed, {moves['lapse']} lapsed."
    )
    if outcome.made:
        table = Table(Column("service", overflow="fold"), "what, by which rule, and because of what")
        for made in outcome.made:
            said = f"{made.move} {made.case.kind} ({made.actor}): {made.reason}"
            table.add_row(Text(made.case.service.slug), Text(said))
        yield from ("", table)


def _policy() -> tuple[str, Policy]:
    """The policy in force; where none was ever stored, the default as delivered, which stays unstored."""
    version = PolicyVersion.objects.filter(in_force=True).first()
    if version is not None:
        return str(version), parsed(version)
    policy = load_policy(DEFAULT.read_text(encoding="utf-8"))
    return f"{policy.name} as delivered", policy


def _moments(options: dict[str, Any]) -> list[datetime]:
    """In UTC. Raises ``CommandError`` when the options do not go together."""
    first, last = options["first"], options["last"] or clock.now()
    if first is None:
        raise CommandError("--from is missing: the first moment to look at")
    try:
        return simulation.moments(first, last, options["every"])
    except ValueError as error:
        raise CommandError(str(error)) from error


def _sections(result: dict[str, Any], every: timedelta) -> Iterator[RenderableType]:
    moments, rows = result["moments"], result["proposals"]
    yield Text(
        f"{result['policy']}, rules version {result['rules_version']}: "
        f"{counted(moments['number'], 'moment')} from {day(moments['first'])} to {day(moments['last'])}",
        "bold",
    )
    yield Text(_summary(result))
    if any(row["at"] == moments["first"] for row in rows):
        yield Text("What is proposed at the first moment held then, and perhaps before.")
    if not _shows_regress(every):
        yield Text(
            "Steps so wide never show a service as regressed: that asks for scorecards within "
            f"{LOOK_BACK.days} days of which the first and last are {LEAST_APART.days} apart."
        )
    if rows:
        yield from ("", _table(rows))


def _shows_regress(every: timedelta) -> bool:
    """Whether a stretch that the rule looks back over holds two moments far enough apart."""
    steps = -(-LOOK_BACK // every) - 1
    return steps * every >= LEAST_APART


def _summary(result: dict[str, Any]) -> str:
    rows, of = result["proposals"], f"Of {counted(result['services'], 'service')}"
    if not rows:
        return f"{of}, nothing would have been proposed."
    kinds = Counter(row["kind"] for row in rows)
    proposed = listed(counted(kinds[kind], kind) for kind in Kind if kinds[kind])
    lapsed = sum(row["lapsed"] is not None for row in rows)
    whose = len({row["service"] for row in rows})
    return (
        f"{of}, {whose} would have been proposed to move: {proposed}. {lapsed} would have lapsed again, "
        f"{len(rows) - lapsed} would stand at the last moment, had nobody decided."
    )


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(Column("service", overflow="fold"), "proposed", "lapsed", "what, and because of what")
    before = None
    for row in rows:
        service = "" if row["service"] == before else row["service"]
        lapsed = day(row["lapsed"]["at"]) if row["lapsed"] else "stands"
        table.add_row(*(Text(each) for each in (service, day(row["at"]), lapsed, _words(row))))
        before = row["service"]
    return table


def _words(row: dict[str, Any]) -> str:
    cards, reasons = row["scorecards"], "; ".join(row["reasons"][:REASONS])
    if len(cards) > 1:
        reasons = f"{len(cards)} scorecards from {day(cards[0])} on say below; the last: {reasons}"
    proposed = f"{row['kind']} ({row['rule']}): {reasons}"
    return f"{proposed}\nlapsed: {_end(row['lapsed'])}" if row["lapsed"] else proposed


def _end(lapsed: dict[str, Any]) -> str:
    of, verdict = lapsed["verdict"]
    answer = f"{of}: {verdict.replace('_', ' ')}" if of else "no verdict applies"
    return "; ".join([answer, *lapsed["reasons"][:1]])

"""Imports a fleet folder: catalogue, people, evidence, recorded decisions; and adopts its services."""

import itertools
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from handoff.actions import Adoption, adopt_all, adopted_from
from handoff.catalogue import FolderChanges
from handoff.consequences import Foreseen
from handoff.decisions import Applied, Decision, DecisionImport, read_decision
from readiness import clock
from readiness.evidence import Problem, Rejection
from readiness.ingest import FleetFolder, FolderImport, Place, Tally
from readiness.ingest.lines import read_lines
from readiness.management.base import AnsweringCommand
from readiness.models import Service

SHOWN = 100
"""Bad lines of one file that are shown; the rest is counted."""
ALL_GOOD, SOME_BAD, NOTHING_USABLE = 0, 1, 2


class _RefusedError(Exception):
    """Strict: something was bad, so that nothing may stay."""


class Command(AnsweringCommand):
    """`import_fleet DIR [--strict] [--accept-consequences] [--format text|json]`."""

    help = (
        "Import a fleet folder. Importing it again changes nothing. Exit status: 0 all good, "
        "1 some lines bad, 2 nothing usable, 3 or more: could not run."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The folder, and how to go about it."""
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--strict", action="store_true", help="import all of it, or nothing")
        parser.add_argument(
            "--accept-consequences",
            action="store_true",
            help="also change services whose open cases, reviews or waivers that touches",
        )
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def answer(self, **options: Any) -> int:
        """Import; 0 all good, 1 some lines bad, 2 nothing usable."""
        try:
            folder = FleetFolder(options["folder"])
        except NotADirectoryError as error:
            raise CommandError(str(error)) from error
        with self._progress(folder) as report:
            accept = options["accept_consequences"]
            tally, usable = self._import(folder, report, strict=options["strict"], accept=accept)
        report.say_what_was_not_shown()
        if options["format"] == "json":
            self.stdout.write(json.dumps(tally.as_json() | report.decisions))
        else:
            self._write_text(report, tally)
        if not usable:
            return NOTHING_USABLE
        return SOME_BAD if tally.rejected else ALL_GOOD

    def _import(
        self, folder: FleetFolder, report: "_Report", *, strict: bool, accept: bool
    ) -> tuple[Tally, bool]:
        """What became of the rows, and whether any was usable."""
        try:
            with transaction.atomic() if strict else nullcontext():
                self._store(folder, report, accept=accept)
                if strict and report.total.rejected:
                    raise _RefusedError
        except _RefusedError:
            report.say("Nothing was imported: --strict imports all or nothing.")
            report.take_back_decisions()
            return Tally(rejected=report.total.rejected), report.total.taken > 0
        return report.total, report.total.taken > 0

    def _store(self, folder: FleetFolder, report: "_Report", *, accept: bool) -> None:
        incoming = FolderImport(folder, clock.real_now(), refuse=report.refuse, note=report.say)
        changes = FolderChanges(incoming.catalogue, fleet=folder.name, accept=accept)
        with transaction.atomic():
            incoming.catalogue = changes.catalogue
            changes.apply()
            tally = incoming.store_catalogue()
            _adopt(incoming)
        tally += report.hold_back(changes.held)
        report.add("catalogue", tally)
        for name, tally in incoming.store_files(report.advance):
            report.add(name, tally)
        if folder.decision_files:
            report.add_decisions(folder.decision_files[0].name, _decide(folder, report))

    @contextmanager
    def _progress(self, folder: FleetFolder) -> Iterator["_Report"]:
        """A bar where somebody watches; otherwise words alone."""
        if not sys.stderr.isatty():
            yield _Report(self.stderr.write)
            return
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(folder.name, total=folder.size)

            def say(words: str) -> None:
                bar.console.print(words, markup=False, highlight=False, soft_wrap=True)

            yield _Report(say, advance=lambda size: bar.advance(task, size))

    def _write_text(self, report: "_Report", total: Tally) -> None:
        for name, tally in (*report.files.items(), ("in all", total)):
            counts = ", ".join(f"{count:,} {word}" for word, count in tally.as_json().items())
            self.stdout.write(f"{name}: {counts}")


class _Report:
    """What became of each file, and words about what was bad, of which a file gets so many and no more."""

    def __init__(self, say: Callable[[str], None], advance: Callable[[int], None] | None = None) -> None:
        self.say = say
        self.advance = advance or (lambda _: None)
        self.files: dict[str, Tally | Applied] = {}
        self.decisions: dict[str, dict[str, int]] = {}
        """What became of the recorded decisions, as JSON has it; nothing where the folder has none."""
        self.total = Tally()
        self._bad: Counter[str] = Counter()

    def add(self, name: str, tally: Tally) -> None:
        """A file is done."""
        self.files[name] = tally
        self.total += tally

    def add_decisions(self, name: str, applied: Applied) -> None:
        """The recorded decisions are done; each that was applied counts as a row."""
        self.files[name] = applied
        self.decisions = {"decisions": applied.as_json()}
        self.total += Tally(applied.applied, 0, applied.unchanged, applied.rejected)

    def take_back_decisions(self) -> None:
        """None of them stays applied."""
        for counts in self.decisions.values():
            counts.update(applied=0, unchanged=0)

    def refuse(self, place: Place, rejection: Rejection) -> None:
        """Say what is wrong with a line, as `file:line: field: reason`, a line a field."""
        self._bad[place.file] += 1
        if self._bad[place.file] <= SHOWN:
            for problem in rejection.problems:
                self.say(f"{place}: {problem.field or 'record'}: {problem.reason}")

    def hold_back(self, held: Iterable[Foreseen]) -> Tally:
        """Say what was not done to which services, and what would come of it; how many there are."""
        rows = list(held)
        for each in rows:
            becomes = "; ".join(f"{one.thing}: {one.becomes}" for one in each.consequences)
            reason = f"is not changed without --accept-consequences: {each.said}. {becomes or 'It ends'}"
            self.refuse(Place("catalogue", 0), Rejection((Problem(each.slug, reason),)))
        return Tally(rejected=len(rows))

    def say_what_was_not_shown(self) -> None:
        """Say how many bad lines were not shown."""
        for name, count in self._bad.items():
            if count > SHOWN:
                self.say(f"{name}: {count - SHOWN:,} more bad lines")


def _decide(folder: FleetFolder, report: _Report) -> Applied:
    """Apply the recorded decisions of a folder."""
    lines = list(_decisions(folder))
    size = sum(path.stat().st_size for path in folder.decision_files)
    done = itertools.count(1)

    def advance() -> None:
        """By a line's share; rounded so that all of them make the whole."""
        number = next(done)
        report.advance(size * number // len(lines) - size * (number - 1) // len(lines))

    return DecisionImport(folder.name, report.refuse, advance).store(lines)


def _decisions(folder: FleetFolder) -> Iterator[tuple[Place, Decision | Rejection]]:
    now = clock.now()
    for path in folder.decision_files:
        for number, line in read_lines(path, lambda _: None):
            read = line if isinstance(line, Rejection) else read_decision(line, now)
            yield Place(path.name, number), read


def _adopt(incoming: FolderImport) -> None:
    """Adopt the services that the folder describes; those that have a state keep it."""
    states = {entry.slug: entry.management_state for entry in incoming.catalogue.services}
    services = Service.objects.filter(fleet=incoming.folder.name).order_by()
    adoptions = [
        Adoption(pk, states[slug], adopted_from(launched_on))
        for pk, slug, launched_on in services.values_list("pk", "slug", "launched_on")
        if slug in states
    ]
    adopt_all(adoptions, actor="import", reason=f"catalogue of {incoming.folder.name}")

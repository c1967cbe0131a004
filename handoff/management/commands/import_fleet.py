"""Imports a fleet folder: catalogue, people, evidence; and adopts its services into their states."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from handoff.actions import Adoption, adopt_all, adopted_from
from readiness import clock
from readiness.evidence import Rejection
from readiness.ingest import FleetFolder, FolderImport, Place, Tally
from readiness.management.base import AnsweringCommand
from readiness.models import Service

SHOWN = 100
"""Bad lines of one file that are shown; the rest is counted."""
ALL_GOOD, SOME_BAD, NOTHING_USABLE = 0, 1, 2


class _RefusedError(Exception):
    """Strict: something was bad, so that nothing may stay."""


class Command(AnsweringCommand):
    """`import_fleet DIR [--strict] [--format text|json]`."""

    help = (
        "Import a fleet folder. Importing it again changes nothing. Exit status: 0 all good, "
        "1 some lines bad, 2 nothing usable, 3 or more: could not run."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The folder, and how to go about it."""
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--strict", action="store_true", help="import all of it, or nothing")
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def answer(self, **options: Any) -> int:
        """Import; 0 all good, 1 some lines bad, 2 nothing usable."""
        try:
            folder = FleetFolder(options["folder"])
        except NotADirectoryError as error:
            raise CommandError(str(error)) from error
        with self._progress(folder) as report:
            tally, usable = self._import(folder, report, strict=options["strict"])
        report.say_what_was_not_shown()
        if options["format"] == "json":
            self.stdout.write(json.dumps(tally.as_json()))
        else:
            self._write_text(report, tally)
        if not usable:
            return NOTHING_USABLE
        return SOME_BAD if tally.rejected else ALL_GOOD

    def _import(self, folder: FleetFolder, report: "_Report", *, strict: bool) -> tuple[Tally, bool]:
        """What became of the rows, and whether any was usable."""
        try:
            with transaction.atomic() if strict else nullcontext():
                self._store(folder, report)
                if strict and report.total.rejected:
                    raise _RefusedError
        except _RefusedError:
            report.say("Nothing was imported: --strict imports all or nothing.")
            return Tally(rejected=report.total.rejected), report.total.taken > 0
        return report.total, report.total.taken > 0

    def _store(self, folder: FleetFolder, report: "_Report") -> None:
        incoming = FolderImport(folder, clock.real_now(), refuse=report.refuse, note=report.say)
        report.add("catalogue", incoming.store_catalogue())
        _adopt(incoming)
        for name, tally in incoming.store_files(report.advance):
            report.add(name, tally)

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
        self.files: dict[str, Tally] = {}
        self.total = Tally()
        self._bad: Counter[str] = Counter()

    def add(self, name: str, tally: Tally) -> None:
        """A file is done."""
        self.files[name] = tally
        self.total += tally

    def refuse(self, place: Place, rejection: Rejection) -> None:
        """Say what is wrong with a line, as `file:line: field: reason`, a line a field."""
        self._bad[place.file] += 1
        if self._bad[place.file] <= SHOWN:
            for problem in rejection.problems:
                self.say(f"{place}: {problem.field or 'record'}: {problem.reason}")

    def say_what_was_not_shown(self) -> None:
        """Say how many bad lines were not shown."""
        for name, count in self._bad.items():
            if count > SHOWN:
                self.say(f"{name}: {count - SHOWN:,} more bad lines")


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

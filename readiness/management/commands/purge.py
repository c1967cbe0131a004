"""Deletes what retention does not keep, or shows what it would delete."""

import json
import sys
from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from readiness import retention
from readiness.criteria.wording import counted
from readiness.management.base import AnsweringCommand


class Command(AnsweringCommand):
    """`purge [--dry-run] [--format text|json]`."""

    help = (
        "Delete scorecards, evaluations, alerts and traces of log-ins that retention does not keep "
        "(docs/retention.md). It may be stopped and started again. Exit status: 0 done, 3 or more: could not "
        "run."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether to delete, and who reads what it says."""
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would be deleted; delete nothing"
        )
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def answer(self, **options: Any) -> int:
        """Delete or show; 0."""
        dry = options["dry_run"]
        shares = retention.plan() if dry else self._purge()
        if options["format"] == "json":
            self.stdout.write(json.dumps({"dry_run": dry, "rules": [each.document() for each in shares]}))
        else:
            self._report(shares, "would be deleted" if dry else "deleted")
        return 0

    def _purge(self) -> list[retention.Share]:
        if not sys.stderr.isatty():
            return retention.purge()
        columns = (TextColumn("deleting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            rows = bar.add_task("deleting", total=sum(each.rows for each in retention.plan()))
            return retention.purge(lambda done: bar.advance(rows, done))

    def _report(self, shares: Iterable[retention.Share], verb: str) -> None:
        for share in shares:
            table = share.document()["table"]
            held = f", {counted(share.held, 'row')} held by what came to rest on them" if share.held else ""
            self.stdout.write(f"{share.rule.name} ({table}): {counted(share.rows, 'row')} {verb}{held}")
            self.stdout.write(f"  {share.rule.why}")

"""Prints what a management meeting asks of a service's newest handback."""  # noqa: N999 - its name as typed

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from handoff.models import Case
from handoff.reporting import Section, report
from readiness.management.base import AnsweringCommand
from readiness.management.naming import service_named
from readiness.management.printing import print_sections


class Command(AnsweringCommand):
    """`handback-report SLUG`."""

    help = (
        "Print the newest handback of a service: trigger, evidence, findings, plan, progress, decisions. "
        "Exit status: 0, or 3 or more: no such service, or no handback of it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which service."""
        parser.add_argument("slug", metavar="SLUG", help="a service's slug or alias")

    def answer(self, **options: Any) -> int:
        """Print it; 0, since a report is no verdict."""
        service = service_named(options["slug"])
        case = service.cases.filter(kind=Case.Kind.HANDBACK).select_related("service", "repair_owner").first()
        if case is None:
            raise CommandError(f"{service.slug} was never proposed for a handback")
        print_sections(self, _laid_out(report(case)), options)
        return 0


def _laid_out(sections: list[Section]) -> Iterator[RenderableType]:
    for section in sections:
        yield Text(f"\n{section.title}", style="bold")
        if section.says:
            yield Text(section.says)
        if section.rows:
            table = Table(*section.head, show_header=bool(section.head))
            for row in section.rows:
                table.add_row(*map(Text, row))
            yield table

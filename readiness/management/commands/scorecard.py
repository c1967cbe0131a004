"""Shows one service's scorecard: the verdict first, then all it rests on, down to single rows."""

import json
from datetime import datetime
from typing import Any, NoReturn

from django.core.management.base import CommandError, CommandParser

from readiness.management.base import AnsweringCommand
from readiness.management.moments import moment
from readiness.management.naming import service_named
from readiness.management.printing import print_sections
from readiness.management.scorecard_table import View, sections
from readiness.models import Service, Waiver
from readiness.reading import latest, rendered


class Command(AnsweringCommand):
    """`scorecard SLUG [--at T] [--format table|json]`."""

    help = (
        "Show a service's newest scorecard, or the newest one at or before a moment. It judges nothing: "
        "`evaluate` does. Exit status: 0 whatever the verdict, 3 or more: no such service, or no judgement."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which service, as of when, for whom."""
        parser.add_argument("slug", metavar="SLUG", help="a service's slug or alias")
        parser.add_argument("--at", type=moment, metavar="T", help="the newest judgement at or before T")
        parser.add_argument("--format", choices=["table", "json"], default="table")

    def answer(self, **options: Any) -> int:
        """Show it; 0, since a scorecard is no gate."""
        service, at = service_named(options["slug"]), options["at"]
        scorecard = latest(service, at) or _missing(service, at)
        card = rendered(scorecard, explain=True)
        if options["format"] == "json":
            self.stdout.write(json.dumps(card, indent=2 if self.stdout.isatty() else None))
        else:
            view = View(card, service.title, at, waivers=_waivers(card), made_up=service.made_up)
            print_sections(self, sections(view), options)
        return 0


def _missing(service: Service, at: datetime | None) -> NoReturn:
    """Say that there is no judgement, and what makes one. Raises ``CommandError`` always."""
    if at is None:
        raise CommandError(
            f"{service.slug} has not been judged yet: judge it with `evaluate --service {service.slug}`"
        )
    raise CommandError(
        f"{service.slug} has no judgement as of {at.isoformat()} or before: make one with "
        f"`evaluate --at {at.isoformat()} --service {service.slug}`"
    )


def _waivers(card: dict[str, Any]) -> tuple[str, ...]:
    """The waivers that the verdicts relied on, in words."""
    ids = {pk for verdict in card["verdicts"].values() if verdict for pk in verdict["waivers"]}
    return tuple(
        f"{each.target} until {each.ends_at:%Y-%m-%d}, approved by {each.approver}: {each.reason}"
        for each in Waiver.objects.filter(pk__in=ids).order_by("pk")
    )

"""Shows one service's scorecard: the verdict first, then all it rests on, down to single rows."""

import json
from datetime import datetime
from difflib import get_close_matches
from io import BytesIO, TextIOWrapper
from typing import Any, NoReturn

from django.core.management.base import CommandError, CommandParser
from rich.console import Console

from readiness.management.base import AnsweringCommand
from readiness.management.moments import moment
from readiness.management.scorecard_table import View, sections
from readiness.models import Service, ServiceAlias, Waiver
from readiness.reading import latest, rendered

WIDTH = 100
SUGGESTED = 3


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
        service, at = _service(options["slug"]), options["at"]
        scorecard = latest(service, at) or _missing(service, at)
        card = rendered(scorecard, explain=True)
        if options["format"] == "json":
            self.stdout.write(json.dumps(card, indent=2 if self.stdout.isatty() else None))
        else:
            self._print(View(card, service.title, asked=at, waivers=_waivers(card)), options)
        return 0

    def _print(self, view: View, options: dict[str, Any]) -> None:
        """Write the table in a terminal's width and colours, or plainly where there is none."""
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        page = TextIOWrapper(BytesIO(), encoding, errors="replace", newline="")
        terminal = self.stdout.isatty() or options["force_color"]
        no_color = options["no_color"] or None  # None: as NO_COLOR says
        console = Console(file=page, force_terminal=terminal, no_color=no_color, highlight=False)
        console.width = min(console.width, WIDTH) if terminal else WIDTH
        for section in sections(view):
            console.print(section, soft_wrap=isinstance(section, str), markup=False)
        page.seek(0)
        self.stdout.write("\n".join(line.rstrip() for line in page))


def _service(name: str) -> Service:
    """The service with this slug or alias. Raises ``CommandError`` that names those spelt alike."""
    found = Service.objects.named(name).first()
    if found is not None:
        return found
    names = set(Service.objects.values_list("slug", flat=True))
    names.update(ServiceAlias.objects.values_list("name", flat=True))
    alike = get_close_matches(name, sorted(names), n=SUGGESTED)
    hint = f"; did you mean {' or '.join(alike)}?" if alike else ""
    raise CommandError(f"no service or alias is called {name}{hint}")


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

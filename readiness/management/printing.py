"""Prints what commands lay out with rich: in the terminal's width and colours, or plainly without one."""

from collections.abc import Iterable
from io import BytesIO, TextIOWrapper
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console, RenderableType

WIDTH = 100


def print_sections(command: BaseCommand, sections: Iterable[RenderableType], options: dict[str, Any]) -> None:
    """Write sections to a command's output; a plain ``str`` stays in one line, however long it is."""
    out = command.stdout
    encoding = getattr(out, "encoding", None) or "utf-8"
    page = TextIOWrapper(BytesIO(), encoding, errors="replace", newline="")
    terminal = out.isatty() or options["force_color"]
    no_color = options["no_color"] or None  # None: as NO_COLOR says
    console = Console(file=page, force_terminal=terminal, no_color=no_color, highlight=False)
    console.width = min(console.width, WIDTH) if terminal else WIDTH
    for section in sections:
        console.print(section, soft_wrap=isinstance(section, str), markup=False)
    page.seek(0)
    out.write("\n".join(line.rstrip() for line in page))

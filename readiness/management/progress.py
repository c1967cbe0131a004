"""The bar that long commands show on a terminal, and on nothing else."""

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def progress(doing: str, total: int) -> Progress:
    """A bar of one task on standard error, to be used as a context."""
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    bar = Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty())
    bar.add_task(doing, total=total)
    return bar

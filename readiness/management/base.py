"""The base of our commands: exit statuses below 3 are answers, whatever went wrong is 3 or more.

Django ends errors with 1 and argparse with 2, so that an outage could read as a verdict.
"""

import sys
import traceback
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

COULD_NOT_RUN = 3
BROKEN = 4
"""A fault of ours; a traceback tells where."""
INTERRUPTED = 130


class AnsweringCommand(BaseCommand):
    """A command whose exit status is its answer: ``answer`` does the work and returns it, 0 to 2.

    ``CommandError``, ``OSError`` and database errors mean that it could not run: one line, and exit 3.
    """

    status = 0

    def answer(self, **options: Any) -> int:
        """Do the work; the exit status."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        """Keep the answer in ``status``, where a caller that is no shell finds it."""
        self.status = self.answer(**options)

    def run_from_argv(self, argv: Sequence[str]) -> None:
        """Run from a command line, and exit."""
        sys.exit(self._run(argv))

    def _run(self, argv: Sequence[str]) -> int:
        try:
            super().run_from_argv(list(argv))
        except SystemExit as ended:  # argparse and CommandError; --help ends with 0
            return COULD_NOT_RUN if ended.code else 0
        except (CommandError, DatabaseError, OSError) as error:
            self.stderr.write(f"{type(error).__name__}: {error}".strip())
            return COULD_NOT_RUN
        except KeyboardInterrupt:
            return INTERRUPTED
        except Exception:  # noqa: BLE001 - a fault of ours must not look like an answer
            traceback.print_exc()
            return BROKEN
        return self.status

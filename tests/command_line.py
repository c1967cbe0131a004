"""Commands as tests call them: inside this process with the fleet at hand, or as a shell would."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command

from readiness.management.base import AnsweringCommand

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command ended with and wrote."""

    status: int
    out: str

    @property
    def lines(self) -> list[str]:
        """What it wrote, line by line."""
        return self.out.splitlines()

    @property
    def documents(self) -> list[dict[str, Any]]:
        """What it wrote, a JSON document a line."""
        return [json.loads(line) for line in self.lines]

    @property
    def flat(self) -> str:
        """What it wrote, as if lines had no end: where a sentence breaks depends on the width."""
        return " ".join(self.out.split())


def answer(command: AnsweringCommand, *arguments: str, **options: Any) -> Answer:
    """Call a command in this process; what makes it exit with 3 is raised."""
    out = StringIO()
    call_command(command, *arguments, stdout=out, **options)
    return Answer(command.status, out.getvalue())


def shell(*arguments: str, database: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run manage.py as a shell would, for its real exit status."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "ENV_FILE": os.devnull,
            "DEBUG": "true",
            "CELERY_BROKER_URL": "memory://",
            "DATABASE_URL": database,
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )

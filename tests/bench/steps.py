"""The measured steps of the benchmark, each in a process of its own: ``python -m tests.bench.steps STEP …``.

A step prints one line of JSON. Peak memory is that of the process, as the operating system counts it.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, ParamSpec, TypeVar
from unittest.mock import patch

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 - Django must be set up before its models
from django.db import connection  # noqa: E402

from readiness import evaluation  # noqa: E402
from readiness.evaluation.writing import write  # noqa: E402
from readiness.measures import measure  # noqa: E402
from readiness.models import Scorecard, Service  # noqa: E402
from readiness.models.scorecard import Kind  # noqa: E402
from readiness.scoring import judge  # noqa: E402
from tests.bench.fleet import AT  # noqa: E402

P = ParamSpec("P")
R = TypeVar("R")
REPEATS = 20


class Stopwatch:
    """Adds up the seconds spent in the functions it times."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, function: Callable[P, R]) -> Callable[P, R]:
        """The same function, timed."""

        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            begun = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - begun

        return call


def import_folder(folder: str) -> dict[str, Any]:
    """Import a fleet folder through the command that people use."""
    begun = time.perf_counter()
    call_command("import_fleet", folder, format="json")
    return {"seconds": time.perf_counter() - begun}


def evaluate() -> dict[str, Any]:
    """Judge the whole fleet once, split into queries (measuring), scoring and writing."""
    watches = {name: Stopwatch() for name in ("queries", "scoring", "writing")}
    begun = time.perf_counter()
    with (
        patch("readiness.evaluation.judging.measure", watches["queries"].timed(measure)),
        patch("readiness.evaluation.judging.judge", watches["scoring"].timed(judge)),
        patch("readiness.evaluation.runs.write", watches["writing"].timed(write)),
    ):
        run = evaluation.run(evaluation.request(AT, kind=Kind.REPLAY))
    total = time.perf_counter() - begun
    return {
        "total": total,
        **{name: watch.seconds for name, watch in watches.items()},
        "written": run.written,
        "failed": run.failed,
        "scored": _scored(),
    }


def _scored() -> float:
    """The share of criteria that came out with a score; read one by one, so that memory is not its own."""
    scored = judged = 0
    for numbers in Scorecard.objects.values_list("numbers", flat=True).iterator(chunk_size=500):
        scores = [each["score"] for each in numbers["criteria"].values()]
        scored += len(scores) - scores.count(None)
        judged += len(scores)
    return scored / judged


def rejudge() -> dict[str, Any]:
    """Judge single services again, as after new evidence; milliseconds, median."""
    evaluation.run(evaluation.request(AT))
    took: list[float] = []
    for pk in Service.objects.order_by("pk").values_list("pk", flat=True)[:REPEATS]:
        begun = time.perf_counter()
        evaluation.run(evaluation.request(AT, [pk]))
        took.append((time.perf_counter() - begun) * 1000)
    return {"milliseconds": median(took)}


def analyze() -> dict[str, Any]:
    """What a database does by itself within minutes of an import."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    return {}


STEPS: dict[str, Callable[..., dict[str, Any]]] = {
    "import": import_folder,
    "analyze": analyze,
    "evaluate": evaluate,
    "rejudge": rejudge,
}


def main(arguments: Sequence[str]) -> None:
    """Run a step and print what it measured."""
    step, *rest = arguments
    measured = STEPS[step](*rest)
    measured["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

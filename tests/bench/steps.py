"""The measured steps of the benchmark, each in a process of its own: ``python -m tests.bench.steps STEP …``.

A step prints one line of JSON. Peak memory is that of the process, as the operating system counts it.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, ParamSpec, TypeVar
from unittest.mock import patch

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402 - Django must be set up before its models
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from readiness import clock, evaluation, simulation  # noqa: E402
from readiness.evaluation.writing import write  # noqa: E402
from readiness.evidence import Kind, Rejection, parse_object  # noqa: E402
from readiness.ingest import Ingest  # noqa: E402
from readiness.measures import measure  # noqa: E402
from readiness.models import Rejudgement, Scorecard, Service  # noqa: E402
from readiness.models.scorecard import Kind as ScorecardKind  # noqa: E402
from readiness.scoring import judge  # noqa: E402
from tests.bench.fleet import AT, SOURCE, YEAR  # noqa: E402
from tests.bench.pages import pages  # noqa: E402
from tests.candidates import easier_telemetry, policy_with  # noqa: E402
from tests.machines import Machine  # noqa: E402
from tests.rest import ROOT  # noqa: E402

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
        run = evaluation.run(evaluation.request(AT, kind=ScorecardKind.REPLAY))
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
    """Judge single services again after a new row of evidence each; milliseconds, median.

    Timed is what the workers do once the change has settled: ask for the evaluation, and judge. The clock
    stands at ``AT``.
    """
    evaluation.run(evaluation.request(AT))
    took: list[float] = []
    with patch("readiness.clock.now", return_value=AT):
        for pk, slug in Service.objects.order_by("pk").values_list("pk", "slug")[:REPEATS]:
            stated = {**_INCIDENT, "service": slug, "id": f"rejudge-{pk}"}
            Ingest(AT).store(Kind.INCIDENT, [(0, parse_object(Kind.INCIDENT, stated, AT))], refuse=_never)
            Rejudgement.objects.update(due_at=clock.real_now())
            begun = time.perf_counter()
            run = evaluation.rejudge_due()
            assert run is not None, slug
            for batch in run.batches.values_list("pk", flat=True):
                evaluation.run_batch(batch)
            took.append((time.perf_counter() - begun) * 1000)
            assert Scorecard.objects.filter(evaluation=run, service=pk).exists(), slug
    return {"milliseconds": median(took)}


_INCIDENT = {
    "source": "bench",
    "severity": 3,
    "title": "slow",
    "started_at": (AT - timedelta(days=1)).isoformat(),
    "resolved_at": (AT - timedelta(hours=23)).isoformat(),
}


def _never(place: int, rejection: Rejection) -> None:
    raise AssertionError(rejection)


def post(folder: str) -> dict[str, Any]:
    """POST rows of several kinds in full lists, and bring the same rows in by COPY; rows a second of each."""
    settings.ALLOWED_HOSTS = ["testserver"]
    machine = Machine(source=SOURCE)
    posting = copying = 0.0
    rows = 0
    for kind, (path, table) in POSTED.items():
        records = _new_rows(Path(folder) / f"{kind}.jsonl", POSTED_ROWS)
        before = _highest_key(table)
        for start in range(0, len(records), LIST):
            body = json.dumps(records[start : start + LIST])
            begun = time.perf_counter()
            response = machine.client.post(
                f"{ROOT}{path}/", body, content_type="application/json", secure=True
            )
            posting += time.perf_counter() - begun
            assert response.json()["counts"]["created"] == len(records[start : start + LIST]), path
        copying += _copied_again(table, before)
        rows += len(records)
    return {"rows": rows, "rows_per_second": rows / posting, "floor": rows / copying}


POSTED = {
    "deployments": ("deployments", "readiness_deployment"),
    "pages": ("pages", "readiness_page"),
    "defects": ("defects", "readiness_defect"),
    "pipeline_runs": ("pipeline-runs", "readiness_pipelinerun"),
}
POSTED_ROWS, LIST = 5_000, 1_000


def _new_rows(file: Path, number: int) -> list[dict[str, Any]]:
    """The first rows of a file under other names, so that nobody has them yet."""
    with file.open(encoding="utf-8") as lines:
        return [{**row, "id": f"{row['id']}-posted"} for row in map(json.loads, islice(lines, number))]


def _highest_key(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max(id), 0) FROM {table}")
        return int(cursor.fetchone()[0])


def _copied_again(table: str, after: int) -> float:
    """Take the rows after a key out and bring them in again by COPY; the seconds that bringing in took."""
    connection.ensure_connection()
    with connection.connection.cursor() as cursor:
        with cursor.copy(f"COPY (SELECT * FROM {table} WHERE id > {after}) TO STDOUT") as copy:
            text = b"".join(bytes(part) for part in copy)
        cursor.execute(f"DELETE FROM {table} WHERE id > {after}")
        begun = time.perf_counter()
        with cursor.copy(f"COPY {table} FROM STDIN") as copy:
            copy.write(text)
        return time.perf_counter() - begun


def simulate() -> dict[str, Any]:
    """Judge a year, week by week, under a candidate without storing; beside as many evaluations."""
    trial = simulation.Trial(evaluation.parsed(evaluation.in_force()), policy_with(easier_telemetry))
    at = simulation.moments(AT - YEAR, AT, timedelta(days=7))
    begun = time.perf_counter()
    result = simulation.simulate(trial, at)
    ours = time.perf_counter() - begun
    begun = time.perf_counter()
    for moment in at:
        evaluation.run(evaluation.request(moment, kind=ScorecardKind.REPLAY))
    theirs = time.perf_counter() - begun
    return {"moments": len(result["moments"]), "seconds": ours, "floor": theirs}


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
    "post": post,
    "pages": pages,
    "simulate": simulate,
}


def main(arguments: Sequence[str]) -> None:
    """Run a step and print what it measured."""
    step, *rest = arguments
    measured = STEPS[step](*rest)
    measured["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

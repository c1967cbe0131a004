"""``make bench``: generates a fleet, feeds, judges, simulates and shows it, each beside its floor.

The floor of an evaluation is hand-written SQL, that of a POST the same rows by COPY, that of a page the same
rows by hand as JSON, that of a simulation as many evaluations.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.bench.fleet import generate

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DATABASE = "handoff_bench"
LEAST_SCORED = 0.95
COLUMNS = (
    "database",
    "services",
    "rows",
    "import rows/s",
    "import MB",
    "queries",
    "scoring",
    "writing",
    "total",
    "floor",
    "ratio",
    "peak MB",
    "scored",
    "one service ms",
)
Measured = dict[str, Any]


def main() -> int:
    """Measure every size on every database; 1 when too few criteria were scored or a page is too slow."""
    options = _options()
    results: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="handoff-bench-") as temporary:
        for services in options.services:
            folder = Path(temporary) / f"fleet-{services}"
            rows = _generate(folder, services)
            for database in options.databases:
                if database == "postgresql" or services <= options.sqlite_up_to:
                    results.append(_measure(database, folder, services=services, rows=rows, options=options))
                    _print(results)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    too_few = [each for each in results if each["evaluation"]["scored"] < LEAST_SCORED]
    for each in too_few:
        sys.stderr.write(f"{each['database']}, {each['services']} services: too few criteria were scored\n")
    too_slow = [(each, page) for each in results for page in _too_slow(each)]
    for each, page in too_slow:
        sys.stderr.write(f"{each['database']}, {each['services']} services: the {page} page is too slow\n")
    return 1 if too_few or too_slow else 0


def _too_slow(measured: Measured) -> list[str]:
    pages = measured.get("pages", {})
    return [name for name, page in pages.items() if page["milliseconds"] > page["bound"]]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, nargs="+", default=[1_000, 5_000, 10_000])
    parser.add_argument(
        "--databases", nargs="+", choices=["postgresql", "sqlite"], default=["postgresql", "sqlite"]
    )
    parser.add_argument("--sqlite-up-to", type=int, default=1_000, help="larger fleets skip SQLite")
    parser.add_argument("--simulate-at", type=int, default=1_000, help="the fleet that is simulated")
    parser.add_argument("--pages-at", type=int, default=5_000, help="the fleet whose pages are opened")
    parser.add_argument(
        "--server", default="postgres://root@127.0.0.1:5432/postgres", help="may create databases"
    )
    parser.add_argument("--json", type=Path, default=ROOT / "var" / "bench.json")
    return parser.parse_args()


def _generate(folder: Path, services: int) -> int:
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(f"making up {services} services", total=services)
        return generate(folder, services, advanced=lambda: progress.advance(bar))


def _measure(
    database: str, folder: Path, *, services: int, rows: int, options: argparse.Namespace
) -> Measured:
    with _database(database, options.server) as address:
        environment = {**os.environ, "DATABASE_URL": address, "DEBUG": "false", "SECRET_KEY": "bench" * 12}
        _run(["manage.py", "migrate", "--verbosity", "0"], environment)
        imported = _step(environment, "import", str(folder))
        _step(environment, "analyze")
        measured: Measured = {
            "database": database,
            "services": services,
            "rows": rows,
            "import": {**imported, "rows_per_second": rows / imported["seconds"]},
            "evaluation": _step(environment, "evaluate"),
            "rejudge": _step(environment, "rejudge"),
        }
        if database == "postgresql":
            measured["floor"] = _floor(address, services)
            measured["ratio"] = measured["evaluation"]["total"] / measured["floor"]["floor"]
            measured["post"] = _step(environment, "post", str(folder))
            if services == options.pages_at:
                measured["pages"] = _step(environment, "pages")["pages"]
            if services == options.simulate_at:
                measured["simulation"] = _step(environment, "simulate")
        return measured


@contextmanager
def _database(database: str, server: str) -> Iterator[str]:
    """The address of an empty database, gone afterwards."""
    if database == "sqlite":
        with tempfile.TemporaryDirectory(prefix="handoff-bench-") as folder:
            yield f"sqlite:///{folder}/bench.sqlite3"
        return
    with psycopg.connect(server, autocommit=True) as connection:
        name = sql.Identifier(DATABASE)
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name)
        connection.execute(drop)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{DATABASE}"))
        finally:
            connection.execute(drop)


def _floor(address: str, services: int) -> Measured:
    """The hand-written SQL, on rows of its own in the same database."""
    floor: Measured = json.loads(_run([str(HERE / "floor.py"), address, str(services)], dict(os.environ)))
    return floor


def _step(environment: Mapping[str, str], *arguments: str) -> Measured:
    step: Measured = json.loads(_run(["-m", "tests.bench.steps", *arguments], environment).splitlines()[-1])
    return step


def _run(arguments: list[str], environment: Mapping[str, str]) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=dict(environment), check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def _print(results: list[Measured]) -> None:
    table = Table(title="One evaluation of a fleet with a year of evidence (seconds)")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for each in results:
        table.add_row(*_cells(each))
    console = Console(width=160)
    console.print(table)
    for sentence in _sentences(results):
        console.print(sentence)


def _sentences(results: list[Measured]) -> Iterator[str]:
    if growth := _growth(results):
        yield f"Growth from the smallest to the largest fleet: {growth:.2f} times the floor's own growth."
    for each in results:
        of = f"{each['services']:,} services"
        if post := each.get("post"):
            ratio = post["floor"] / post["rows_per_second"]
            yield (
                f"{of}: POST in lists {post['rows_per_second']:,.0f} rows/s, the same rows by COPY "
                f"{post['floor']:,.0f} rows/s ({ratio:.1f} times)."
            )
        for name, page in each.get("pages", {}).items():
            yield (
                f"{of}: the {name} page {page['milliseconds']:.0f} ms in {page['queries']} queries, by hand "
                f"{page['floor']:.1f} ms, allowed {page['bound']:.0f} ms."
            )
        if simulated := each.get("simulation"):
            ratio = simulated["seconds"] / simulated["floor"]
            yield (
                f"{of}: {simulated['moments']} moments simulated in {simulated['seconds']:.1f} s, as many "
                f"evaluations {simulated['floor']:.1f} s ({ratio:.2f} times)."
            )


def _cells(each: Measured) -> list[str]:
    run = each["evaluation"]
    return [
        each["database"],
        f"{each['services']:,}",
        f"{each['rows']:,}",
        f"{each['import']['rows_per_second']:,.0f}",
        f"{each['import']['peak_mb']:.0f}",
        *(f"{run[name]:.2f}" for name in ("queries", "scoring", "writing", "total")),
        f"{each['floor']['floor']:.2f}" if "floor" in each else "",
        f"{each['ratio']:.1f}" if "ratio" in each else "",
        f"{run['peak_mb']:.0f}",
        f"{run['scored']:.1%}",
        f"{each['rejudge']['milliseconds']:.0f}",
    ]


def _growth(results: list[Measured]) -> float | None:
    """How much faster than the floor the evaluation grows with the fleet."""
    held = sorted((each for each in results if "floor" in each), key=lambda each: int(each["services"]))
    if len(held) < 2:
        return None
    first, last = held[0], held[-1]
    ours = last["evaluation"]["total"] / first["evaluation"]["total"]
    return float(ours / (last["floor"]["floor"] / first["floor"]["floor"]))


if __name__ == "__main__":
    sys.exit(main())

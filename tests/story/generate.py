"""Writes the story fleet's folder, fixtures/story or another: `python -m tests.story.generate [FOLDER]`."""

import gzip
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from readiness.evidence import FILES
from tests.story.catalogue import catalogue
from tests.story.changes import tell_changes
from tests.story.chronicle import TIMES, Chronicle, Row
from tests.story.deciding import decision_rows
from tests.story.organisation import people_rows
from tests.story.plot import KINDS
from tests.story.plots import PLOTS
from tests.story.readme import readme
from tests.story.spans import feed_rows, tell_dependencies, tell_shadows, tell_shifts, tell_signals
from tests.story.trouble import tell_pages, tell_troubles
from tests.story.work import tell_defects, tell_observations, tell_work

FOLDER = Path(__file__).parents[2] / "fixtures" / "story"
ZIPPED = frozenset({"deployment", "pipeline_run", "page", "shift", "work_item"})
"""Kinds with so many rows that their file is zipped."""
NAMES = {kind.value: name for name, kind in FILES.items()}
"""Files are named for many, kinds for one."""
TELLERS = (
    tell_changes,
    tell_troubles,
    tell_pages,
    tell_defects,
    tell_work,
    tell_observations,
    tell_signals,
    tell_dependencies,
    tell_shifts,
    tell_shadows,
)


def write(folder: Path) -> None:
    """Write all files of the fleet; the same bytes each time."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "catalog-info.yaml").write_text(catalogue(), encoding="utf-8")
    (folder / "README.md").write_text(readme(), encoding="utf-8")
    _write_lines(folder / "people.jsonl", people_rows())
    _write_lines(folder / "feeds.jsonl", feed_rows(PLOTS))
    told = _rows()
    for kind, rows in told.items():
        ending = ".jsonl.gz" if kind in ZIPPED else ".jsonl"
        _write_lines(folder / f"{NAMES[kind]}{ending}", rows)
    _write_lines(folder / "decisions.jsonl", decision_rows(told["page"]))


def _rows() -> dict[str, list[Row]]:
    """All rows by kind, in order of time."""
    rows: dict[str, list[Row]] = {kind: [] for kind in KINDS}
    for plot in PLOTS:
        chronicle = Chronicle(plot)
        for tell in TELLERS:
            tell(chronicle)
        for kind, told in chronicle.rows.items():
            rows[kind] += told
    return {kind: sorted(told, key=_in_time) for kind, told in rows.items()}


def _in_time(row: Row) -> tuple[str, str]:
    moment = next(row[name] for name in TIMES.values() if name in row)
    return moment, row["id"]


def _write_lines(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()
    # a time of its making inside the file would make each one another
    path.write_bytes(gzip.compress(lines, mtime=0) if path.suffix == ".gz" else lines)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)

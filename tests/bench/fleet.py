"""Generates a made-up fleet with a year of evidence a service, as a folder that ``import_fleet`` reads.

The rows of a service are those ``floor.py`` counts: 200 deployments, 10 incidents, 60 pages, 80 defects,
10 signals, 6 dependencies, 100 pipeline runs, 12 shifts, 30 work items, 4 observations and 10 feeds.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, TextIO

AT = datetime(2026, 8, 21, tzinfo=UTC)
YEAR = timedelta(days=365)
SOURCE = "made-up"
ROWS_A_SERVICE = 512
FEED_KINDS = (
    "deployment",
    "incident",
    "page",
    "defect",
    "signal",
    "dependency",
    "pipeline_run",
    "shift",
    "work_item",
    "observation",
)
SIGNALS = (
    "latency",
    "traffic",
    "errors",
    "saturation",
    "logs",
    "alert",
    "dashboard",
    "runbook",
    "slo",
    "traces",
)
ROLES = ("developer", "tester", "architect", "manager", "ops")
Row = dict[str, Any]


def generate(
    folder: Path, services: int, *, seed: int = 20260821, advanced: Callable[[], None] | None = None
) -> int:
    """Write a fleet of so many services into ``folder``; the number of evidence rows (feeds among them)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "catalog-info.yaml").write_text("\n".join(_catalogue(services)), encoding="utf-8")
    random = Random(seed)
    rows = 0
    with ExitStack() as stack:
        files: dict[str, TextIO] = {
            kind: stack.enter_context((folder / f"{_stem(kind)}.jsonl").open("w", encoding="utf-8"))
            for kind in (*FEED_KINDS, "feed")
        }
        for number in range(services):
            for kind, row in _service(number, services, random):
                files[kind].write(json.dumps(row) + "\n")
                rows += 1
            if advanced:
                advanced()
    return rows


def _stem(kind: str) -> str:
    return {"dependency": "dependencies"}.get(kind, f"{kind}s")


def slug(number: int) -> str:
    """The name of the service of this number."""
    return f"made-up-{number:05d}"


def _catalogue(services: int) -> Iterator[str]:
    zones = ("Europe/Berlin", "America/Chicago", "Asia/Tokyo", "UTC")
    for team in range(max(1, services // 10)):
        annotations = json.dumps({"handoff/time-zone": zones[team % len(zones)]})
        yield (
            f"---\napiVersion: backstage.io/v1alpha1\nkind: Group\n"
            f"metadata: {{name: team-{team}, annotations: {annotations}}}\nspec: {{type: team}}"
        )
    for number in range(services):
        annotations = json.dumps(
            {
                "handoff/tier": str(1 + number % 4),
                "handoff/launched-on": "2025-01-01",
                "handoff/management-state": ("developer_managed", "ops_managed")[number % 2],
            }
        )
        owner = f"team-{number % max(1, services // 10)}"
        yield (
            f"---\napiVersion: backstage.io/v1alpha1\nkind: Component\n"
            f"metadata: {{name: {slug(number)}, annotations: {annotations}}}\n"
            f"spec: {{type: service, lifecycle: production, owner: {owner}}}"
        )


def _service(number: int, services: int, random: Random) -> Iterator[tuple[str, Row]]:
    name = slug(number)

    def row(kind: str, index: int, /, **fields: Any) -> tuple[str, Row]:
        return kind, {"service": name, "source": SOURCE, "id": f"{name}-{kind}-{index}", **fields}

    yield from _changes(row, random, name)
    yield from _disturbances(row, random, name)
    yield from _work(row, random, name)
    yield from _edges(row, random, number, services)
    for kind in FEED_KINDS:
        spans = {"since": "2025-06-01T00:00:00Z", "last_seen_at": _text(AT)}
        failures = {"reports_failures": True} if kind == "deployment" else {}
        yield "feed", {"source": SOURCE, "kind": kind, "services": [name], **spans, **failures}


Maker = Callable[..., tuple[str, Row]]


def _changes(row: Maker, random: Random, name: str) -> Iterator[tuple[str, Row]]:
    for index in range(200):
        begun = _moment(random)
        ended = begun + timedelta(minutes=6)
        fields: Row = {
            "environment": "production",
            "started_at": _text(begun),
            "finished_at": _text(ended),
            "outcome": "succeeded",
            "automated": random.random() < 0.9,
            "commits": 1 + int(random.random() * 8),
            "first_commit_at": _text(begun - timedelta(days=4) * random.random()),
            "verification": "passed" if random.random() < 0.97 else "failed",
            "verified_at": _text(ended + timedelta(minutes=10)),
        }
        if index and random.random() < 0.03:
            fields["remediates"] = f"{name}-deployment-{index - 1}"
            fields["remediation"] = random.choice(("toggle_off", "fix_forward", "rollback"))
        yield row("deployment", index, **fields)
    for index in range(100):
        begun = _moment(random)
        yield row(
            "pipeline_run",
            index,
            pipeline="build",
            branch="main",
            started_at=_text(begun),
            finished_at=_text(begun + timedelta(minutes=10)),
            outcome="succeeded" if random.random() < 0.9 else "failed",
            tests_run=400,
        )


def _disturbances(row: Maker, random: Random, name: str) -> Iterator[tuple[str, Row]]:
    for index in range(10):
        begun = _moment(random)
        cause = random.choice(("code", "dependency", "design", "capacity"))
        blamed = {"caused_by": f"{name}-deployment-{index}"} if cause in ("code", "design") else {}
        yield row(
            "incident",
            index,
            severity=1 + int(random.random() * 5),
            title="made up",
            started_at=_text(begun),
            resolved_at=_text(begun + timedelta(hours=2) * random.random()),
            detected_by="alert" if random.random() < 0.7 else "person",
            cause=cause,
            **blamed,
        )
    for index in range(60):
        begun = _moment(random)
        named = {"incident": f"{name}-incident-{index % 10}"} if random.random() < 0.3 else {}
        yield row(
            "page",
            index,
            paged_at=_text(begun),
            acknowledged_at=_text(begun + timedelta(minutes=10) * random.random()),
            actionable=random.random() < 0.8,
            responder=f"person-{index % 6}",
            responder_role=random.choice(ROLES),
            **named,
        )
    for index in range(12):
        begun = AT - YEAR + timedelta(days=30) * index
        yield row(
            "shift",
            index,
            person=f"person-{index % 6}",
            role=ROLES[index % 5],
            starts_at=_text(begun),
            ends_at=_text(begun + timedelta(days=7)),
        )


def _work(row: Maker, random: Random, name: str) -> Iterator[tuple[str, Row]]:
    for index in range(80):
        opened = _moment(random)
        closed = opened + timedelta(days=20) * random.random()
        fields: Row = (
            {"closed_at": _text(closed), "reopened": int(random.random() < 0.05)}
            if random.random() < 0.9
            else {}
        )
        yield row(
            "defect",
            index,
            severity=1 + int(random.random() * 4),
            title="made up",
            opened_at=_text(opened),
            found_in="production" if random.random() < 0.6 else "pre_production",
            kind=random.choice(("design", "code", "configuration", "other")),
            **fields,
        )
    for index in range(30):
        opened = _moment(random)
        yield row(
            "work_item",
            index,
            category=random.choice(("feature", "incident", "technical_debt", "non_functional")),
            title="made up",
            opened_at=_text(opened),
            closed_at=_text(opened + timedelta(days=20) * random.random()),
            effort_hours=1 + int(random.random() * 20),
        )
    for index in range(4):
        named = {"work_item": f"{name}-work_item-{index}"} if random.random() < 0.5 else {}
        yield row(
            "observation",
            index,
            observer_role=random.choice(ROLES),
            observed=random.choice(("client", "downstream")),
            observed_at=_text(_moment(random)),
            finding="made up",
            **named,
        )


def _edges(row: Maker, random: Random, number: int, services: int) -> Iterator[tuple[str, Row]]:
    for index, signal in enumerate(SIGNALS):
        seen = {"first_seen_at": "2025-01-01T00:00:00Z", "last_seen_at": _text(AT)}
        yield row("signal", index, signal=signal, environment="production", **seen)
    for index in range(6):
        yield row(
            "dependency",
            index,
            on=slug(int(random.random() * services)),
            type=random.choice(("sync", "async", "async", "build", "shared_database")),
            criticality=random.choice(("hard", "soft")),
        )


def _moment(random: Random) -> datetime:
    return AT - YEAR * random.random()


def _text(moment: datetime) -> str:
    return min(moment, AT + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")

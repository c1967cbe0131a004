"""Reads the worked fleet (fixtures/vectors) into facts without a database: files, merging, folding."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from readiness.backstage import ServiceEntry, read_catalogue
from readiness.evidence import FILES, KEYS, FeedRecord, Kind, parse_line, statement
from readiness.evidence.reading import Rejection
from readiness.facts import (
    BlameRow,
    DefectRow,
    DeploymentRow,
    EdgeRow,
    FeedSpan,
    InboundEdge,
    IncidentRow,
    ObservationRow,
    PageRow,
    Period,
    RemedyRow,
    RowKey,
    RowRef,
    RunRow,
    ServiceFacts,
    ShiftRow,
    SignalRow,
    Standing,
    coverage,
)
from readiness.folding import Rows, Spans, WorkRow, fold
from readiness.hours import Classifier, Hours
from readiness.merge import StoredRow
from readiness.merge import fold as merge

FOLDER = Path(__file__).parent.parent / "fixtures" / "vectors"
WINDOW_DAYS = 180.0
LOOK_BACK_DAYS = 270.0
Values = Mapping[str, Any]


def expected() -> dict[str, Any]:
    """What the worked fleet must come out as: ``{"at": …, "services": {slug: …}}``."""
    document: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text())
    return document


class WorkedFleet:
    """All rows of the folder, merged; :meth:`facts` are those of a service when ``expected.json`` says."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.at = datetime.fromisoformat(expected()["at"])
        self.period = Period(self.at, WINDOW_DAYS)
        catalogue = read_catalogue((folder / "catalog-info.yaml").read_bytes())
        self.services = {entry.slug: entry for entry in catalogue.services}
        self.hours = {team.slug: team.hours for team in catalogue.teams}
        self.slugs = {
            name: entry.slug for entry in catalogue.services for name in (entry.slug, *entry.aliases)
        }
        self.feeds = list(self._spans(folder))
        self.rows: dict[Kind, list[Values]] = {
            kind: list(self._merged(folder, name, kind))
            for name, kind in FILES.items()
            if kind is not Kind.FEED
        }

    def facts(self, slug: str) -> ServiceFacts:
        """Everything one service is judged by."""
        entry = self.services[slug]
        feeds = {
            kind.value: coverage(
                [span for service, span in self.feeds if service == slug and span.kind == kind],
                self.period,
                silence_days=7,
                minimum_days=30,
            )
            for kind in Kind
        }
        launched = entry.launched_on is None or entry.launched_on <= self.at.date()
        live = entry.lifecycle == "live" and launched
        base = ServiceFacts(
            service=slug,
            period=self.period,
            tier=entry.tier,
            lifecycle=str(entry.lifecycle),
            launched_on=entry.launched_on,
            components=entry.components,
            standing=Standing(entry.management_state if live else None),
            feeds=feeds,
            reports_failures=any(
                span.reports_failures and span.last_seen_at + timedelta(days=7) >= self.at
                for service, span in self.feeds
                if service == slug and span.kind == "deployment"
            ),
        )
        return fold(base, self._rows(entry), Spans())

    def _spans(self, folder: Path) -> Iterator[tuple[str, FeedSpan]]:
        for record in self._records(folder, "feeds", Kind.FEED):
            assert isinstance(record, FeedRecord)
            if record.since > self.at:
                continue
            span = FeedSpan(
                record.kind.value,
                str(record.source),
                record.since,
                record.last_seen_at,
                reports_failures=bool(record.reports_failures),
            )
            named = (
                self.services if "*" in record.services else [self.slugs[name] for name in record.services]
            )
            yield from ((slug, span) for slug in named)

    @staticmethod
    def _records(folder: Path, name: str, kind: Kind) -> Iterator[Any]:
        path = folder / f"{name}.jsonl"
        for line in path.read_bytes().splitlines() if path.exists() else ():
            record = parse_line(kind, line, datetime(2026, 12, 1, tzinfo=UTC))
            assert not isinstance(record, Rejection), f"{name}: {record}"
            yield record

    def _merged(self, folder: Path, name: str, kind: Kind) -> Iterator[Values]:
        """The rows that count, after all statements about them."""
        stored: dict[Any, StoredRow] = {}
        arrival = datetime(2026, 12, 1, tzinfo=UTC)
        for record in self._records(folder, name, kind):
            said = statement(record, service=self.slugs.get(record.service))
            stored[said.key] = merge(stored.get(said.key), said, arrival)
            arrival += timedelta(microseconds=1)
        for key, row in stored.items():
            if not (row.values["drill"] or row.values["withdrawn"]):
                yield {**row.values, **dict(zip(KEYS[kind], key, strict=True)), "kind_of_row": kind.value}

    def _own(self, kind: Kind, slug: str) -> list[Values]:
        return [row for row in self.rows[kind] if row["service"] == slug]

    def _rows(self, entry: ServiceEntry) -> Rows:
        slug = entry.slug
        own = {
            (row["source"], row["id"])
            for row in self._own(Kind.DEPLOYMENT, slug)
            if row["environment"] == "production" and self._in_window(row["started_at"]) and self._ended(row)
        }
        return Rows(
            defects=tuple(self._defects(slug)),
            incidents=tuple(self._incidents(entry)),
            pages=tuple(self._pages(entry)),
            signals=tuple(self._signals(slug)),
            edges=tuple(self._edges(entry)),
            inbound=tuple(
                InboundEdge(row["service"], row["type"], row["criticality"] == "hard")
                for row in self._live_edges
                if self.slugs.get(row["on"]) == slug
            ),
            deployments=tuple(
                self._deployment(row)
                for row in self._own(Kind.DEPLOYMENT, slug)
                if (row["source"], row["id"]) in own
            ),
            remedies=tuple(each for each in self._remedies if each.target in own),
            blames=tuple(each for each in self._blames if each.target in own),
            other_environments=tuple(
                _ref(row)
                for row in self._own(Kind.DEPLOYMENT, slug)
                if row["environment"] != "production"
                and self._in_window(row["started_at"])
                and self._ended(row)
            ),
            runs=tuple(self._runs(entry)),
            shifts=tuple(self._shifts(slug)),
            work=tuple(
                WorkRow(_ref(row), row["category"], row["effort_hours"])
                for row in self._own(Kind.WORK_ITEM, slug)
                if row["closed_at"] and self._in_window(row["closed_at"])
            ),
            observations=tuple(self._observations(slug)),
        )

    def _slug(self, name: str) -> str:
        return self.slugs.get(name, name)

    def _in_window(self, moment: datetime) -> bool:
        return self.period.holds(moment)

    def _by_now(self, moment: datetime | None) -> datetime | None:
        return moment if moment is not None and moment <= self.at else None

    def _ended(self, row: Values) -> bool:
        return bool(
            row["started_at"] <= self.at and (row["finished_at"] is None or row["finished_at"] <= self.at)
        )

    def _classifier(self, entry: ServiceEntry) -> Classifier:
        return Classifier(self.hours.get(entry.owner or "", Hours()))

    def _defects(self, slug: str) -> Iterator[DefectRow]:
        for row in self._own(Kind.DEFECT, slug):
            closed_at = self._by_now(row["closed_at"])
            if row["opened_at"] <= self.at and (closed_at is None or closed_at > self.period.start):
                yield DefectRow(
                    _ref(row),
                    row["severity"],
                    row["opened_at"],
                    closed_at=closed_at,
                    reopened=row["reopened"],
                    found_in=row["found_in"],
                    kind=row["kind"],
                )

    @cached_property
    def _deployed(self) -> frozenset[tuple[str, str]]:
        """The production deployments of any service that count at T."""
        rows = self.rows[Kind.DEPLOYMENT]
        return frozenset(
            (row["source"], row["id"])
            for row in rows
            if row["environment"] == "production" and self._ended(row)
        )

    def _incidents(self, entry: ServiceEntry) -> Iterator[IncidentRow]:
        hours = self._classifier(entry)
        back = self.at - timedelta(days=LOOK_BACK_DAYS)
        for row in self._own(Kind.INCIDENT, entry.slug):
            resolved_at = self._by_now(row["resolved_at"])
            relevant = row["severity"] <= 2 or resolved_at is None or resolved_at >= back
            if row["started_at"] > self.at or not relevant:
                continue
            caused_by = _key(row, "caused_by")
            yield IncidentRow(
                _ref(row),
                row["severity"],
                row["started_at"],
                resolved_at=resolved_at,
                detected_by=row["detected_by"],
                cause=row["cause"],
                caused_by=caused_by,
                attributed=caused_by is not None and tuple(caused_by) in self._deployed,
                after_hours=hours.after_hours(row["started_at"]),
                night=hours.night(row["started_at"]),
            )

    def _pages(self, entry: ServiceEntry) -> Iterator[PageRow]:
        hours = self._classifier(entry)
        for row in self._own(Kind.PAGE, entry.slug):
            if self._in_window(row["paged_at"]):
                yield PageRow(
                    _ref(row),
                    row["paged_at"],
                    acknowledged_at=self._by_now(row["acknowledged_at"]),
                    incident=_key(row, "incident"),
                    actionable=row["actionable"],
                    after_hours=hours.after_hours(row["paged_at"]),
                    night=hours.night(row["paged_at"]),
                    responder=row["responder"],
                    responder_role=row["responder_role"],
                )

    def _signals(self, slug: str) -> Iterator[SignalRow]:
        for row in self._own(Kind.SIGNAL, slug):
            if row["first_seen_at"] <= self.at and row["last_seen_at"] > self.period.start:
                yield SignalRow(
                    _ref(row), row["signal"], row["component"], row["environment"], row["last_seen_at"]
                )

    @cached_property
    def _live_edges(self) -> list[Values]:
        stale = self.at - timedelta(days=30)
        return [
            row
            for row in self.rows[Kind.DEPENDENCY]
            if (row["first_seen_at"] is None or row["first_seen_at"] <= self.at)
            and (row["last_seen_at"] is None or row["last_seen_at"] >= stale)
            and self._slug(row["on"]) != row["service"]
        ]

    def _edges(self, entry: ServiceEntry) -> Iterator[EdgeRow]:
        for row in self._live_edges:
            if row["service"] == entry.slug:
                target = self._slug(row["on"])
                yield EdgeRow(
                    _ref(row),
                    target,
                    row["type"],
                    row["criticality"] == "hard",
                    target_tier=self.services[target].tier if target in self.services else None,
                    same_cycle=row["type"] == "sync" and self._reaches(target, entry.slug),
                )

    def _reaches(self, begin: str, end: str) -> bool:
        """Whether synchronous edges lead from one service to another."""
        seen, ahead = {begin}, [begin]
        while ahead:
            here = ahead.pop()
            if here == end:
                return True
            for row in self._live_edges:
                target = self._slug(row["on"])
                if row["service"] == here and row["type"] == "sync" and target not in seen:
                    seen.add(target)
                    ahead.append(target)
        return False

    def _deployment(self, row: Values) -> DeploymentRow:
        ended_at = row["finished_at"] or row["started_at"]
        verified = (row["verified_at"] or ended_at) <= self.at
        return DeploymentRow(
            _ref(row),
            row["started_at"],
            row["finished_at"],
            row["outcome"],
            remediates=row["remediates_id"] is not None,
            remediation=row["remediation"],
            automated=row["automated"],
            commits=row["commits"],
            first_commit_at=row["first_commit_at"],
            verification=row["verification"] if verified else None,
            verified_at=row["verified_at"] if verified else None,
        )

    @cached_property
    def _remedies(self) -> list[RemedyRow]:
        return [
            RemedyRow(_ref(row), target, row["finished_at"] or row["started_at"], row["remediation"])
            for row in self.rows[Kind.DEPLOYMENT]
            if row["environment"] == "production"
            and row["outcome"] == "succeeded"
            and self._ended(row)
            and (target := _key(row, "remediates")) is not None
        ]

    @cached_property
    def _blames(self) -> list[BlameRow]:
        return [
            BlameRow(_ref(row), target, row["started_at"], self._by_now(row["resolved_at"]))
            for row in self.rows[Kind.INCIDENT]
            if row["severity"] <= 4
            and row["started_at"] <= self.at
            and (target := _key(row, "caused_by")) is not None
        ]

    def _runs(self, entry: ServiceEntry) -> Iterator[RunRow]:
        branches: Iterable[str | None] = (
            {entry.default_branch, None} if entry.default_branch else {"main", "master", None}
        )
        for row in self._own(Kind.PIPELINE_RUN, entry.slug):
            counts = row["outcome"] in ("succeeded", "failed") and row["branch"] in branches
            if counts and self._in_window(row["started_at"]) and self._ended(row):
                yield RunRow(
                    _ref(row),
                    row["pipeline"],
                    row["started_at"],
                    row["finished_at"],
                    succeeded=row["outcome"] == "succeeded",
                    tests_run=row["tests_run"],
                    responders=row["responders"],
                )

    def _shifts(self, slug: str) -> Iterator[ShiftRow]:
        for row in self._own(Kind.SHIFT, slug):
            begin, end = max(row["starts_at"], self.period.start), min(row["ends_at"], self.at)
            if end > begin:
                yield ShiftRow(_ref(row), row["person"], row["role"], (end - begin).total_seconds() / 3600)

    def _observations(self, slug: str) -> Iterator[ObservationRow]:
        closed = {
            (row["source"], row["id"])
            for row in self.rows[Kind.WORK_ITEM]
            if row["closed_at"] is not None and row["closed_at"] <= self.at
        }
        for row in self._own(Kind.OBSERVATION, slug):
            if self._in_window(row["observed_at"]):
                work = _key(row, "work_item")
                yield ObservationRow(
                    _ref(row),
                    row["observer_role"],
                    row["observed"],
                    row["observed_at"],
                    names_work=work is not None,
                    done=work is not None and tuple(work) in closed,
                )


def _ref(row: Values) -> RowRef:
    return RowRef(row["kind_of_row"], row["source"], row["id"], row.get("url"), row.get("title"))


def _key(row: Values, reference: str) -> RowKey | None:
    found = row[f"{reference}_id"]
    return None if found is None else RowKey(row[f"{reference}_source"], found)

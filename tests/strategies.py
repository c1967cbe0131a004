"""Hypothesis strategies: services near the border between ready and not, as rows and their feeds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

from hypothesis import strategies as st

from readiness.facts import (
    NO_COVERAGE,
    BlameRow,
    Coverage,
    DefectRow,
    DeploymentRow,
    EdgeRow,
    FeedStatus,
    InboundEdge,
    IncidentRow,
    ObservationRow,
    PageRow,
    RemedyRow,
    RowKey,
    RowRef,
    RunRow,
    ServiceFacts,
    ShiftRow,
    SignalRow,
    Standing,
)
from readiness.folding import Rows, Spans, WorkRow, fold
from tests.judged import AT, KINDS, OBSERVED, service

SPANS = Spans()
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
ELSEWHERE = "elsewhere"
"""The source of other services' rows: they stay when this service's are taken away."""

T = TypeVar("T")


@dataclass(frozen=True)
class Story:
    """One service as judgement meets it: the catalogue, standing and feeds, and the rows."""

    base: ServiceFacts
    rows: Rows

    @cached_property
    def facts(self) -> ServiceFacts:
        """What the service is judged by."""
        return fold(self.base, self.rows, SPANS)

    def __repr__(self) -> str:
        """Only what differs between two stories."""
        feeds = {kind: each.status.value for kind, each in self.base.feeds.items()}
        return f"Story({self.base.tier=}, {self.base.standing=}, {feeds=}, {self.rows!r})"


def silenced(story: Story, kind: str) -> Story:
    """The same service without its feeds of one kind and without its rows of that kind; others' rows stay."""
    feeds = {name: each for name, each in story.base.feeds.items() if name != kind}
    base = replace(
        story.base, feeds=feeds, reports_failures=story.base.reports_failures and kind != "deployment"
    )
    rows = story.rows
    own = [each.ref for name in _FIELDS for each in getattr(rows, name) if each.ref.source != ELSEWHERE]
    for ref in {*own, *rows.other_environments}:
        if ref.kind == kind:
            rows = rows.without(ref)
    return Story(base, rows)


_FIELDS = (
    "defects",
    "incidents",
    "pages",
    "signals",
    "edges",
    "deployments",
    "remedies",
    "blames",
    "runs",
    "shifts",
    "work",
    "observations",
)


def days_ago(most: float = 179) -> st.SearchStrategy[datetime]:
    """A moment of the window, to the quarter of an hour."""
    return st.integers(1, int(most * 96)).map(lambda quarters: AT - timedelta(minutes=15 * quarters))


def maybe(values: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    """Sometimes nothing is known."""
    return st.none() | values


def coverages() -> st.SearchStrategy[Coverage]:
    """Mostly an observed feed; sometimes each of the other answers."""
    short = replace(
        OBSERVED,
        status=FeedStatus.TOO_SHORT,
        observed_days=20.0,
        first_covered=AT - timedelta(days=20),
        stretches=((AT - timedelta(days=20), AT),),
    )
    quiet = AT - timedelta(days=9)
    silent = replace(
        OBSERVED,
        status=FeedStatus.SILENT,
        observed_days=171.0,
        stretches=((AT - timedelta(days=400), quiet),),
        last_heard=quiet,
    )
    return st.sampled_from([OBSERVED] * 24 + [NO_COVERAGE, silent, short])


def _after(begun: datetime, hours: float | None) -> datetime | None:
    """The end of something that took so long; ``None`` after T, or where it has none."""
    end = None if hours is None else begun + timedelta(hours=hours)
    return end if end is not None and end <= AT else None


def _rows(make: Callable[[st.DrawFn, str], T], name: str, most: int) -> st.SearchStrategy[tuple[T, ...]]:
    """Up to so many rows, numbered."""

    @st.composite
    def rows(draw: st.DrawFn) -> tuple[T, ...]:
        return tuple(make(draw, f"{name}-{number}") for number in range(draw(st.integers(0, most))))

    return rows()


def _defect(draw: st.DrawFn, name: str) -> DefectRow:
    opened = draw(days_ago())
    return DefectRow(
        RowRef("defect", "jira", name),
        draw(st.sampled_from([1, 2, 3, 3, 4, 4, 4])),
        opened,
        _after(opened, draw(st.sampled_from([None, 24, 24, 240, 240]))),
        draw(st.sampled_from([None, 0, 0, 0, 1])),
        draw(st.sampled_from([None, "production", "pre_production"])),
        draw(st.sampled_from([None, "code", "design", "configuration"])),
    )


def _incident(draw: st.DrawFn, name: str) -> IncidentRow:
    begun = draw(days_ago(250))
    return IncidentRow(
        RowRef("incident", "pager", name),
        draw(st.sampled_from([1, 2, 3, 3, 4, 4, 4, 5])),
        begun,
        _after(begun, draw(st.sampled_from([0.25, 0.25, 0.5, 4, 30, None]))),
        draw(st.sampled_from([None, "alert", "alert", "alert", "person"])),
        draw(st.sampled_from([None, "unknown", "dependency", "capacity", "code", "design"])),
        after_hours=draw(st.booleans()),
        night=draw(st.booleans()),
    )


def _page(draw: st.DrawFn, name: str) -> PageRow:
    paged = draw(days_ago())
    after_hours = draw(st.booleans())
    return PageRow(
        RowRef("page", "pager", name),
        paged,
        _after(paged, draw(st.sampled_from([None, 0.05, 0.05, 0.2, 2]))),
        draw(maybe(st.sampled_from([RowKey("pager", f"inc-{number}") for number in range(3)]))),
        draw(st.sampled_from([None, True, True, True, False])),
        after_hours=after_hours,
        night=after_hours and draw(st.booleans()),
        responder=draw(maybe(st.sampled_from(["ann", "bob"]))),
        responder_role="developer",
    )


def _edge(draw: st.DrawFn, name: str) -> EdgeRow:
    return EdgeRow(
        RowRef("dependency", "catalogue", name),
        f"service-{draw(st.integers(0, 9))}",
        draw(st.sampled_from(["sync", "sync", "async", "shared_database", "build"])),
        draw(st.booleans()),
        draw(maybe(st.integers(1, 4))),
        draw(st.sampled_from([False] * 9 + [True])),
    )


def _deployment(draw: st.DrawFn, name: str) -> DeploymentRow:
    begun = draw(days_ago())
    return DeploymentRow(
        RowRef("deployment", "ci", name),
        begun,
        _after(begun, draw(st.sampled_from([None, 0.25, 0.5]))),
        draw(st.sampled_from(["succeeded"] * 8 + ["failed", "cancelled"])),
        draw(st.sampled_from([False] * 9 + [True])),
        draw(st.sampled_from([None, "rollback", "fix_forward"])),
        draw(st.sampled_from([None, True, True, True, False])),
        draw(maybe(st.integers(1, 12))),
        draw(maybe(st.integers(1, 200).map(lambda hours: begun - timedelta(hours=hours)))),
        draw(st.sampled_from([None] * 6 + ["passed"] * 3 + ["failed", "inconclusive"])),
    )


def _run(draw: st.DrawFn, name: str) -> RunRow:
    begun = draw(days_ago())
    return RunRow(
        RowRef("pipeline_run", "ci", name),
        draw(st.sampled_from(["main", "main", "nightly"])),
        begun,
        _after(begun, draw(st.sampled_from([None, 0.25, 1]))),
        draw(st.sampled_from([True, True, True, False])),
        draw(maybe(st.integers(0, 99))),
        draw(maybe(st.integers(0, 5))),
    )


def _shift(draw: st.DrawFn, name: str) -> ShiftRow:
    role = draw(st.sampled_from(["developer", "tester", "manager", "ops"]))
    return ShiftRow(
        RowRef("shift", "rota", name), draw(st.sampled_from("abcd")), role, draw(st.integers(1, 96)) / 2
    )


def _work(draw: st.DrawFn, name: str) -> WorkRow:
    category = draw(st.sampled_from(["feature", "incident", "technical_debt", "non_functional"]))
    return WorkRow(RowRef("work_item", "jira", name), category, draw(maybe(st.integers(0, 40).map(float))))


def _observation(draw: st.DrawFn, name: str) -> ObservationRow:
    names_work = draw(st.booleans())
    return ObservationRow(
        RowRef("observation", "wiki", name),
        draw(st.sampled_from(["developer", "manager", "ops"])),
        draw(st.sampled_from(["client", "downstream"])),
        draw(days_ago()),
        names_work,
        names_work and draw(st.booleans()),
    )


@st.composite
def _signals(draw: st.DrawFn) -> tuple[SignalRow, ...]:
    """All signals in production but for a few, some of them stale or of one component; a few elsewhere."""
    missing = draw(st.lists(st.sampled_from(SIGNALS), max_size=2))
    stale = draw(st.lists(st.sampled_from(SIGNALS), max_size=1))
    partial = draw(st.lists(st.sampled_from(SIGNALS), max_size=1))
    before = draw(st.lists(st.sampled_from(SIGNALS), max_size=3, unique=True))
    seen = AT - timedelta(hours=1)
    rows = [
        SignalRow(
            RowRef("signal", "grafana", name),
            name,
            "api" if name in partial else None,
            draw(st.sampled_from([None, "production"])),
            AT - timedelta(days=30) if name in stale else seen,
        )
        for name in SIGNALS
        if name not in missing
    ]
    rows += [
        SignalRow(RowRef("signal", "grafana", f"{name}-staging"), name, None, "staging", seen)
        for name in before
    ]
    return tuple(rows)


@st.composite
def _links(draw: st.DrawFn, rows: Rows) -> Rows:
    """Lets incidents and deployments, the service's own and others', name its deployments."""
    targets = [RowKey(row.ref.source, row.ref.id) for row in rows.deployments]
    if not targets:
        return rows
    named: dict[RowRef, RowKey] = {}
    for row in rows.incidents:
        if row.severity <= 4 and draw(st.integers(0, 3)) == 0:
            named[row.ref] = draw(st.sampled_from(targets))
    own = [
        BlameRow(row.ref, named[row.ref], row.started_at, row.resolved_at)
        for row in rows.incidents
        if row.ref in named
    ]
    others = [draw(_blame_from_elsewhere(targets)) for _ in range(draw(st.sampled_from([0, 0, 0, 1])))]
    mending = [
        RemedyRow(row.ref, draw(st.sampled_from(targets)), row.ended_at, row.remediation)
        for row in rows.deployments
        if row.remediates and row.outcome == "succeeded"
    ]
    mending += [
        RemedyRow(
            RowRef("deployment", ELSEWHERE, "fix"),
            draw(st.sampled_from(targets)),
            draw(days_ago()),
            "rollback",
        )
        for _ in range(draw(st.sampled_from([0, 0, 0, 1])))
    ]
    return replace(
        rows,
        incidents=tuple(
            row._replace(caused_by=named.get(row.ref), attributed=row.ref in named) for row in rows.incidents
        ),
        blames=(*own, *others),
        # A row that names itself is read as if it named nothing.
        remedies=tuple(each for each in mending if each.target != (each.ref.source, each.ref.id)),
    )


def _blame_from_elsewhere(targets: Sequence[RowKey]) -> st.SearchStrategy[BlameRow]:
    return st.builds(
        lambda target, begun, hours: BlameRow(
            RowRef("incident", ELSEWHERE, "outage"), target, begun, _after(begun, hours)
        ),
        st.sampled_from(targets),
        days_ago(),
        st.sampled_from([0.5, 30, None]),
    )


def _own_rows(**most: int) -> st.SearchStrategy[Rows]:
    limits = {
        "defects": 3,
        "incidents": 4,
        "pages": 4,
        "edges": 4,
        "deployments": 12,
        "runs": 8,
        "shifts": 5,
        "work": 12,
        "observations": 4,
        **most,
    }
    return st.builds(
        Rows,
        defects=_rows(_defect, "def", limits["defects"]),
        incidents=_rows(_incident, "inc", limits["incidents"]),
        pages=_rows(_page, "pag", limits["pages"]),
        signals=_signals(),
        edges=_rows(_edge, "dep", limits["edges"]),
        inbound=st.lists(
            st.builds(
                InboundEdge,
                st.sampled_from(["cart", "web"]),
                st.sampled_from(["sync", "sync", "shared_database"]),
                st.booleans(),
            ),
            max_size=2,
        ).map(tuple),
        deployments=_rows(_deployment, "ci", limits["deployments"]),
        other_environments=st.sampled_from([(), (), (RowRef("deployment", "ci", "staging-1"),)]),
        runs=_rows(_run, "run", limits["runs"]),
        shifts=_rows(_shift, "shi", limits["shifts"]),
        work=_rows(_work, "wor", limits["work"]),
        observations=_rows(_observation, "obs", limits["observations"]),
    )


@st.composite
def stories(
    draw: st.DrawFn,
    /,
    *,
    state: str | None = None,
    feeds: st.SearchStrategy[Coverage] | None = None,
    **most: int,
) -> Story:
    """A service with a handful of rows of every kind; ``most`` bounds how many (``incidents=2``)."""
    base = service(
        state or draw(st.sampled_from(["developer_managed", "ops_managed"])),
        tier=draw(st.integers(1, 4)),
        components=draw(st.sampled_from([(), ("api", "worker")])),
        reports_failures=draw(st.booleans()),
        feeds={kind: draw(coverages() if feeds is None else feeds) for kind in KINDS},
    )
    handback_at = draw(st.sampled_from([None, None, None, AT - timedelta(days=120), AT - timedelta(days=40)]))
    base = replace(base, standing=Standing(base.standing.state, handback_at))
    return Story(base, draw(_links(draw(_own_rows(**most)))))


def steady_deployments() -> tuple[DeploymentRow, ...]:
    """Thirty small changes, by machine, over the window."""
    rows: list[DeploymentRow] = []
    for number in range(30):
        begun = AT - timedelta(days=5 + 5 * number)
        ref = RowRef("deployment", "ci", f"good-{number}")
        rows.append(
            DeploymentRow(
                ref,
                begun,
                begun + timedelta(minutes=10),
                "succeeded",
                automated=True,
                commits=3,
                first_commit_at=begun - timedelta(hours=20),
            )
        )
    return tuple(rows)


@st.composite
def nearly_ready(draw: st.DrawFn, *, state: str) -> Story:
    """A service that would be fine, but for one or two kinds of rows that may spoil it."""
    observed = st.just(OBSERVED)
    spoilt = draw(stories(state=state, feeds=observed))
    good: dict[str, Any] = {
        "defects": (),
        "incidents": (),
        "blames": (),
        "pages": (),
        "signals": tuple(
            SignalRow(RowRef("signal", "grafana", each), each, None, None, AT) for each in SIGNALS
        ),
        "edges": (),
        "inbound": (),
        "deployments": steady_deployments(),
        "remedies": (),
        "other_environments": (),
    }
    bad = draw(st.sets(st.sampled_from(sorted(good)), max_size=2))
    if bad & {"blames", "remedies", "incidents"}:
        bad |= {"deployments"}
    kept = {name: rows for name, rows in good.items() if name not in bad}
    if "deployments" in bad:
        kept["deployments"] = (*spoilt.rows.deployments, *steady_deployments())
    return Story(spoilt.base, replace(spoilt.rows, **kept))

"""What weighs: the rows without which a score would rise most, and those that blockers rest on."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from readiness.criteria import BY_SLUG
from readiness.criteria.defects import DEFECTS
from readiness.criteria.outcome import Outcome
from readiness.facts import ChangeFacts, DeploymentRow, IncidentRow, RowKey, RowRef, ServiceFacts
from readiness.folding import (
    Rows,
    Spans,
    change_facts,
    defect_facts,
    fold,
    pipeline_facts,
    work_tallies,
)
from readiness.policy import Policy
from readiness.rubric import Rubric

WEIGHTIEST = 5
# A person closes a handful of defects to get somewhere; a longer list is no advice.
MOST_CLOSINGS = 20

Identity = tuple[str, str, str]
N = TypeVar("N", int, float)


class Weighty(NamedTuple):
    """A row, the criterion's score if it were left out, and by how much that is more."""

    ref: RowRef
    without: float
    rise: float


class Closing(NamedTuple):
    """An open defect, and what the open load and the score become once it and all before it are closed."""

    ref: RowRef
    load: float
    score: float


class Basis(NamedTuple):
    """A row that a blocker rests on."""

    code: str
    ref: RowRef


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the numbers alone do not say; by criterion."""

    weightiest: Mapping[str, tuple[Weighty, ...]] = field(default_factory=dict)
    """At most five, the weightiest first; each raises the score when it is left out."""
    blockers: Mapping[str, tuple[Basis, ...]] = field(default_factory=dict)
    closings: tuple[Closing, ...] = ()
    """Open defects in the order in which closing them tells most."""


def explain(base: ServiceFacts, rows: Rows, policy: Policy, *, spans: Spans) -> Explanation:
    """Find what weighs, by judging again without each row in turn.

    ``base`` has the service, its feeds and its standing. A row is left out as if its source had withdrawn it:
    everything that it plays a part in is counted again.
    """
    ground = Ground(base, rows, fold(base, rows, spans), spans)
    rubric = policy.rubric(base.tier)
    outcomes = {slug: BY_SLUG[slug].judge(ground.facts, rubric) for slug in rubric.criteria}
    return Explanation(
        weightiest=_weightiest(ground, rubric, outcomes),
        blockers=_blockers(rows, outcomes),
        closings=_closings(ground, rubric),
    )


@dataclass(frozen=True, slots=True)
class Ground:
    """The rows of one service, and the facts they fold to."""

    base: ServiceFacts
    rows: Rows
    facts: ServiceFacts
    spans: Spans


def _refs(rows: Rows) -> dict[Identity, RowRef]:
    """Every evidence row once, whatever parts it plays."""
    refs: dict[Identity, RowRef] = {}
    for each in fields(rows):
        # Inbound edges are rows of other services that carry no reference.
        for row in getattr(rows, each.name) if each.name != "inbound" else ():
            ref = row if isinstance(row, RowRef) else row.ref
            refs.setdefault(ref[:3], ref)
    return refs


def _weightiest(
    ground: Ground, rubric: Rubric, outcomes: Mapping[str, Outcome]
) -> dict[str, tuple[Weighty, ...]]:
    # Nothing can raise a full score, and what has none cannot rise.
    scores = {
        slug: score for slug, each in outcomes.items() if (score := each.score) is not None and score < 100
    }
    readers: dict[str, list[str]] = defaultdict(list)
    for slug in scores:
        for kind in BY_SLUG[slug].evidence_kinds:
            readers[kind].append(slug)
    found: dict[str, list[Weighty]] = defaultdict(list)
    for ref in _refs(ground.rows).values():
        if readers[ref.kind]:
            facts = without(ground, ref)
            for slug in readers[ref.kind]:
                score = BY_SLUG[slug].judge(facts, rubric).score
                if score is not None and score > scores[slug]:
                    found[slug].append(Weighty(ref, score, round(score - scores[slug], 2)))
    return {
        slug: tuple(sorted(each, key=lambda row: (-row.rise, row.ref[:3]))[:WEIGHTIEST])
        for slug, each in found.items()
    }


def _blockers(rows: Rows, outcomes: Mapping[str, Outcome]) -> dict[str, tuple[Basis, ...]]:
    blockers = [(slug, each) for slug, outcome in outcomes.items() for each in outcome.blockers if each.rows]
    if not blockers:
        return {}
    named = {f"{ref.kind}/{ref.name}": ref for ref in _refs(rows).values()}
    found: dict[str, list[Basis]] = defaultdict(list)
    for slug, blocker in blockers:
        found[slug] += [Basis(blocker.code, named[name]) for name in blocker.rows if name in named]
    return {slug: tuple(each) for slug, each in found.items()}


def _closings(ground: Ground, rubric: Rubric) -> tuple[Closing, ...]:
    """The open defects, worst first and of equals the oldest, each closed at T on top of those before it."""
    if DEFECTS.slug not in rubric.criteria:
        return ()
    at = ground.base.period.at
    rows = list(ground.rows.defects)
    still_open = [index for index, row in enumerate(rows) if row.closed_at is None]
    still_open.sort(key=lambda index: (rows[index].severity, rows[index].opened_at, rows[index].ref[:3]))
    closings: list[Closing] = []
    for index in still_open[:MOST_CLOSINGS]:
        rows[index] = rows[index]._replace(closed_at=at)
        facts = replace(ground.facts, defects=defect_facts(rows, ground.base, ground.spans))
        outcome = DEFECTS.judge(facts, rubric)
        if outcome.score is None:
            return ()
        load = next(part.value for part in outcome.parts if part.name == "open_load")
        closings.append(Closing(rows[index].ref, load or 0, outcome.score))
    return tuple(closings)


def without(ground: Ground, ref: RowRef) -> ServiceFacts:
    """The facts without one row; only what rows of its kind play a part in is folded again."""
    return _REFOLD[ref.kind](ground, ref[:3])


def _kept(rows: Sequence[Any], identity: Identity) -> tuple[Any, ...]:
    return tuple([row for row in rows if row.ref[:3] != identity])


def _without_defect(ground: Ground, identity: Identity) -> ServiceFacts:
    rows = _kept(ground.rows.defects, identity)
    return replace(ground.facts, defects=defect_facts(rows, ground.base, ground.spans))


def _without_incident(ground: Ground, identity: Identity) -> ServiceFacts:
    facts = replace(ground.facts, incidents=_kept(ground.facts.incidents, identity))
    blames = _kept(ground.rows.blames, identity)
    if len(blames) == len(ground.rows.blames):
        return facts
    rows = replace(ground.rows, blames=blames)
    return replace(facts, changes=change_facts(rows, ground.base, ground.spans))


def _without_deployment(ground: Ground, identity: Identity) -> ServiceFacts:
    row = next((each for each in ground.rows.deployments if each.ref[:3] == identity), None)
    incidents = tuple(_unattributed(ground.facts.incidents, identity))
    if row is not None and _stands_alone(ground, row):
        changes = _without_plain_change(ground, row)
    else:
        changes = change_facts(_rows_without_deployment(ground.rows, identity), ground.base, ground.spans)
    return replace(ground.facts, incidents=incidents, changes=changes)


def _rows_without_deployment(rows: Rows, identity: Identity) -> Rows:
    return replace(
        rows,
        deployments=_kept(rows.deployments, identity),
        remedies=_kept(rows.remedies, identity),
        other_environments=tuple(ref for ref in rows.other_environments if ref[:3] != identity),
    )


def _unattributed(incidents: Iterable[IncidentRow], identity: Identity) -> Iterator[IncidentRow]:
    """A reference to a row that is gone resolves to nothing, and attributes no incident."""
    key = RowKey(*identity[1:])
    for row in incidents:
        yield row._replace(attributed=False) if row.attributed and row.caused_by == key else row


def _stands_alone(ground: Ground, row: DeploymentRow) -> bool:
    """Whether it is a plain change that mends nothing, so that it can be taken from the counts again."""
    key = RowKey(row.ref.source, row.ref.id)
    if row.outcome != "succeeded" or row.remediates or row.verification is not None:
        return False
    spoken_of = [each.target for each in ground.rows.remedies] + [each.target for each in ground.rows.blames]
    return key not in spoken_of


def _without_plain_change(ground: Ground, row: DeploymentRow) -> ChangeFacts:
    """The counts of :func:`~readiness.folding.change_facts` less one: most rows are such, and cheap so."""
    base, changes = ground.base, ground.facts.changes
    plain, since, at = changes.plain, base.coverage("deployment").first_covered, base.period.at
    asked = row.started_at <= at - timedelta(days=ground.spans.proving)
    return replace(
        changes,
        production=changes.production - 1,
        plain=replace(
            plain,
            total=plain.total - 1,
            in_rate=plain.in_rate - (since is not None and row.started_at >= since),
            recent=plain.recent - (row.started_at > at - timedelta(days=ground.spans.recent)),
            automated=plain.automated - (row.automated is True),
            manual=plain.manual - (row.automated is False),
            commits=_less(plain.commits, row.commits),
            lead_hours=_less(plain.lead_hours, row.lead_hours),
        ),
        verified=replace(changes.verified, total=changes.verified.total - asked),
    )


def _less(values: tuple[N, ...], value: N | None) -> tuple[N, ...]:
    if value is None:
        return values
    place = values.index(value)
    return values[:place] + values[place + 1 :]


def _without_page(ground: Ground, identity: Identity) -> ServiceFacts:
    return replace(ground.facts, pages=_kept(ground.facts.pages, identity))


def _without_signal(ground: Ground, identity: Identity) -> ServiceFacts:
    return replace(ground.facts, signals=_kept(ground.facts.signals, identity))


def _without_dependency(ground: Ground, identity: Identity) -> ServiceFacts:
    return replace(ground.facts, edges=_kept(ground.facts.edges, identity))


def _without_run(ground: Ground, identity: Identity) -> ServiceFacts:
    runs = _kept(ground.rows.runs, identity)
    return replace(ground.facts, pipeline=pipeline_facts(runs, ground.base.period, ground.spans))


def _without_shift(ground: Ground, identity: Identity) -> ServiceFacts:
    return replace(ground.facts, shifts=_kept(ground.facts.shifts, identity))


def _without_work_item(ground: Ground, identity: Identity) -> ServiceFacts:
    return replace(ground.facts, work=work_tallies(_kept(ground.rows.work, identity)))


def _without_observation(ground: Ground, identity: Identity) -> ServiceFacts:
    return replace(ground.facts, observations=_kept(ground.facts.observations, identity))


_REFOLD: Mapping[str, Callable[[Ground, Identity], ServiceFacts]] = {
    "defect": _without_defect,
    "incident": _without_incident,
    "deployment": _without_deployment,
    "page": _without_page,
    "signal": _without_signal,
    "dependency": _without_dependency,
    "pipeline_run": _without_run,
    "shift": _without_shift,
    "work_item": _without_work_item,
    "observation": _without_observation,
}

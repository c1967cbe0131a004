"""Measures: the only writers of facts, by a constant number of queries for any number of services."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from readiness.facts import ServiceFacts
from readiness.folding import Rows
from readiness.measures import catalogue, changes, defects, graph, incidents, people, pipelines, telemetry
from readiness.measures.graph import Cycles
from readiness.measures.scope import Scope

__all__ = ["Cycles", "Scope", "measure", "rows_of"]


def measure(scope: Scope, looped: Cycles) -> dict[int, ServiceFacts]:
    """The facts of every service of the scope, by key. What is numerous is counted by the database."""
    services = catalogue.service_facts(scope)
    faults = defects.defect_facts(scope, services)
    disturbed = incidents.incident_rows(scope)
    paged = incidents.page_rows(scope)
    seen = telemetry.signal_rows(scope)
    edges = graph.edge_rows(scope, looped)
    callers = graph.inbound_edges(scope)
    changed = changes.change_facts(scope, services)
    built = pipelines.pipeline_facts(scope)
    carried = people.shift_rows(scope)
    worked = people.work_tallies(scope)
    observed = people.observation_rows(scope)
    return {
        pk: replace(
            facts,
            defects=faults.get(pk, facts.defects),
            incidents=tuple(disturbed.get(pk, ())),
            pages=tuple(paged.get(pk, ())),
            signals=tuple(seen.get(pk, ())),
            edges=tuple(edges.get(pk, ())),
            inbound=tuple(callers.get(pk, ())),
            changes=changed.get(pk, facts.changes),
            pipeline=built.get(pk, facts.pipeline),
            shifts=tuple(carried.get(pk, ())),
            work=worked.get(pk, ()),
            observations=tuple(observed.get(pk, ())),
        )
        for pk, facts in services.items()
    }


def rows_of(scope: Scope, looped: Cycles) -> dict[int, tuple[ServiceFacts, Rows]]:
    """Each service with every evidence row it is judged by: what explaining needs."""
    services = catalogue.service_facts(scope)
    deployed = changes.deployment_rows(scope)
    remedies, blames = changes.spoken_against(scope)
    by_kind: dict[str, Mapping[int, Sequence[Any]]] = {
        "defects": defects.defect_rows(scope),
        "incidents": incidents.incident_rows(scope),
        "pages": incidents.page_rows(scope),
        "signals": telemetry.signal_rows(scope),
        "edges": graph.edge_rows(scope, looped),
        "inbound": graph.inbound_edges(scope),
        "deployments": deployed,
        "remedies": remedies,
        "blames": blames,
        "other_environments": changes.elsewhere_rows(scope),
        "runs": pipelines.run_rows(scope),
        "shifts": people.shift_rows(scope),
        "work": people.work_rows(scope),
        "observations": people.observation_rows(scope),
    }
    return {
        pk: (facts, Rows(**{name: tuple(rows.get(pk, ())) for name, rows in by_kind.items()}))
        for pk, facts in services.items()
    }

"""Measures: the only writers of facts, by a constant number of queries for any number of services."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from readiness.facts import ServiceFacts
from readiness.folding import Rows
from readiness.measures import catalogue, changes, defects, graph, incidents, people, pipelines, telemetry
from readiness.measures.abreast import abreast
from readiness.measures.fetching import well_planned
from readiness.measures.graph import Cycles
from readiness.measures.scope import Scope

__all__ = ["Cycles", "Scope", "measure", "rows_of"]

MANY = 100
"""Services from which two threads gain more than they cost."""


@well_planned()
def measure(scope: Scope, looped: Cycles) -> dict[int, ServiceFacts]:
    """The facts of every service of the scope, by key. What is numerous is counted by the database."""
    services = catalogue.service_facts(scope)
    measures: dict[str, Callable[[], Mapping[int, Any]]] = {
        "changes": lambda: changes.change_facts(scope, services),
        "pipeline": lambda: pipelines.pipeline_facts(scope),
        "defects": lambda: defects.defect_facts(scope, services),
        "pages": lambda: incidents.page_rows(scope),
        "incidents": lambda: incidents.incident_rows(scope),
        "signals": lambda: telemetry.signal_rows(scope),
        "edges": lambda: graph.edge_rows(scope, looped),
        "inbound": lambda: graph.inbound_edges(scope),
        "shifts": lambda: people.shift_rows(scope),
        "work": lambda: people.work_tallies(scope),
        "observations": lambda: people.observation_rows(scope),
    }
    found = abreast(measures) if len(scope.ids) >= MANY else {name: each() for name, each in measures.items()}
    return {pk: replace(facts, **_of(pk, found)) for pk, facts in services.items()}


def _of(pk: int, found: Mapping[str, Mapping[int, Any]]) -> dict[str, Any]:
    """What was found of one service; the facts keep their defaults for the rest."""
    facts = {name: rows[pk] for name, rows in found.items() if pk in rows}
    return {name: tuple(each) if isinstance(each, list) else each for name, each in facts.items()}


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

"""The known bad facts that the deploy verdict rests on, as numbers: a gate answers from a scorecard."""

from collections.abc import Mapping, Sequence
from typing import Any

from readiness.facts import BrokenPipeline, FeedStatus, IncidentRow, RowRef, ServiceFacts
from readiness.rubric import DeployTerms

UNHEARD = (FeedStatus.NO_FEED, FeedStatus.SILENT)


def stands(facts: ServiceFacts, terms: DeployTerms) -> dict[str, Any]:
    """What stands against a deployment at T, and who is not heard; rows are ``[source, id]``.

    ``{"broken": [[source, pipeline, since]], "unmended": [{"row", "incidents": [row]}],
    "open_sev1": [{"row", "severity", "caused_by": row | null}], "unheard": [[kind, status]]}``
    """
    return {
        "broken": [list(broken(each).values()) for each in facts.pipeline.broken],
        "unmended": [
            {"row": _row(each.row.ref), "incidents": [_row(blame.ref) for blame in each.blames]}
            for each in facts.changes.unmended
        ],
        "open_sev1": [
            _incident(row)
            for row in facts.incidents
            if row.resolved_at is None and row.severity <= terms.incident_severity
        ],
        "unheard": [[kind, status.value] for kind in terms.needs if (status := unheard(facts, kind))],
    }


def broken(pipeline: BrokenPipeline) -> dict[str, str]:
    """A broken pipeline as JSON types."""
    return {
        "source": pipeline.source,
        "pipeline": pipeline.pipeline,
        "since": pipeline.since.isoformat(),
    }


def unheard(facts: ServiceFacts, kind: str) -> FeedStatus | None:
    """``no_feed`` or ``silent`` where nobody is listening for this kind at T, else ``None``."""
    status = facts.coverage(kind).status
    return status if status in UNHEARD else None


def _row(ref: RowRef) -> list[str]:
    return [ref.source, ref.id]


def _incident(row: IncidentRow) -> dict[str, Any]:
    caused_by = None if row.caused_by is None else [row.caused_by.source, row.caused_by.id]
    return {"row": _row(row.ref), "severity": row.severity, "caused_by": caused_by}


def deploy_verdict(document: Mapping[str, Any], remediates: str | None = None) -> dict[str, Any] | None:
    """The deploy verdict of a numbers document: ``{"verdict", "reasons", "waivers"}``; ``None`` when retired.

    ``remediates`` (``source:id``, or a bare id for every row that has it) names the failed change, incident
    or pipeline that the deployment is to cure: it no longer stands, nor the incidents that name that change,
    nor the change that this incident names. What else stands does, and ``cannot_tell`` remains.
    """
    if document["lifecycle"] == "retired":
        return None
    return deploy_answer(document["stands"], remediates)


def deploy_answer(standing: Mapping[str, Any], remediates: str | None = None) -> dict[str, Any]:
    """The deploy verdict over :func:`stands`."""
    bad = [
        *_pipelines(standing["broken"], remediates),
        *_unmended(standing["unmended"], remediates),
        *_open_incidents(standing["open_sev1"], remediates),
    ]
    unsure = [["unheard", {"kind": kind, "status": status}] for kind, status in standing["unheard"]]
    verdict = "not_ready" if bad else "cannot_tell" if unsure else "ready"
    return {"verdict": verdict, "reasons": [*bad, *unsure] or [["nothing_stands", {}]], "waivers": []}


def _pipelines(pipelines: Sequence[Sequence[str]], remediates: str | None) -> list[list[Any]]:
    return [
        ["pipeline_broken", {"source": source, "pipeline": pipeline, "since": since}]
        for source, pipeline, since in pipelines
        if not _named([source, pipeline], remediates)
    ]


def _unmended(unmended: Sequence[Mapping[str, Any]], remediates: str | None) -> list[list[Any]]:
    return [
        ["unmended", {"row": ":".join(each["row"])}]
        for each in unmended
        if not any(_named(row, remediates) for row in (each["row"], *each["incidents"]))
    ]


def _open_incidents(incidents: Sequence[Mapping[str, Any]], remediates: str | None) -> list[list[Any]]:
    return [
        ["open_incident", {"row": ":".join(each["row"]), "severity": each["severity"]}]
        for each in incidents
        if not (_named(each["row"], remediates) or _named(each["caused_by"], remediates))
    ]


def _named(row: Sequence[str] | None, remediates: str | None) -> bool:
    if row is None or remediates is None:
        return False
    return remediates in (row[1], f"{row[0]}:{row[1]}")

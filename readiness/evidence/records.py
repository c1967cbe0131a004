"""One typed record per evidence kind: the only door through which facts come in (DESIGN.md section 4).

Validation refuses what cannot be true. Give the real time as context, ``{"now": moment}``; without it the
machine's clock is asked. Absent states nothing, null clears: ``model_fields_set`` keeps what was stated.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from readiness.evidence.fields import (
    Commits,
    Count,
    DefectSeverity,
    Flag,
    Hours,
    Identities,
    IncidentSeverity,
    Lines,
    Link,
    Moment,
    Name,
    RowReference,
    Services,
    Teams,
    Tests,
    Text,
    Title,
    Word,
)
from readiness.evidence.words import (
    REPORTED_KINDS,
    Category,
    Cause,
    Criticality,
    DefectKind,
    DependencyType,
    Detection,
    FoundIn,
    Kind,
    Observed,
    Outcome,
    Remediation,
    Role,
    Rollout,
    RunOutcome,
    SignalName,
    Verification,
)

FUTURE = timedelta(days=2)
"""Clocks differ and time zones are mistaken by hours; what lies further ahead is an error."""
PLANNED = timedelta(days=400)
"""Rosters are written ahead: a shift may lie in the future, within reason."""

REFUSED = "refused"
"""Type of the error that carries our own (field, reason) in its context."""

Orders = tuple[tuple[str, str], ...]


class Record(BaseModel):
    """What all records share. Raises ``ValidationError``, which :mod:`readiness.evidence.reading` words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    KIND: ClassVar[Kind]
    ORDERS: ClassVar[Orders] = ()
    """Pairs of fields whose moments must not run backwards."""
    MOMENTS: ClassVar[tuple[str, ...]] = ()
    AHEAD: ClassVar[timedelta] = FUTURE

    url: Link | None = None
    updated_at: Moment | None = None

    @model_validator(mode="after")
    def _must_be_possible(self, info: ValidationInfo) -> Self:
        values = self.__dict__
        now = info.context["now"] if info.context else datetime.now(UTC)
        _refuse_future(values, self.MOMENTS, now + self.AHEAD)
        _refuse_future(values, ("updated_at",), now + FUTURE)
        for field, reason in disorder(self.ORDERS, values):
            raise _refusal(field, reason)
        return self


def disorder(orders: Orders, values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Find moments that run backwards, as (field, reason); ``values`` may be a record's or a merged row's."""
    found = []
    for earlier, later in orders:
        begin, end = values.get(earlier), values.get(later)
        if begin is not None and end is not None and end < begin:
            found.append((later, f"is before {earlier}"))
    return tuple(found)


def _refuse_future(values: Mapping[str, Any], moments: tuple[str, ...], limit: datetime) -> None:
    for field in moments:
        moment = values[field]
        if moment is not None and moment > limit:
            raise _refusal(field, "lies too far in the future")


def _refusal(field: str, reason: str) -> PydanticCustomError:
    return PydanticCustomError(REFUSED, "{field} {reason}", {"field": field, "reason": reason})


class EvidenceRecord(Record):
    """A row about a service. ``service`` is a slug or an alias; ``id`` is unique within source and kind."""

    service: Name
    source: Name
    id: Name
    drill: Flag | None = None
    withdrawn: Flag | None = None


class DeploymentRecord(EvidenceRecord):
    """A change brought to an environment; a switch turned is one too."""

    KIND = Kind.DEPLOYMENT
    ORDERS = (
        ("started_at", "finished_at"),
        ("started_at", "verified_at"),
        ("first_commit_at", "started_at"),
    )
    MOMENTS = ("started_at", "finished_at", "first_commit_at", "verified_at")

    environment: Name
    started_at: Moment
    finished_at: Moment | None = None
    outcome: Outcome
    version: Word | None = None
    commit: Word | None = None
    commits: Commits | None = None
    lines_changed: Lines | None = None
    first_commit_at: Moment | None = None
    automated: Flag | None = None
    remediates: RowReference | None = None
    remediation: Remediation | None = None
    rollout: Rollout | None = None
    verified_at: Moment | None = None
    verification: Verification | None = None


class IncidentRecord(EvidenceRecord):
    """Something that was broken for its users, severity 1 (worst) to 5."""

    KIND = Kind.INCIDENT
    ORDERS = (
        ("started_at", "detected_at"),
        ("started_at", "acknowledged_at"),
        ("started_at", "resolved_at"),
        ("started_at", "reviewed_at"),
    )
    MOMENTS = ("started_at", "detected_at", "acknowledged_at", "resolved_at", "reviewed_at")

    severity: IncidentSeverity
    title: Title
    started_at: Moment
    detected_at: Moment | None = None
    acknowledged_at: Moment | None = None
    resolved_at: Moment | None = None
    detected_by: Detection | None = None
    cause: Cause | None = None
    caused_by: RowReference | None = None
    reviewed_at: Moment | None = None
    review_url: Link | None = None


class PageRecord(EvidenceRecord):
    """Somebody was called."""

    KIND = Kind.PAGE
    ORDERS = (("paged_at", "acknowledged_at"),)
    MOMENTS = ("paged_at", "acknowledged_at")

    paged_at: Moment
    acknowledged_at: Moment | None = None
    incident: RowReference | None = None
    responder: Word | None = None
    responder_role: Role | None = None
    alert: Title | None = None
    actionable: Flag | None = None


class DefectRecord(EvidenceRecord):
    """A fault somebody wrote down, severity 1 (worst) to 4."""

    KIND = Kind.DEFECT
    ORDERS = (("opened_at", "closed_at"),)
    MOMENTS = ("opened_at", "closed_at")

    severity: DefectSeverity
    title: Title
    opened_at: Moment
    closed_at: Moment | None = None
    reopened: Count | None = None
    found_in: FoundIn | None = None
    kind: DefectKind | None = None


class SignalRecord(EvidenceRecord):
    """A span in which a piece of telemetry was seen; no environment means production."""

    KIND = Kind.SIGNAL
    ORDERS = (("first_seen_at", "last_seen_at"),)
    MOMENTS = ("first_seen_at", "last_seen_at")

    component: Word | None = None
    signal: SignalName
    environment: Word | None = None
    first_seen_at: Moment
    last_seen_at: Moment
    query: Text | None = None
    name: Title | None = None


class DependencyRecord(EvidenceRecord):
    """A span in which the service leaned on another; ``on`` may name one that the catalogue does not know."""

    KIND = Kind.DEPENDENCY
    ORDERS = (("first_seen_at", "last_seen_at"),)
    MOMENTS = ("first_seen_at", "last_seen_at")

    on: Name
    type: DependencyType
    criticality: Criticality | None = None
    first_seen_at: Moment | None = None
    last_seen_at: Moment | None = None


class PipelineRunRecord(EvidenceRecord):
    """One run of a build pipeline; ``responders`` counts the people who answered its failure."""

    KIND = Kind.PIPELINE_RUN
    ORDERS = (("started_at", "finished_at"),)
    MOMENTS = ("started_at", "finished_at")

    pipeline: Name
    branch: Word | None = None
    started_at: Moment
    finished_at: Moment | None = None
    outcome: RunOutcome
    stage_failed: Word | None = None
    tests_run: Tests | None = None
    tests_failed: Tests | None = None
    responders: Count | None = None


class ShiftRecord(EvidenceRecord):
    """A span in which somebody was on call; it may lie ahead, as rosters do."""

    KIND = Kind.SHIFT
    ORDERS = (("starts_at", "ends_at"),)
    MOMENTS = ("starts_at", "ends_at")
    AHEAD = PLANNED

    person: Name
    role: Role
    starts_at: Moment
    ends_at: Moment
    rotation: Word | None = None


class ObservationRecord(EvidenceRecord):
    """What somebody of the team saw when watching the service being used."""

    KIND = Kind.OBSERVATION
    MOMENTS = ("observed_at",)

    observer_role: Role
    observed: Observed
    observed_at: Moment
    finding: Text
    work_item: RowReference | None = None


class WorkItemRecord(EvidenceRecord):
    """A piece of work and what it was spent on."""

    KIND = Kind.WORK_ITEM
    ORDERS = (("opened_at", "closed_at"),)
    MOMENTS = ("opened_at", "closed_at")

    incident: RowReference | None = None
    category: Category
    title: Title
    opened_at: Moment
    closed_at: Moment | None = None
    effort_hours: Hours | None = None


class FeedRecord(Record):
    """A span in which a source reported a kind for the services named; ``["*"]`` is all of the folder."""

    KIND = Kind.FEED
    ORDERS = (("since", "last_seen_at"),)
    MOMENTS = ("since", "last_seen_at")

    source: Name
    kind: Kind
    services: Services
    since: Moment
    last_seen_at: Moment
    reports_failures: Flag | None = None

    @model_validator(mode="after")
    def _must_be_reportable(self) -> Self:
        if self.kind not in REPORTED_KINDS:
            raise _refusal("kind", "is no kind of evidence that a feed reports")
        return self


class PersonRecord(Record):
    """Somebody with teams and a role. ``source`` and ``id``, where given, are one more identity."""

    KIND = Kind.PERSON

    name: Name
    email: Word | None = None
    role: Role
    teams: Teams
    identities: Identities | None = None
    source: Name | None = None
    id: Name | None = None


RECORDS: Mapping[Kind, type[Record]] = {
    record.KIND: record
    for record in (
        DeploymentRecord,
        IncidentRecord,
        PageRecord,
        DefectRecord,
        SignalRecord,
        DependencyRecord,
        PipelineRunRecord,
        ShiftRecord,
        ObservationRecord,
        WorkItemRecord,
        FeedRecord,
        PersonRecord,
    )
}
"""Which record speaks for which kind."""

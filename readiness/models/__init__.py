"""What is stored: the catalogue, evidence, standing, policies and judgements."""

from readiness.models.catalogue import Identity, Lifecycle, Person, Service, ServiceAlias, System, Team
from readiness.models.evidence import (
    Defect,
    Dependency,
    Deployment,
    Evidence,
    Feed,
    Incident,
    Observation,
    Page,
    PipelineRun,
    Shift,
    Signal,
    WorkItem,
)
from readiness.models.policy import PolicyVersion
from readiness.models.scorecard import CurrentScore, Evaluation, EvaluationBatch, Scorecard
from readiness.models.standing import ManagementChange, ManagementState, Waiver

__all__ = [
    "CurrentScore",
    "Defect",
    "Dependency",
    "Deployment",
    "Evaluation",
    "EvaluationBatch",
    "Evidence",
    "Feed",
    "Identity",
    "Incident",
    "Lifecycle",
    "ManagementChange",
    "ManagementState",
    "Observation",
    "Page",
    "Person",
    "PipelineRun",
    "PolicyVersion",
    "Scorecard",
    "Service",
    "ServiceAlias",
    "Shift",
    "Signal",
    "System",
    "Team",
    "Waiver",
    "WorkItem",
]

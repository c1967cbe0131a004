"""What is stored: the catalogue, evidence, standing, policies and judgements."""

from readiness.models.alert import Alert
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
from readiness.models.exclusion import Exclusion
from readiness.models.policy import PolicyActivation, PolicyVersion
from readiness.models.rejudgement import Rejudgement
from readiness.models.scorecard import CurrentScore, Evaluation, EvaluationBatch, Scorecard
from readiness.models.simulation import Simulation
from readiness.models.standing import ManagementChange, ManagementState, Waiver
from readiness.models.token import MachineToken
from readiness.models.upload import Upload

__all__ = [
    "Alert",
    "CurrentScore",
    "Defect",
    "Dependency",
    "Deployment",
    "Evaluation",
    "EvaluationBatch",
    "Evidence",
    "Exclusion",
    "Feed",
    "Identity",
    "Incident",
    "Lifecycle",
    "MachineToken",
    "ManagementChange",
    "ManagementState",
    "Observation",
    "Page",
    "Person",
    "PipelineRun",
    "PolicyActivation",
    "PolicyVersion",
    "Rejudgement",
    "Scorecard",
    "Service",
    "ServiceAlias",
    "Shift",
    "Signal",
    "Simulation",
    "System",
    "Team",
    "Upload",
    "Waiver",
    "WorkItem",
]

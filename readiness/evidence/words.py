"""The words evidence is written in: kinds, outcomes, roles and the like, each one closed list."""

from enum import StrEnum


class Kind(StrEnum):
    """What a record is about; the value names the kind in feeds, references and addresses."""

    DEPLOYMENT = "deployment"
    INCIDENT = "incident"
    PAGE = "page"
    DEFECT = "defect"
    SIGNAL = "signal"
    DEPENDENCY = "dependency"
    PIPELINE_RUN = "pipeline_run"
    SHIFT = "shift"
    OBSERVATION = "observation"
    WORK_ITEM = "work_item"
    FEED = "feed"
    PERSON = "person"


REPORTED_KINDS: tuple[Kind, ...] = tuple(kind for kind in Kind if kind not in {Kind.FEED, Kind.PERSON})
"""The kinds a feed can report: rows about a service."""


class Outcome(StrEnum):
    """How a deployment ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RunOutcome(StrEnum):
    """How a pipeline run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


class Remediation(StrEnum):
    """How a deployment mends another."""

    TOGGLE_OFF = "toggle_off"
    FIX_FORWARD = "fix_forward"
    ROLLBACK = "rollback"


class Rollout(StrEnum):
    """How a deployment reaches its users."""

    ALL_AT_ONCE = "all_at_once"
    ROLLING = "rolling"
    CANARY = "canary"
    STAGED = "staged"
    BLUE_GREEN = "blue_green"


class Verification(StrEnum):
    """What a check of a deployment found."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


class Detection(StrEnum):
    """Who noticed an incident first."""

    ALERT = "alert"
    PERSON = "person"
    CUSTOMER = "customer"


class Cause(StrEnum):
    """What an incident came from."""

    DESIGN = "design"
    CODE = "code"
    CONFIGURATION = "configuration"
    DEPENDENCY = "dependency"
    CAPACITY = "capacity"
    EXTERNAL = "external"
    UNKNOWN = "unknown"


class Role(StrEnum):
    """What a person does; who answers a page, holds a shift or observes."""

    DEVELOPER = "developer"
    TESTER = "tester"
    ARCHITECT = "architect"
    DESIGNER = "designer"
    MANAGER = "manager"
    DIRECTOR = "director"
    OPS = "ops"


class FoundIn(StrEnum):
    """Where a defect was noticed."""

    PRODUCTION = "production"
    PRE_PRODUCTION = "pre_production"


class DefectKind(StrEnum):
    """What is wrong in a defect."""

    DESIGN = "design"
    CODE = "code"
    CONFIGURATION = "configuration"
    OTHER = "other"


class SignalName(StrEnum):
    """What telemetry shows of a service."""

    LATENCY = "latency"
    TRAFFIC = "traffic"
    ERRORS = "errors"
    SATURATION = "saturation"
    LOGS = "logs"
    TRACES = "traces"
    DASHBOARD = "dashboard"
    ALERT = "alert"
    SLO = "slo"
    RUNBOOK = "runbook"


class DependencyType(StrEnum):
    """How a service leans on another."""

    SYNC = "sync"
    ASYNC = "async"
    SHARED_DATABASE = "shared_database"
    BUILD = "build"


class Criticality(StrEnum):
    """Whether a service can do without what it depends on; soft where nothing is said."""

    HARD = "hard"
    SOFT = "soft"


class Observed(StrEnum):
    """Whom an observer watched using the service."""

    CLIENT = "client"
    DOWNSTREAM = "downstream"


class Category(StrEnum):
    """What a work item is spent on."""

    FEATURE = "feature"
    INCIDENT = "incident"
    TECHNICAL_DEBT = "technical_debt"
    NON_FUNCTIONAL = "non_functional"

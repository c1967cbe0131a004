"""The ordered registry of criteria: the gated ones of the default policy, then the practices."""

from typing import Any

from readiness.criteria.after_hours import AFTER_HOURS
from readiness.criteria.balance import BALANCE
from readiness.criteria.base import Criterion
from readiness.criteria.change_safety import CHANGE_SAFETY
from readiness.criteria.coupling import COUPLING
from readiness.criteria.defects import DEFECTS
from readiness.criteria.feedback import FEEDBACK
from readiness.criteria.on_call import ON_CALL
from readiness.criteria.pipeline import PIPELINE
from readiness.criteria.stability import STABILITY
from readiness.criteria.telemetry import TELEMETRY
from readiness.criteria.verification import VERIFICATION

CRITERIA: tuple[Criterion[Any], ...] = (
    DEFECTS,
    TELEMETRY,
    AFTER_HOURS,
    COUPLING,
    CHANGE_SAFETY,
    STABILITY,
    VERIFICATION,
    PIPELINE,
    ON_CALL,
    BALANCE,
    FEEDBACK,
)

BY_SLUG: dict[str, Criterion[Any]] = {criterion.slug: criterion for criterion in CRITERIA}

"""The admin: the fleet and its scorecards first; evidence, catalogue and policies to look things up."""

from readiness.admin import (
    accounts,
    alerts,
    catalogue,
    evaluations,
    evidence,
    exclusions,
    feeds,
    fleet,
    policies,
    simulations,
    standing,
    tokens,
)

__all__ = [
    "accounts",
    "alerts",
    "catalogue",
    "evaluations",
    "evidence",
    "exclusions",
    "feeds",
    "fleet",
    "policies",
    "simulations",
    "standing",
    "tokens",
]

"""The admin: the fleet and its scorecards first; evidence, catalogue and policies to look things up."""

from readiness.admin import accounts, catalogue, evaluations, evidence, feeds, fleet, policies, standing

__all__ = ["accounts", "catalogue", "evaluations", "evidence", "feeds", "fleet", "policies", "standing"]

"""Filters of scorecards, evaluations and policies."""

import django_filters

from readiness.api.filters.base import (
    ChoicesFilter,
    FlagFilter,
    ListFilter,
    TimedFilter,
    service_filter,
    team_filter,
)
from readiness.models import Evaluation, ManagementState, PolicyVersion
from readiness.models.scorecard import VERDICTS, Kind


def _verdict(name: str) -> ChoicesFilter:
    return ChoicesFilter([(word, word) for word in VERDICTS[name]])


class ScorecardFilter(TimedFilter):
    """Scorecards."""

    begins = ends = "at"

    service = service_filter()
    team = team_filter("service__owner", "Slug of the service's owner team.")
    kind = ChoicesFilter(Kind.choices)
    evaluation = django_filters.NumberFilter(min_value=1, max_value=2**63 - 1, decimal_places=0)
    policy = django_filters.CharFilter(field_name="policy__name", help_text="Name of a policy.")
    policy_version = django_filters.NumberFilter(
        field_name="policy__version", min_value=1, max_value=2**31 - 1, decimal_places=0
    )
    level = django_filters.CharFilter(help_text="A level of the policy, or none.")
    state = ChoicesFilter(ManagementState.choices, field_name="management_state")
    handoff = _verdict("handoff")
    launch = _verdict("launch")
    deploy = _verdict("deploy")
    handback = _verdict("handback")


class EvaluationFilter(TimedFilter):
    """Evaluations."""

    begins = ends = "at"
    searched = ("requested_by",)

    kind = ChoicesFilter(Kind.choices)
    state = ChoicesFilter(Evaluation.State.choices)
    scope = django_filters.CharFilter(help_text="fleet, or the digest of the services asked for.")


class PolicyFilter(ListFilter):
    """Policies."""

    searched = ("name",)

    name = django_filters.CharFilter()
    in_force = FlagFilter()
    state = ChoicesFilter(PolicyVersion.State.choices)

"""Whose turn it is when nobody moves something: one side first, then the ops team, then the SRE leads."""

import datetime as dt

from readiness.models import Service

FIRST, OPS_TEAM, LEADS = (dt.timedelta(days=days) for days in (14, 21, 28))
"""After so long without a move each of them is to act."""


def team_to_act(service: Service, rests: dt.timedelta, first: int | None) -> int | None:
    """Key of the team that is to act on what has rested for so long; none: the SRE leads."""
    if rests >= LEADS:
        return None
    return service.ops_team_id if rests >= OPS_TEAM else first

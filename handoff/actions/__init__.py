"""The only writer of management state. Each verb changes the world, once, and says who did it and why."""

from handoff.actions.adopting import BEGINNING_OF_TIME, Adoption, adopt, adopt_all, adopted_from
from handoff.actions.consulting import advise, end_consulting, name_consultant
from handoff.actions.refusals import InvalidError, MovedError, NotAllowedError, RefusedError
from handoff.actions.waiving import (
    approve_waiver,
    ask_waiver,
    expire_waivers,
    refuse_waiver,
    revoke_waiver,
    waiver_moves,
    withdraw_waiver,
)

__all__ = [
    "BEGINNING_OF_TIME",
    "Adoption",
    "InvalidError",
    "MovedError",
    "NotAllowedError",
    "RefusedError",
    "adopt",
    "adopt_all",
    "adopted_from",
    "advise",
    "approve_waiver",
    "ask_waiver",
    "end_consulting",
    "expire_waivers",
    "name_consultant",
    "refuse_waiver",
    "revoke_waiver",
    "waiver_moves",
    "withdraw_waiver",
]

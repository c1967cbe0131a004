"""The only writer of management state. Each verb changes the world, once, and says who did it and why."""

from handoff.actions.adopting import BEGINNING_OF_TIME, Adoption, adopt, adopt_all, adopted_from
from handoff.actions.consulting import advise, end_consulting, name_consultant
from handoff.actions.handback_checks import handback_obstacle, lacking, newest, proposing_obstacle
from handoff.actions.handback_following import follow_handbacks
from handoff.actions.handback_work import (
    add_finding,
    add_plan_item,
    close_finding,
    comment_case,
    finish_plan_item,
    work_obstacle,
)
from handoff.actions.handing_back import (
    LONGEST_REPAIR,
    confirm_handback,
    propose_handback,
    reject_handback,
    repair_jointly,
    stabilise_handback,
    withdraw_handback,
)
from handoff.actions.launching import launch, why_not_launch
from handoff.actions.refusals import InvalidError, MovedError, NotAllowedError, RefusedError
from handoff.actions.review_filling import items_of, lapse_reviews
from handoff.actions.review_following import follow_reviews
from handoff.actions.reviewing import (
    accept_item,
    assign_item,
    attest_item,
    comment_review,
    fulfil_condition,
    open_launch_review,
    reject_review,
    report_finding,
    set_item_aside,
    withdraw_review,
)
from handoff.actions.signing import sign_review, standing, why_not_sign
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
    "LONGEST_REPAIR",
    "Adoption",
    "InvalidError",
    "MovedError",
    "NotAllowedError",
    "RefusedError",
    "accept_item",
    "add_finding",
    "add_plan_item",
    "adopt",
    "adopt_all",
    "adopted_from",
    "advise",
    "approve_waiver",
    "ask_waiver",
    "assign_item",
    "attest_item",
    "close_finding",
    "comment_case",
    "comment_review",
    "confirm_handback",
    "end_consulting",
    "expire_waivers",
    "finish_plan_item",
    "follow_handbacks",
    "follow_reviews",
    "fulfil_condition",
    "handback_obstacle",
    "items_of",
    "lacking",
    "lapse_reviews",
    "launch",
    "name_consultant",
    "newest",
    "open_launch_review",
    "propose_handback",
    "proposing_obstacle",
    "refuse_waiver",
    "reject_handback",
    "reject_review",
    "repair_jointly",
    "report_finding",
    "revoke_waiver",
    "set_item_aside",
    "sign_review",
    "stabilise_handback",
    "standing",
    "waiver_moves",
    "why_not_launch",
    "why_not_sign",
    "withdraw_handback",
    "withdraw_review",
    "withdraw_waiver",
    "work_obstacle",
]

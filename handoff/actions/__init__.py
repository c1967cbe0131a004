"""The only writer of management state. Each verb changes the world, once, and says who did it and why."""

from handoff.actions.adopting import BEGINNING_OF_TIME, Adoption, adopt, adopt_all, adopted_from
from handoff.actions.case_alerting import keep_alerts_of_cases
from handoff.actions.case_checks import case_obstacle, lacking, proposing_obstacle
from handoff.actions.case_lapsing import lapse_proposal
from handoff.actions.changing import Happenings, change_services, foresee
from handoff.actions.consulting import advise, end_consulting, name_consultant
from handoff.actions.handback_following import follow_handbacks
from handoff.actions.handback_work import (
    add_finding,
    add_plan_item,
    close_finding,
    comment_case,
    finish_plan_item,
    known_items,
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
from handoff.actions.handing_off import (
    accept_handoff,
    accepting_obstacle,
    complete_handoff,
    open_handoff_review,
    propose_handoff,
    reject_handoff,
    seen_room,
    withdraw_handoff,
)
from handoff.actions.handoff_following import follow_handoffs
from handoff.actions.launching import launch, why_not_launch
from handoff.actions.overriding import (
    override_obstacle,
    override_verdict,
    take_back_obstacle,
    take_back_override,
)
from handoff.actions.refusals import InvalidError, MovedError, NotAllowedError, RefusedError
from handoff.actions.relying import as_recorded, newest
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
from handoff.actions.shadow_pages import assessed, bad_day, pages_of, running, tally
from handoff.actions.shadowing import (
    assess_page,
    assessing_obstacle,
    begin_shadow,
    confirm_shadow,
    confirming_obstacle,
    stop_shadow,
)
from handoff.actions.signing import sign_review, standing, why_not_sign
from handoff.actions.unreviewed import takes_launch_review
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
    "Happenings",
    "InvalidError",
    "MovedError",
    "NotAllowedError",
    "RefusedError",
    "accept_handoff",
    "accept_item",
    "accepting_obstacle",
    "add_finding",
    "add_plan_item",
    "adopt",
    "adopt_all",
    "adopted_from",
    "advise",
    "approve_waiver",
    "as_recorded",
    "ask_waiver",
    "assess_page",
    "assessed",
    "assessing_obstacle",
    "assign_item",
    "attest_item",
    "bad_day",
    "begin_shadow",
    "case_obstacle",
    "change_services",
    "close_finding",
    "comment_case",
    "comment_review",
    "complete_handoff",
    "confirm_handback",
    "confirm_shadow",
    "confirming_obstacle",
    "end_consulting",
    "expire_waivers",
    "finish_plan_item",
    "follow_handbacks",
    "follow_handoffs",
    "follow_reviews",
    "foresee",
    "fulfil_condition",
    "items_of",
    "keep_alerts_of_cases",
    "known_items",
    "lacking",
    "lapse_proposal",
    "lapse_reviews",
    "launch",
    "name_consultant",
    "newest",
    "open_handoff_review",
    "open_launch_review",
    "override_obstacle",
    "override_verdict",
    "pages_of",
    "propose_handback",
    "propose_handoff",
    "proposing_obstacle",
    "refuse_waiver",
    "reject_handback",
    "reject_handoff",
    "reject_review",
    "repair_jointly",
    "report_finding",
    "revoke_waiver",
    "running",
    "seen_room",
    "set_item_aside",
    "sign_review",
    "stabilise_handback",
    "standing",
    "stop_shadow",
    "take_back_obstacle",
    "take_back_override",
    "takes_launch_review",
    "tally",
    "waiver_moves",
    "why_not_launch",
    "why_not_sign",
    "withdraw_handback",
    "withdraw_handoff",
    "withdraw_review",
    "withdraw_waiver",
    "work_obstacle",
]

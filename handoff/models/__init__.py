"""What decisions leave behind: who moved what, when and why, and who advises whom."""

from handoff.models.case import (
    Case,
    CaseComment,
    CaseScorecard,
    ExitCriterion,
    Finding,
    StabilisationItem,
)
from handoff.models.consultant import AdviceNote, Consultant
from handoff.models.notification import Delivery, Message, Subscription
from handoff.models.review import (
    ChecklistItem,
    Condition,
    ItemOutcome,
    Review,
    ReviewComment,
    SignOff,
)
from handoff.models.transition import Transition, TransitionScorecard

__all__ = [
    "AdviceNote",
    "Case",
    "CaseComment",
    "CaseScorecard",
    "ChecklistItem",
    "Condition",
    "Consultant",
    "Delivery",
    "ExitCriterion",
    "Finding",
    "ItemOutcome",
    "Message",
    "Review",
    "ReviewComment",
    "SignOff",
    "StabilisationItem",
    "Subscription",
    "Transition",
    "TransitionScorecard",
]

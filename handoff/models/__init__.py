"""What decisions leave behind: who moved what, when and why, and who advises whom."""

from handoff.models.answer import Answer
from handoff.models.applied import AppliedDecision
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
from handoff.models.override import OverrideEnd, VerdictOverride
from handoff.models.proposing import Watermark
from handoff.models.review import (
    ChecklistItem,
    Condition,
    ItemOutcome,
    Review,
    ReviewComment,
    SignOff,
)
from handoff.models.shadow import LookBack, PageAssessment, Shadow, ShadowConfirmation
from handoff.models.transition import Transition, TransitionScorecard

__all__ = [
    "AdviceNote",
    "Answer",
    "AppliedDecision",
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
    "LookBack",
    "Message",
    "OverrideEnd",
    "PageAssessment",
    "Review",
    "ReviewComment",
    "Shadow",
    "ShadowConfirmation",
    "SignOff",
    "StabilisationItem",
    "Subscription",
    "Transition",
    "TransitionScorecard",
    "VerdictOverride",
    "Watermark",
]

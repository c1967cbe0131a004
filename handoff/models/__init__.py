"""What decisions leave behind: who moved what, when and why, and who advises whom."""

from handoff.models.consultant import AdviceNote, Consultant
from handoff.models.transition import Transition, TransitionScorecard

__all__ = ["AdviceNote", "Consultant", "Transition", "TransitionScorecard"]

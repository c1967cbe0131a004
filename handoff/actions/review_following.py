"""What time and judgement make of reviews under way, in one sweep."""

from handoff.actions.review_escalating import escalate_reviews
from handoff.actions.review_filling import fill_reviews, lapse_reviews
from readiness import clock


def follow_reviews() -> int:
    """Lapse, fill and escalate; how many reviews lapsed or are open. Done twice, or killed, it is as once."""
    done = lapse_reviews() + fill_reviews()
    escalate_reviews(clock.now())
    return done

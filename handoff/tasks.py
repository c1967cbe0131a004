"""Celery tasks of decisions: sweeps that take up what time and judgement have made of what is under way."""

from celery import shared_task

from handoff import actions, proposals
from readiness.tasks import Nudge


@shared_task(base=Nudge)
def expire_waivers() -> int:
    """Put on record which waivers have ended, and have their services judged; how many."""
    return actions.expire_waivers()


@shared_task(base=Nudge)
def follow_handbacks() -> int:
    """Return, lapse and measure open handbacks; how many."""
    return actions.follow_handbacks()


@shared_task(base=Nudge)
def follow_handoffs() -> int:
    """Lapse, stop and complete handoffs under way, look back at those that moved; how many."""
    return actions.follow_handoffs()


@shared_task(base=Nudge)
def follow_reviews() -> int:
    """Lapse, fill and escalate reviews under way; how many lapsed or are open."""
    return actions.follow_reviews()


@shared_task(base=Nudge)
def keep_alerts_of_cases() -> int:
    """Raise and end alerts about cases, conditions of reviews and launches; how many."""
    changed = actions.keep_alerts_of_cases()
    return changed.raised + changed.ended


@shared_task(base=Nudge)
def propose_moves() -> int:
    """Have the rules look at what was judged since they looked last; how many proposals came or lapsed."""
    return len(proposals.propose_moves().made)

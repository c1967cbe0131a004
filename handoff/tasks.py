"""Celery tasks: nudges, as those of `readiness`. What is to do stands in rows."""

from celery import shared_task

from handoff import actions
from readiness.tasks import Nudge


@shared_task(base=Nudge)
def expire_waivers() -> int:
    """Put on record which waivers have ended, and have their services judged; how many."""
    return actions.expire_waivers()

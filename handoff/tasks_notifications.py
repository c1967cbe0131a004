"""Celery tasks that tell people. Rows say what is to be told; the next minute makes a lost nudge good."""

from celery import shared_task

from handoff.notifications import delivering, noticing, routing, tidying
from readiness.tasks import Nudge


@shared_task(base=Nudge)
def tell() -> int:
    """Write what there is to tell of alerts, decide who is told, and send what is due."""
    noticing.notice()
    routing.route()
    return delivering.deliver()


@shared_task(base=Nudge)
def deliver_to(subscription_id: int) -> int:
    """Send what is due for one subscription."""
    return delivering.deliver(subscription_id)


@shared_task(base=Nudge)
def forget() -> int:
    """Delete what was told or answered long ago; how many messages that were."""
    tidying.forget_answers()
    return tidying.forget()

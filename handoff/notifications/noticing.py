"""Writes what there is to tell of alerts: those that were raised or ended, and are not told of yet."""

import datetime as dt
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q

from handoff.models import Message
from handoff.models.notification import ALERTS
from readiness import clock
from readiness.models import Alert

LOOK_BACK: Final = dt.timedelta(days=1)
"""An alert that came and went between two sweeps is told of, when that was not longer ago."""
AT_ONCE: Final = 500
LEADS: Final = "SRE leads"


def notice() -> int:
    """Write a message for each alert that was raised, and one for each that ended; how many.

    `readiness`, which raises them, knows nothing of messages. What is missing is looked for, so no moment is
    lost that a watermark would have passed by; and the database lets each be told once, whoever else looks.
    """
    return _write(_raised(), Message.Event.ALERT_RAISED) + _write(_ended(), Message.Event.ALERT_ENDED)


def _raised() -> "list[Alert]":
    told = Message.objects.filter(alert=OuterRef("pk"), event=Message.Event.ALERT_RAISED)
    recent = Q(ended_at__isnull=True) | Q(ended_at__gte=clock.now() - LOOK_BACK)
    alerts = Alert.objects.filter(recent).filter(~Exists(told))
    return list(alerts.select_related("team").order_by("pk")[:AT_ONCE])


def _ended() -> "list[Alert]":
    told = Message.objects.filter(alert=OuterRef("alert"), event=Message.Event.ALERT_ENDED)
    raised = Message.objects.filter(event=Message.Event.ALERT_RAISED, alert__ended_at__isnull=False)
    untold = raised.filter(~Exists(told)).order_by("pk")[:AT_ONCE]
    return [each.alert for each in untold.select_related("alert__team") if each.alert]


def _write(alerts: "list[Alert]", event: Message.Event) -> int:
    now = clock.real_now()
    messages = [
        Message(
            event=event,
            topic=ALERTS,
            service_id=alert.service_id,
            alert=alert,
            facts=_facts(alert),
            at=(event == Message.Event.ALERT_ENDED and alert.ended_at) or alert.began_at,
            written_at=now,
        )
        for alert in alerts
    ]
    Message.objects.bulk_create(messages, ignore_conflicts=True)
    return len(messages)


def _facts(alert: Alert) -> dict[str, Any]:
    return {"about": str(alert), "text": alert.text, "who": str(alert.team or LEADS)}

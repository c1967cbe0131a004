"""Announces work to the worker; while the broker is away, the rows wait for the sweep."""

import logging
from typing import Any

from celery import Task
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def nudge(task: "Task[Any, Any]", key: int) -> bool:
    """Send a task its key; whether the broker took it. What it is to do stands in a row and is not lost."""
    try:
        task.delay(key)
    except (OperationalError, OSError):
        logger.warning("%s %s waits for the sweep: the broker does not answer", task.name, key)
        return False
    return True

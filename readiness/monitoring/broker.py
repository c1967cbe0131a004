"""Asks the broker whether it answers, and how much waits there; never for longer than a few seconds."""

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from celery import current_app
from django.conf import settings
from kombu import Connection
from kombu.exceptions import OperationalError

PATIENCE = 2.0
"""Seconds to wait for a connection, and for an answer."""
NO_QUEUE = "404"
_HURRY = {
    "socket_connect_timeout": PATIENCE,
    "socket_timeout": PATIENCE,
    "connect_retries_timeout": PATIENCE,
    "max_retries": 1,
    "interval_start": 0,
}


class BrokerAwayError(Exception):
    """The broker does not answer, or will not have us."""


def waiting() -> int:
    """How many messages no worker has taken. Raises ``BrokerAwayError``."""
    if folder := getattr(settings, "BROKER_DIR", None):
        _write_into(Path(folder) / "messages")
    connection = current_app.connection_for_write(connect_timeout=PATIENCE, transport_options=_HURRY)
    # RabbitMQ refuses a log-in by an error of a channel.
    errors: tuple[type[BaseException], ...] = (*connection.connection_errors, *connection.channel_errors)
    refusals: tuple[type[BaseException], ...] = (OperationalError, OSError, *errors)
    try:
        with closing(connection):
            return _waiting(connection)
    except refusals as error:
        raise BrokerAwayError(str(error)) from error


def _waiting(connection: Connection) -> int:
    """Without making the queue: one that is not there holds nothing."""
    channel: Any = connection.default_channel
    queue = current_app.conf.task_default_queue
    try:
        return int(channel.queue_declare(queue=queue, passive=True).message_count)
    except connection.channel_errors as error:
        if str(getattr(error, "reply_code", "")) != NO_QUEUE:
            raise
        return 0


def _write_into(folder: Path) -> None:
    """The broker of files is there as long as its folder can be written to."""
    try:
        with TemporaryFile(dir=folder):
            return
    except OSError as error:
        raise BrokerAwayError(str(error)) from error

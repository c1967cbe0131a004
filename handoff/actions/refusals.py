"""Why an action was not done. Nothing was written then."""

from collections.abc import Callable
from typing import Any


class RefusedError(Exception):
    """An action was not done; the message says why, for the person who asked."""


class InvalidError(RefusedError):
    """What was said does not do: ``field`` names the argument."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class NotAllowedError(RefusedError):
    """This person may not."""


class MovedError(RefusedError):
    """It is no longer in the state that the action needs; ``state`` is the one it is in."""

    def __init__(self, reason: str, state: str) -> None:
        super().__init__(reason)
        self.state = state


def why_not(check: Callable[..., object], *told: Any, **named: Any) -> str:
    """What a check says that refuses; empty where it does not."""
    try:
        check(*told, **named)
    except RefusedError as refused:
        return str(refused)
    return ""

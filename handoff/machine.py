"""States and legal moves: what may become of a management state, a waiver, a consultant, a case. Pure."""

from collections.abc import Mapping
from typing import Final

Moves = Mapping[tuple[str, str], str]
"""From a state, by a move, to a state; what is not in it is not legal. No state at all is ``""``."""

MANAGEMENT: Final[Moves] = {
    ("", "adopt as developer_managed"): "developer_managed",
    ("", "adopt as ops_managed"): "ops_managed",
    ("pre_launch", "launch"): "developer_managed",
    ("developer_managed", "hand off"): "ops_managed",
    ("ops_managed", "hand back (repair)"): "developer_managed",
    ("ops_managed", "hand back (release)"): "developer_managed",
}
"""Who runs a live service."""

WAIVER: Final[Moves] = {
    ("", "ask"): "asked",
    ("asked", "approve"): "live",
    ("asked", "refuse"): "refused",
    ("asked", "withdraw"): "withdrawn",
    ("asked", "expire"): "expired",
    ("live", "revoke"): "revoked",
    ("live", "expire"): "expired",
}
CONSULTANT: Final[Moves] = {
    ("", "name"): "advising",
    ("advising", "end"): "ended",
}
HANDOFF: Final[Moves] = {
    ("", "propose"): "proposed",
    ("proposed", "reject"): "rejected",
    ("proposed", "withdraw"): "withdrawn",
    ("proposed", "lapse"): "lapsed",
    ("proposed", "open review"): "in_review",
    ("in_review", "approve"): "approved",
    ("in_review", "reject"): "rejected",
    ("in_review", "withdraw"): "withdrawn",
    ("in_review", "lapse"): "lapsed",
    ("approved", "begin shadow"): "shadowing",
    ("approved", "withdraw"): "withdrawn",
    ("approved", "lapse"): "lapsed",
    ("shadowing", "stop"): "approved",
    ("shadowing", "take over"): "backed_up",
    ("shadowing", "withdraw"): "withdrawn",
    ("shadowing", "lapse"): "lapsed",
    ("backed_up", "complete"): "completed",
}
"""How operations take a service over. In review its review decides: signed by all who must it approves; ended
otherwise it ends the handoff likewise. Taking over moves the service, which developers back up for a while.
"""

HANDBACK: Final[Moves] = {
    ("", "propose"): "proposed",
    ("proposed", "reject"): "rejected",
    ("proposed", "withdraw"): "withdrawn",
    ("proposed", "lapse"): "lapsed",
    ("proposed", "repair jointly"): "joint_repair",
    ("joint_repair", "return"): "proposed",
    ("joint_repair", "withdraw"): "withdrawn",
    ("joint_repair", "lapse"): "lapsed",
    ("proposed", "confirm"): "stabilising",
    ("proposed", "release"): "confirmed",
    ("stabilising", "stabilise"): "stabilised",
    ("stabilising", "cut short"): "withdrawn",
}
"""How operations give a service back. Confirming one of kind repair begins its stabilisation at once; one of
kind release ends with it. Cut short is what its service does not outlive: by rule alone, nobody may."""

CASES: Final[Mapping[str, Moves]] = {"handoff": HANDOFF, "handback": HANDBACK}
"""The moves of a case, by its kind."""

REVIEW: Final[Moves] = {
    ("", "open"): "open",
    ("open", "complete"): "signed",
    ("open", "reject"): "rejected",
    ("open", "withdraw"): "withdrawn",
    ("open", "lapse"): "lapsed",
    ("signed", "launch"): "used",
    ("signed", "hand off"): "used",
    ("signed", "withdraw"): "withdrawn",
    ("signed", "lapse"): "lapsed",
}
"""A review: signed by all who must, it leads to one move, or lapses."""


class IllegalMoveError(ValueError):
    """There is no such move from this state."""

    def __init__(self, state: str, move: str) -> None:
        super().__init__(f"{move} is no move from {state or 'nothing'}")
        self.state = state
        self.move = move


def after(moves: Moves, state: str, move: str) -> str:
    """The state that a move leads to. Raises :class:`IllegalMoveError`."""
    try:
        return moves[state, move]
    except KeyError:
        raise IllegalMoveError(state, move) from None


def legal(moves: Moves, state: str) -> list[str]:
    """The moves that there are from a state."""
    return [move for (begins, move) in moves if begins == state]

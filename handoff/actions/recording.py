"""Appends transitions: the one writer of the audit."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from django.contrib.auth.models import User

from handoff.actions.refusals import MovedError
from handoff.machine import IllegalMoveError, Moves, after
from handoff.models import Message, Transition, TransitionScorecard
from readiness import clock
from readiness.models import Scorecard
from readiness.rights import name_of

__all__ = ["HISTORY", "is_by", "moved", "name_of", "record"]

HISTORY: Final = timedelta(days=7)
"""What took effect longer ago is put on record, and nobody is told of it as of news."""


def is_by(actor: str, user: User) -> bool:
    """Whether a record names this log-in: by its id, for a person may be called otherwise by now."""
    return actor.partition(" ")[0] == str(user.pk)


def moved(moves: Moves, state: str, move: str, *, what: str) -> str:
    """The state that a move leads to; raises ``MovedError`` where there is no such move from this state."""
    try:
        return after(moves, state, move)
    except IllegalMoveError as error:
        raise MovedError(f"{what} is {state or 'not there'} by now.", state) from error


def record(transitions: Sequence[Transition], relying_on: Iterable[Scorecard] = ()) -> None:
    """Append transitions, to each the scorecards that it relied on and what people are told, in the
    transaction that is open.
    """
    now = clock.real_now()
    for each in transitions:
        each.recorded_at = now
    written = Transition.objects.bulk_create(transitions)
    cards = list(relying_on)
    TransitionScorecard.objects.bulk_create(
        TransitionScorecard(transition=transition, scorecard=card) for transition in written for card in cards
    )
    Message.objects.bulk_create(_messages(written))


def _messages(written: Sequence[Transition]) -> Iterable[Message]:
    news = clock.going() - HISTORY
    for each in written:
        yield Message(
            event=Message.Event.TRANSITION,
            topic=each.subject,
            service_id=each.service_id,
            transition=each,
            at=each.at,
            written_at=each.recorded_at,
            routed_at=each.recorded_at if each.at < news else None,
        )

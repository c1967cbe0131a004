"""What a message says: what happened, why, and what the reader should do, with a link. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

TRANSITION: Final = "transition"
RAISED: Final = "alert_raised"
ENDED: Final = "alert_ended"
TEST: Final = "test"

NO_REASON: Final = "No reason was given."
FOR_INFORMATION: Final = (
    "Nothing: this is for your information. The page behind the link has the whole story."
)

TO_DO: Final[Mapping[tuple[str, str], str]] = {
    ("waiver", "asked"): "Somebody else than its author should approve or refuse it: it does not count yet.",
    ("waiver", "live"): "Mend what it sets aside before it ends; the page says when that is.",
    ("waiver", "refused"): "Mend what it asked to set aside, or ask again with a better reason.",
    ("waiver", "revoked"): "What it set aside counts again: look at the newest scorecard.",
    ("waiver", "expired"): "What it set aside counts again: mend it, or ask for a new waiver.",
    ("consultant", "advising"): "Developers of the service: ask them for advice.",
    ("consultant", "ended"): "If the service still needs advice, name another consultant.",
    ("management", "ops_managed"): "Operations answer its pages from now on: look over its runbooks.",
    ("management", "developer_managed"): "Its developers answer its pages from now on: look over the rota.",
    ("case", "proposed"): "Decide about it: the page of the service shows what can be done, and by whom.",
    ("case", "in_review"): "Both sides: answer the items of its review, then sign it.",
    ("case", "approved"): "The ops team accepts to carry it, if it has not; then somebody begins the shadow.",
    ("case", "shadowing"): "Developers and operations: say of every page whether it was right to come.",
    ("case", "backed_up"): "Operations are paged first, developers second, until the time of back-up ends.",
    ("case", "joint_repair"): "Developers and operations: repair together, before the time that was set.",
    ("case", "confirmed"): "Its developers run it from now on: plan what has to be mended.",
    ("case", "stabilising"): "Work through the plan; each scorecard shows how far its exit criteria are met.",
    ("case", "stabilised"): "A handoff may be proposed again.",
    ("review", "open"): "Both sides: answer the items of the checklist, then sign.",
    ("review", "signed"): "Make the move that it allows, before it lapses.",
    ("review", "rejected"): "Mend what blocks, then open another review.",
}  # fmt: skip
"""By what it is about and the state it reached; whatever is not here is for information."""

NAMED_BY_THEMSELVES: Final = frozenset({"case", "review"})
"""Topics whose ``about`` says what it is: handback (repair), not case handback (repair)."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that people are told of, as plain facts."""

    key: int
    """Of the message: it grows, and names the message to its receivers."""
    event: str
    topic: str
    at: datetime
    service: str = ""
    """Slug; none where the whole fleet is concerned."""
    about: str = ""
    """What was waived, who advises; of an alert, which one."""
    move: str = ""
    from_state: str = ""
    to_state: str = ""
    actor: str = ""
    reason: str = ""
    text: str = ""
    """What an alert says."""
    who: str = ""
    """Who should act on an alert, or who asked for a test."""
    url: str = ""


class Words(NamedTuple):
    """A message in words; no line of ``subject`` ever breaks."""

    subject: str
    what: str
    why: str
    to_do: str
    url: str


def words(happening: Happening) -> Words:
    """A happening in words."""
    what, why, to_do = _TOLD[happening.event](happening)
    subject = " ".join(f"[Handoff] {_headline(happening)}".split())
    return Words(subject if len(subject) <= 150 else f"{subject[:149]}…", what, why, to_do, happening.url)


def letter(said: Words) -> str:
    """The text of an e-mail, or of a chat."""
    return f"{said.what}\n\nWhy: {said.why}\n\nWhat to do: {said.to_do}\n\n{said.url}\n"


def digest(said: Sequence[Words], *, until: datetime) -> tuple[str, str]:
    """Subject and text of many messages in one, oldest first."""
    number = f"{len(said)} message{'' if len(said) == 1 else 's'}"
    parts = (f"{place}. {letter(each)}" for place, each in enumerate(said, start=1))
    return f"[Handoff] {number} until {_moment(until)}", "\n".join(parts)


def type_of(happening: Happening) -> str:
    """The type of its CloudEvent: ``handoff.waiver.live``, ``handoff.alert.raised``, ``handoff.test``."""
    if happening.event == TEST:
        return "handoff.test"
    outcome = happening.to_state or happening.event.removeprefix("alert_")
    return f"handoff.{happening.topic}.{outcome}"


def _headline(happening: Happening) -> str:
    about = happening.about or happening.topic.replace("_", " ")
    if happening.event == TEST:
        return "a test message"
    if happening.event == TRANSITION:
        return f"{happening.service}: {_subject_of(happening)} is {_state(happening.to_state)}"
    return f"{happening.service or 'the fleet'}: {about}{' is over' if happening.event == ENDED else ''}"


def _transition(happening: Happening) -> tuple[str, str, str]:
    came = f", before {_state(happening.from_state)}" if happening.from_state else ""
    what = (
        f"{happening.service}: {_subject_of(happening)} is {_state(happening.to_state)}{came} "
        f"({happening.move.replace('_', '-')}), by {_name(happening.actor)}, {_moment(happening.at)}."
    )
    to_do = TO_DO.get((happening.topic, happening.to_state), FOR_INFORMATION)
    return what, happening.reason or NO_REASON, to_do


def _raised(happening: Happening) -> tuple[str, str, str]:
    what = f"{happening.service or 'The fleet'}: {happening.about}, since {_moment(happening.at)}."
    return (
        what,
        happening.text,
        f"{happening.who} should act as said above; it ends by itself once that helped.",
    )


def _ended(happening: Happening) -> tuple[str, str, str]:
    what = f"{happening.service or 'The fleet'}: {happening.about} is over since {_moment(happening.at)}."
    return what, f"What it said holds no more: {happening.text}", "Nothing: it ended by itself."


def _test(happening: Happening) -> tuple[str, str, str]:
    why = f"{_name(happening.who)} asked for it on the page of the subscription."
    return "This is a test message.", why, "Nothing: messages arrive here."


_TOLD: Final = {TRANSITION: _transition, RAISED: _raised, ENDED: _ended, TEST: _test}


def _subject_of(happening: Happening) -> str:
    if happening.topic == "management":
        return "who runs it"
    topic = happening.topic.replace("_", " ")
    if happening.topic in NAMED_BY_THEMSELVES and happening.about:
        return happening.about
    return f"{topic} {happening.about}" if happening.about else topic


def _state(state: str) -> str:
    return state.replace("_", "-")


def _name(actor: str) -> str:
    """``Ada`` of ``12 Ada``: records begin with the key of the log-in."""
    key, _, name = actor.partition(" ")
    return name if key.isdecimal() and name else actor


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

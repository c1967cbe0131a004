"""What an item of a checklist can come to. Pure."""

from enum import StrEnum


class Outcome(StrEnum):
    """What an item came to; open until somebody or something says."""

    OPEN = "open"
    MET = "met"
    NOT_MET = "not_met"
    ACCEPTED = "accepted"
    """Not met, and accepted with a condition that somebody owns, with a due date."""
    OVERRIDDEN = "overridden"
    """Measured, not met, and settled by an SRE lead who overrode the verdict."""
    NOT_APPLICABLE = "not_applicable"
    LAPSED = "lapsed"


SETTLED = frozenset({Outcome.MET, Outcome.ACCEPTED, Outcome.OVERRIDDEN, Outcome.NOT_APPLICABLE})
"""What lets a review be signed."""

"""Recorded decisions: the history of a fleet folder, applied as if it were decided now, as of its moments."""

from handoff.decisions.applying import Applied, DecisionImport
from handoff.decisions.records import Decision, read_decision

__all__ = ["Applied", "Decision", "DecisionImport", "read_decision"]

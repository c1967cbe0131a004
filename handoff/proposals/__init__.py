"""Live scorecards, rules, actions: proposes to move services, and lapses what evidence no longer supports."""

from handoff.proposals.sweeping import Made, Outcome, propose_moves

__all__ = ["Made", "Outcome", "propose_moves"]

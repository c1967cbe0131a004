"""Tries policies on stored evidence: what a candidate would change, and whether verdicts foretell anything.

Nothing here writes a scorecard.
"""

from readiness.simulation.backtesting import backtest, moments_before
from readiness.simulation.reasons import Trial
from readiness.simulation.runs import Ask, due, request, work
from readiness.simulation.simulating import moments, simulate

__all__ = [
    "Ask",
    "Trial",
    "backtest",
    "due",
    "moments",
    "moments_before",
    "request",
    "simulate",
    "work",
]

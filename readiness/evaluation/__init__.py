"""Evaluates services as of a moment: facts, numbers, scorecards, in batches that can be resumed."""

from readiness.evaluation.judging import explanations
from readiness.evaluation.policies import in_force, parsed
from readiness.evaluation.runs import close_finished, due_batches, rejudge_due, request, run, run_batch

__all__ = [
    "close_finished",
    "due_batches",
    "explanations",
    "in_force",
    "parsed",
    "rejudge_due",
    "request",
    "run",
    "run_batch",
]

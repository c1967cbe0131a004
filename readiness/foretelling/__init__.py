"""Does the rubric foretell anything? Judgements against what came after them, by statistics alone."""

from readiness.foretelling.counting import VerdictRate, rates
from readiness.foretelling.observations import CONSEQUENCES, OVERALL, Consequence, Observation, Tally
from readiness.foretelling.ranking import Relation, relations
from readiness.foretelling.telling import sentences

__all__ = [
    "CONSEQUENCES",
    "OVERALL",
    "Consequence",
    "Observation",
    "Relation",
    "Tally",
    "VerdictRate",
    "rates",
    "relations",
    "sentences",
]

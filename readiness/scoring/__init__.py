"""Judges a service: facts and a policy in, a score, its range, a level, blockers and four verdicts out."""

from readiness.scoring.document import differences, digest
from readiness.scoring.judgement import Judgement, NumbersDocument
from readiness.scoring.judging import judge
from readiness.scoring.stands import deploy_verdict
from readiness.scoring.verdicts import Reason, Verdict

__all__ = [
    "Judgement",
    "NumbersDocument",
    "Reason",
    "Verdict",
    "deploy_verdict",
    "differences",
    "digest",
    "judge",
]

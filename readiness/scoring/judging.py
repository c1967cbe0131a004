"""Judges one service under one policy: every criterion first, then what follows from them."""

from collections.abc import Mapping

from readiness.criteria import BY_SLUG
from readiness.criteria.outcome import Outcome
from readiness.criteria.telemetry import TELEMETRY
from readiness.facts import ServiceFacts
from readiness.policy import Policy
from readiness.rubric import Rubric
from readiness.scoring.judgement import Judgement
from readiness.scoring.overall import Overall, level, overall
from readiness.scoring.stands import deploy_answer, stands
from readiness.scoring.verdicts import Grounds, Verdict, before_launch, handback, handoff, launch


def judge(facts: ServiceFacts, policy: Policy) -> Judgement:
    """Judge a service by the policy's rubric for its tier (SCORING.md section 4)."""
    rubric = policy.rubric(facts.tier)
    outcomes = {slug: BY_SLUG[slug].judge(facts, rubric) for slug in rubric.criteria}
    whole = overall(outcomes, rubric)
    if whole is None:
        raise ValueError(f"the policy {rubric.policy} weighs no criterion in tier {rubric.tier}")
    grounds = _grounds(facts, rubric, outcomes, whole=whole)
    blocked = any(each.code not in grounds.waived for each in grounds.blockers)
    against = stands(facts, rubric.deploy)
    return Judgement(
        facts=facts,
        outcomes=outcomes,
        overall=whole,
        gating=grounds.gating,
        level=level(whole, outcomes, rubric, blocked=blocked),
        blockers=grounds.blockers,
        waived=grounds.waived,
        handoff=handoff(grounds),
        launch=_launch(grounds),
        deploy=None if facts.lifecycle == "retired" else deploy_answer(against),
        handback=handback(grounds),
        stands=against,
    )


def _grounds(
    facts: ServiceFacts, rubric: Rubric, outcomes: Mapping[str, Outcome], *, whole: Overall
) -> Grounds:
    waived: dict[str, tuple[int, ...]] = {}
    for waiver in facts.standing.waivers:
        waived[waiver.target] = (*waived.get(waiver.target, ()), waiver.id)
    return Grounds(
        facts=facts,
        rubric=rubric,
        outcomes=outcomes,
        blockers=tuple([blocker for outcome in outcomes.values() for blocker in outcome.blockers]),
        gating=overall(outcomes, rubric, leaving_out=waived) if waived else whole,
        waived=waived,
    )


def _launch(grounds: Grounds) -> Verdict | None:
    if not before_launch(grounds.facts):
        return None
    if TELEMETRY.slug not in grounds.rubric.criteria:
        # A policy that does without telemetry cannot tell before a launch.
        return launch(grounds, Outcome(None))
    return launch(grounds, TELEMETRY.launch_outcome(grounds.facts, grounds.rubric))

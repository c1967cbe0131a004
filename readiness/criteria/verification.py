"""Verification: is a deployment done when it runs, or when telemetry has proven it?"""

from collections.abc import Mapping
from typing import ClassVar

from readiness.criteria.base import SHARE, Criterion, Measured
from readiness.criteria.outcome import Gap, Shown, Value
from readiness.criteria.wording import change, counted, number, percent, sentence
from readiness.facts import ServiceFacts
from readiness.rubric import Count, Rubric, RubricCriterion, Settings


class VerificationSettings(Settings):
    """How many deployments it takes to tell."""

    minimum_deployments: Count


class Verification(Criterion[VerificationSettings]):
    """Deployment verification."""

    slug = "verification"
    title = "Deployment verification"
    needs = ("deployment",)
    evidence_kinds = ("deployment",)
    part_titles: ClassVar[Mapping[str, str]] = {"proven_share": "share of deployments proven by telemetry"}
    units: ClassVar[Mapping[str, str]] = {
        "proven_share": SHARE,
        "deployments": "deployments",
        "passed": "deployments",
        "failed": "deployments",
        "failed_and_mended": "deployments",
        "inconclusive": "deployments",
    }
    settings = VerificationSettings

    def gaps(self, facts: ServiceFacts, rule: RubricCriterion[VerificationSettings]) -> tuple[Gap, ...]:
        """Too few deployments, or none that anybody verified."""
        verified, least = facts.changes.verified, rule.settings.minimum_deployments
        if verified.total < least:
            return (Gap("too_few", "deployment", (("rows", verified.total), ("minimum", least))),)
        if not verified.passed + verified.failed + verified.inconclusive:
            return (Gap("never_verified", "deployment", (("rows", verified.total),)),)
        return ()

    def measure(self, facts: ServiceFacts, rubric: Rubric) -> Measured:
        """Passed, and failed but mended, against all: ``inconclusive`` is verified and proves nothing."""
        verified = facts.changes.verified
        proven = (verified.passed + verified.failed_and_mended) / verified.total if verified.total else None
        shown = (
            ("deployments", verified.total),
            ("passed", verified.passed),
            ("failed", verified.failed),
            ("failed_and_mended", verified.failed_and_mended),
            ("inconclusive", verified.inconclusive),
        )
        return Measured((proven,), shown)

    def describe(self, parts: Mapping[str, Value], shown: Mapping[str, Shown], rubric: Rubric) -> str:
        """The proven share, and what became of the others."""
        unclear, failed = shown.get("inconclusive"), shown.get("failed")
        deployments = counted(shown["deployments"], "deployment")
        return sentence(
            f"{percent(parts['proven_share'])} of {deployments} proven by telemetry",
            f"{number(failed)} failed their verification" if failed else None,
            f"{number(unclear)} could not be decided" if unclear else None,
        )

    def step(self, part: str, from_: float, to: float) -> str:
        """Verify more of what is deployed."""
        return change(self.part_titles[part], from_, to, share=True)


VERIFICATION = Verification()

"""Finds which changes of a policy make a judgement differ: tried one by one, then left out one by one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from readiness.comparing import PolicyChange, applied, differences
from readiness.evaluation.judging import judge_each, judge_services, scope_of
from readiness.facts import ServiceFacts
from readiness.measures import Scope
from readiness.policy import Policy
from readiness.simulation.trial import Circles, Difference, Said, differs, facts_of, said

ALONE = "alone"
"""Each of the changes would do it by itself."""
TOGETHER = "together"
"""It takes all of them at once."""
SEVERAL = "several"
"""Any of several sets would do; the changes that the service's tier knows are named."""


@dataclass(frozen=True, slots=True)
class Because:
    """Why a service's judgement differs: numbers of changes in the trial's list, and how they did it."""

    aspect: str
    how: str
    changes: tuple[int, ...]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"aspect": self.aspect, "how": self.how, "changes": list(self.changes)}


class Trial:
    """A candidate beside the baseline, and every policy in between that is asked for."""

    def __init__(self, baseline: Policy, candidate: Policy) -> None:
        self.baseline = baseline
        self.candidate = candidate
        self._between: dict[frozenset[int], Policy | None] = {}

    @cached_property
    def changes(self) -> Sequence[PolicyChange]:
        """What leads from one to the other; none when nothing can differ."""
        return differences(self.baseline, self.candidate)

    def with_only(self, numbers: Iterable[int]) -> Policy | None:
        """The baseline with these changes; ``None`` where they cannot stand without others."""
        chosen = frozenset(numbers)
        if chosen not in self._between:
            self._between[chosen] = applied(self.baseline, [self.changes[each] for each in sorted(chosen)])
        return self._between[chosen]

    def concerning(self, tier: int) -> list[int]:
        """The changes that services of a tier are judged by."""
        return [number for number, each in enumerate(self.changes) if each.tier in (None, tier)]


class Inquiry:
    """Looks into some services as of one moment; their facts are measured once for each scope."""

    def __init__(self, trial: Trial, at: datetime, found: Sequence[Difference]) -> None:
        self.trial = trial
        self._circles = Circles(at)
        self._ids = sorted(each.service_id for each in found)
        self._facts: dict[Scope, Mapping[int, ServiceFacts]] = {}

    def because(self, found: Difference) -> Because:
        """Which changes did it."""
        aspect = found.aspect
        own = self.trial.concerning(found.tier)

        def does(numbers: Iterable[int]) -> bool:
            policy = self.trial.with_only(numbers)
            told = None if policy is None else self._said(found, policy)
            return told is not None and not differs(aspect, told, found.new)

        return _because(aspect, own, does)

    def _said(self, found: Difference, policy: Policy) -> Said | None:
        """What a policy says of a service; it need not be judged where its tier sees no difference."""
        rubric = policy.rubric(found.tier)
        for known, answer in ((self.trial.baseline, found.old), (self.trial.candidate, found.new)):
            if rubric == known.rubric(found.tier) and self._scope(policy) == self._scope(known):
                return answer
        facts = self._measured(policy).get(found.service_id)
        judged = {} if facts is None else judge_each({found.service_id: facts}, policy).judgements
        return said(judged[found.service_id]) if judged else None

    def _scope(self, policy: Policy) -> Scope:
        return scope_of(policy, self._circles.at, self._ids)

    def _measured(self, policy: Policy) -> Mapping[int, ServiceFacts]:
        scope = self._scope(policy)
        spans = replace(scope, ids=())
        if spans not in self._facts:
            self._facts[spans] = facts_of(judge_services(scope, policy, self._circles.under(policy)))
        return self._facts[spans]


def _because(aspect: str, own: Sequence[int], does: Callable[[Iterable[int]], bool]) -> Because:
    """One that does it alone; else those without which it does not happen, when they are enough."""
    alone = [each for each in own if does((each,))]
    if alone:
        return Because(aspect, ALONE, tuple(alone))
    needed = [each for each in own if not does([other for other in own if other != each])]
    if needed and (len(needed) == len(own) or does(needed)):
        return Because(aspect, TOGETHER, tuple(needed))
    return Because(aspect, SEVERAL, tuple(own))

"""Counts what reviews missed: findings of handbacks, by the review item that should have caught each."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from handoff.actions.review_filling import CHECKLIST
from handoff.checklists import Item
from handoff.models import Finding
from readiness.criteria import BY_SLUG

_ASKED: Final[dict[str, Item]] = {item.slug: item for topic in CHECKLIST.topics for item in topic.items}


@dataclass(slots=True)
class Miss:
    """A review item, and the findings that it should have caught."""

    item: str
    findings: int = 0
    open: int = 0
    """Findings of it that nobody closed."""
    cases: dict[int, str] = field(default_factory=dict)
    """Keys of the handbacks in which they were made, to the slugs of their services; the newest first."""

    @property
    def text(self) -> str:
        """What the item asks; the code alone where the checklist in use does not have it any more."""
        return _ASKED[self.item].text if self.item in _ASKED else self.item

    @property
    def criterion(self) -> str:
        """Slug of the criterion that measures the item; empty where none does."""
        source = _ASKED[self.item].source if self.item in _ASKED else self.item
        return source if source in BY_SLUG else ""


def misses() -> list[Miss]:
    """Every item that something was missed by, the most missed first; one query."""
    found: dict[str, Miss] = {}
    rows = Finding.objects.exclude(review_item="").order_by("-pk")
    for item, case, slug, closed_at in rows.values_list(
        "review_item", "case", "case__service__slug", "closed_at"
    ):
        miss = found.setdefault(item, Miss(item))
        miss.findings += 1
        miss.open += closed_at is None
        miss.cases.setdefault(case, slug)
    return sorted(found.values(), key=lambda miss: (-miss.findings, miss.item))


def by_criterion(counted: Iterable[Miss]) -> list[tuple[str, int]]:
    """Titles of the criteria that measure missed items, each with its findings; the most missed first."""
    total: Counter[str] = Counter()
    for miss in counted:
        if miss.criterion:
            total[BY_SLUG[miss.criterion].title] += miss.findings
    return total.most_common()

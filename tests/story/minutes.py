"""Keeps who decided what about one service, with the steps that handoffs have in common."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.story.chronicle import SOURCES, Row, written
from tests.story.organisation import members
from tests.story.plot import Person, Plot, utc
from tests.story.words import ATTESTED, BY_OPERATIONS

SOON = timedelta(hours=2)
"""A page is assessed so long after it came."""


@dataclass(slots=True)
class Minutes:
    """What was decided about one service, in the order in which it is told."""

    plot: Plot
    pages: Collection[Row]
    lines: list[Row] = field(default_factory=list)

    @property
    def lead(self) -> Person:
        """Who leads its ops team."""
        return members(self.plot.ops_team, ("manager",))[0]

    def dev(self, number: int) -> Person:
        """One of four developers."""
        return members(self.plot.team, ("developer",))[number]

    def ops(self, number: int) -> Person:
        """One of six engineers."""
        return members(self.plot.ops_team, ("ops",))[number]

    def say(self, at: str | datetime, who: Person, action: str, **said: Any) -> None:
        """One decision."""
        moment = utc(at) if isinstance(at, str) else at
        self.lines.append(
            {
                "at": written(moment),
                "actor": who.name,
                "action": action,
                "service": self.plot.slug,
                **said,
            }
        )

    def attest(self, at: str, items: Iterable[str], **of: str) -> None:
        """Items are met, each by word of its side."""
        for item in items:
            who = self.ops(0) if item in BY_OPERATIONS else self.dev(1)
            said = {"item": item, "name": who.name, "said_on": at[:10], "remark": ATTESTED[item]}
            self.say(at, who, "attest_item", **said)

    def sign(self, at: str) -> None:
        """Both sides, an hour apart."""
        self.say(at, self.dev(1), "sign_review", side="developers")
        self.say(utc(at) + timedelta(hours=1), self.ops(1), "sign_review", side="operations")

    def propose(self, at: str, reason: str, *, opened: str = "") -> None:
        """A handoff, and where it says when, its review."""
        self.say(at, self.dev(0), "propose_handoff", reason=reason)
        if opened:
            self.say(opened, self.lead, "open_handoff_review")

    def begin(self, accepted: str, begun: str) -> None:
        """Operations accept to carry it, and the shadow begins."""
        self.say(accepted, self.ops(2), "accept_handoff", reason="We have room for it.")
        self.say(begun, self.ops(3), "begin_shadow")

    def assess(self, since: str, until: str, *, besides: int | None = None) -> None:
        """Each page of a shadow was worth it, but for one, by its number."""
        came = [page for page in self.pages if written(utc(since)) <= page["paged_at"] < written(utc(until))]
        for number, page in enumerate(came):
            at = datetime.fromisoformat(page["paged_at"]) + SOON
            well = number != besides
            name = f"{SOURCES['page']}:{page['id']}"
            self.say(
                min(at, utc(until)), self.ops(3), "assess_page", page=name, critical=well, actionable=well
            )

    def confirm(self, developers: str, operations: str) -> None:
        """Both sides say that the shadow ended well."""
        reachable = [self.dev(2).name, self.dev(3).name]
        self.say(developers, self.dev(2), "confirm_shadow", side="developers", reachable=reachable)
        self.say(
            operations, self.ops(4), "confirm_shadow", side="operations", reason="We know it well by now."
        )

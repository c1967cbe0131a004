"""Tells who decided what about the services of :mod:`tests.story.moving`: a line for each decision."""

from collections.abc import Callable, Iterable, Mapping

from tests.story.chronicle import Row
from tests.story.minutes import Minutes
from tests.story.plots import PLOTS
from tests.story.words import OF_HANDOFF, OF_LAUNCH, SOON_STALE


def decision_rows(pages: Iterable[Row]) -> list[Row]:
    """All lines in order of time. Of the ``pages`` those of shadows are assessed."""
    plots = {plot.slug: plot for plot in PLOTS}
    came = [page for page in pages if page["service"] in DECIDED]
    rows: list[Row] = []
    for slug, tell in DECIDED.items():
        minutes = Minutes(plots[slug], [page for page in came if page["service"] == slug])
        tell(minutes)
        rows += minutes.lines
    return sorted(rows, key=lambda row: row["at"])


# The paths -------------------------------------------------------------------------------------------


def _launched(told: Minutes) -> None:
    told.say("2026-04-20 14:00", told.dev(0), "open_launch_review", reason="Customers are to have it in May.")
    told.attest("2026-04-22 14:00", (item for item in OF_LAUNCH if item != "load_tested"))
    told.say(
        "2026-04-23 14:00",
        told.ops(0),
        "report_finding",
        item="load_tested",
        remark="It was tested with an empty database.",
        blocking=False,
    )
    told.say(
        "2026-04-24 14:00",
        told.ops(0),
        "accept_item",
        item="load_tested",
        condition="Test it with the data of a year.",
        severity=3,
        owner=told.dev(2).name,
        due_on="2026-05-29",
    )
    told.sign("2026-04-29 14:00")
    told.say("2026-05-04 14:00", told.dev(2), "launch", reason="Both sides have signed.")
    told.say("2026-05-26 14:00", told.dev(2), "fulfil_condition", item="load_tested")


def _handed_off(told: Minutes) -> None:
    told.propose("2026-04-20 09:00", "Quiet for a year.", opened="2026-04-21 09:00")
    told.attest("2026-04-23 09:00", OF_HANDOFF)
    told.sign("2026-04-28 09:00")
    told.begin("2026-04-30 09:00", "2026-05-04 09:00")
    told.assess("2026-05-04 09:00", "2026-05-12 10:00")
    told.say(
        "2026-05-12 10:00", told.ops(3), "stop_shadow", reason="Pages went to half of us: the rota was wrong."
    )
    told.say(
        "2026-05-13 10:00", told.lead, "name_consultant", person=told.ops(5).name, reason="Until it is ours."
    )
    told.say(
        "2026-05-15 10:00",
        told.ops(5),
        "advise",
        person=told.ops(5).name,
        given_on="2026-05-15",
        hours=2.5,
        text="How the rota is kept, and how to try it with a page of a drill.",
    )
    told.say("2026-05-18 09:00", told.ops(3), "begin_shadow", reason="The rota is mended.")
    told.assess("2026-05-18 09:00", "2026-06-02 10:00")
    told.confirm("2026-06-02 10:00", "2026-06-03 10:00")


def _shadowing(told: Minutes) -> None:
    told.say(
        "2025-08-05 09:00",
        told.dev(0),
        "propose_handback",
        kind="release",
        reason="We rebuild it until autumn, and want its pages meanwhile.",
    )
    told.say("2025-08-12 10:00", told.ops(1), "confirm_handback", reason="Agreed: it comes back rebuilt.")
    told.propose("2026-01-13 10:00", "Rebuilt, and quiet since.", opened="2026-01-14 10:00")
    told.attest("2026-01-16 10:00", OF_HANDOFF)
    told.sign("2026-01-20 10:00")
    told.propose("2026-05-11 10:00", "It is still quiet, and now there is time.", opened="2026-05-12 10:00")
    told.attest("2026-05-14 10:00", SOON_STALE)
    told.sign("2026-05-19 10:00")
    told.begin("2026-06-04 10:00", "2026-06-08 09:00")
    told.assess("2026-06-08 09:00", "2026-06-15 09:00", besides=1)


def _in_review(told: Minutes) -> None:
    told.propose("2025-12-01 09:00", "Quiet since spring.", opened="2025-12-02 09:00")
    told.attest("2025-12-05 09:00", ("known_issues", "design_reviewed"))
    told.propose("2026-06-01 09:00", "It is time.", opened="2026-06-02 09:00")
    left = {
        "known_issues",
        "design_reviewed",
        "load_tested",
        "backup_restored",
        "incident_exercise",
        "data_duties",
    }
    told.attest("2026-06-04 09:00", (item for item in OF_HANDOFF if item not in left))
    told.say(
        "2026-06-05 09:00",
        told.ops(0),
        "report_finding",
        item="backup_restored",
        remark="The restore stopped half-way, for lack of space.",
        blocking=True,
    )
    told.say(
        "2026-06-08 09:00",
        told.ops(0),
        "accept_item",
        item="load_tested",
        condition="Test it with the numbers of December.",
        severity=3,
        owner=told.dev(2).name,
        due_on="2026-07-15",
    )
    told.say(
        "2026-06-09 09:00",
        told.dev(1),
        "set_item_aside",
        item="data_duties",
        remark="It keeps nothing of any person.",
        side="developers",
    )
    told.say(
        "2026-06-09 09:30",
        told.lead,
        "assign_item",
        item="incident_exercise",
        to=told.ops(4).name,
        due_on="2026-06-24",
    )
    told.say("2026-06-10 09:00", told.dev(1), "comment_review", text="The disk for restores grows this week.")
    told.say(
        "2026-06-11 09:00",
        told.dev(2),
        "ask_waiver",
        target="coupling",
        reason="It is to call two more services during the sale.",
        ends_at="2026-08-31T00:00:00Z",
    )


def _never_handed_off(told: Minutes) -> None:
    told.propose("2025-09-02 14:00", "Quiet for half a year.")
    told.say("2025-09-04 14:00", told.lead, "reject_handoff", reason="Not before the sale.")
    told.propose("2025-10-06 14:00", "The sale is over.")
    told.say("2025-10-07 14:00", told.dev(0), "withdraw_handoff", reason="Orders are handed off first.")
    told.propose("2025-10-20 14:00", "It is its turn.", opened="2025-10-21 14:00")
    told.say(
        "2025-10-23 14:00",
        told.ops(0),
        "report_finding",
        item="backup_restored",
        remark="There is no backup.",
        blocking=True,
    )
    told.say("2025-10-24 14:00", told.ops(1), "reject_review", reason="First a backup.")
    _waivers(told)
    told.propose("2025-11-17 14:00", "There are backups now.", opened="2025-11-18 14:00")
    told.say(
        "2025-11-20 14:00", told.lead, "withdraw_review", reason="Its developers are at the outage of Stock."
    )
    told.propose("2025-12-01 14:00", "Again.", opened="2025-12-02 14:00")
    told.attest("2025-12-04 14:00", OF_HANDOFF)
    told.sign("2025-12-08 14:00")
    told.say("2026-01-12 14:00", told.dev(0), "withdraw_handoff", reason="Two of the rota are ill.")
    told.propose("2026-01-19 14:00", "Everybody is well.", opened="2026-01-20 14:00")
    told.sign("2026-01-21 14:00")
    told.begin("2026-01-23 14:00", "2026-01-26 15:00")
    told.say("2026-02-02 14:00", told.lead, "withdraw_handoff", reason="The warehouse moves next week.")
    told.propose("2026-02-09 14:00", "The warehouse has moved.", opened="2026-02-10 14:00")
    told.sign("2026-02-11 14:00")
    told.begin("2026-02-13 14:00", "2026-02-16 15:00")
    told.say("2026-02-20 14:00", told.ops(3), "stop_shadow", reason="Nobody here could reach the scanners.")
    told.say("2026-03-02 15:00", told.ops(3), "begin_shadow", reason="Now we can.")
    told.say("2026-03-06 14:00", told.ops(3), "stop_shadow", reason="The new scanners page without need.")


def _waivers(told: Minutes) -> None:
    """One for each way in which a waiver ends."""

    def ask(at: str, ends_at: str, reason: str) -> None:
        said = {"target": "after_hours", "reason": reason, "ends_at": f"{ends_at}T00:00:00Z"}
        told.say(f"{at} 15:00", told.dev(2), "ask_waiver", **said)

    ask("2025-10-27", "2025-12-01", "The sale will wake us.")
    told.say("2025-10-28 15:00", told.lead, "refuse_waiver", target="after_hours", reason="Let us see first.")
    ask("2025-11-03", "2025-12-01", "The sale will wake us, says the forecast.")
    told.say("2025-11-04 15:00", told.dev(2), "withdraw_waiver", target="after_hours", reason="It did not.")
    ask("2025-11-10", "2025-11-24", "The week of discounts.")
    ask("2025-11-25", "2026-01-05", "The weeks before Christmas.")
    told.say("2025-11-26 15:00", told.lead, "approve_waiver", target="after_hours", reason="As every year.")
    told.say(
        "2025-12-15 15:00", told.lead, "revoke_waiver", target="after_hours", reason="It is quiet enough."
    )
    ask("2026-03-09", "2026-04-30", "New scanners in all shops.")
    told.say("2026-03-10 15:00", told.lead, "approve_waiver", target="after_hours")


def _stabilising(told: Minutes) -> None:
    told.propose("2025-09-08 07:00", "Quiet for a year.", opened="2025-09-09 07:00")
    told.attest("2025-09-11 07:00", OF_HANDOFF)
    told.sign("2025-09-16 07:00")
    told.begin("2025-09-18 07:00", "2025-09-22 07:00")
    told.assess("2025-09-22 07:00", "2025-10-07 08:00")
    told.confirm("2025-10-07 08:00", "2025-10-08 10:00")
    told.say("2025-10-27 08:00", told.ops(1), "complete_handoff", reason="No developer was needed so far.")
    told.say(
        "2026-04-27 08:00", told.ops(1), "propose_handback", reason="Since it was rebuilt, faults come daily."
    )
    told.say(
        "2026-05-04 08:00",
        told.dev(2),
        "add_finding",
        kind="design",
        severity=2,
        text="Two parts keep the same state.",
        review_item="design_reviewed",
    )
    told.say(
        "2026-05-04 08:30", told.dev(2), "add_finding", kind="code", severity=3, text="Errors are swallowed."
    )
    plan = (
        ("Keep the state in one place.", 1, "2026-06-12"),
        ("Let errors reach the log.", 2, "2026-05-22"),
        ("Cover the wrapping rules with tests.", 3, "2026-07-03"),
    )
    for text, owner, due_on in plan:
        told.say(
            "2026-05-05 08:00",
            told.dev(2),
            "add_plan_item",
            text=text,
            owner=told.dev(owner).name,
            due_on=due_on,
        )
    told.say(
        "2026-05-11 10:00",
        told.lead,
        "confirm_handback",
        reason="Its developers mend what they rebuilt.",
        consultants=[told.ops(5).name],
    )
    told.say(
        "2026-05-19 08:00",
        told.ops(5),
        "advise",
        person=told.ops(5).name,
        given_on="2026-05-19",
        hours=3,
        text="Which alerts to keep while it is mended.",
    )
    told.say("2026-05-21 08:00", told.dev(2), "finish_plan_item", item="Let errors reach the log.")
    told.say("2026-05-22 08:00", told.dev(2), "close_finding", finding="Errors are swallowed.")
    told.say("2026-06-10 08:00", told.dev(1), "comment_case", text="One place is done, the other follows.")


def _stabilised(told: Minutes) -> None:
    told.say("2025-05-05 09:00", told.ops(0), "propose_handback", reason="It has had three owners in a year.")
    told.say("2025-05-06 15:00", told.lead, "reject_handback", reason="That is no fault of the service.")
    told.say("2025-07-07 15:00", told.ops(0), "propose_handback", reason="Its tests fail now and then.")
    told.say("2025-07-08 15:00", told.ops(0), "withdraw_handback", reason="They do not, since yesterday.")
    told.say("2025-08-26 15:00", told.ops(0), "propose_handback", reason="Defects pile up since July.")
    told.say(
        "2025-08-27 15:00",
        told.lead,
        "repair_jointly",
        plan="Two of either side close the worst of them.",
        owner=told.dev(1).name,
        ends_at="2025-09-22T15:00:00Z",
    )
    told.say("2025-09-08 15:00", told.ops(0), "withdraw_handback", reason="Both sides need a plan first.")
    told.say("2025-10-06 15:00", told.ops(0), "propose_handback", reason="Here is the plan.")
    told.say(
        "2025-10-07 15:00",
        told.lead,
        "repair_jointly",
        plan="No features until half of the defects are closed.",
        owner=told.dev(1).name,
        ends_at="2025-11-03T15:00:00Z",
    )
    told.say(
        "2025-11-04 15:00",
        told.dev(1),
        "add_finding",
        kind="code",
        severity=2,
        text="Nothing is ever retried.",
    )
    told.say(
        "2025-11-04 15:30",
        told.dev(1),
        "add_plan_item",
        text="Retry what can be retried.",
        owner=told.dev(2).name,
        due_on="2025-12-19",
    )
    told.say(
        "2025-11-05 10:00",
        told.ops(1),
        "confirm_handback",
        reason="Half of them are still open.",
        consultants=[told.ops(2).name],
    )
    told.say("2025-12-17 15:00", told.dev(2), "finish_plan_item", item="Retry what can be retried.")
    told.say("2025-12-17 15:30", told.dev(2), "close_finding", finding="Nothing is ever retried.")
    told.say("2026-02-09 15:00", told.ops(1), "stabilise_handback")
    told.say(
        "2026-03-02 15:00", told.lead, "end_consulting", person=told.ops(2).name, reason="It is stable again."
    )


def _joint_repair(told: Minutes) -> None:
    told.say("2025-08-25 14:00", told.ops(0), "propose_handback", reason="Defects pile up since July.")
    told.say(
        "2025-08-26 14:00",
        told.lead,
        "repair_jointly",
        plan="The developers close what is open, we test.",
        owner=told.dev(1).name,
        ends_at="2025-09-22T14:00:00Z",
    )
    told.say("2026-06-01 14:00", told.ops(0), "propose_handback", reason="The same as last summer.")
    told.say(
        "2026-06-02 14:00",
        told.dev(1),
        "add_finding",
        kind="code",
        severity=2,
        text="Letters are printed twice after a retry.",
    )
    told.say(
        "2026-06-08 14:00",
        told.lead,
        "repair_jointly",
        plan="It went well last summer: the developers close what is open, we test.",
        owner=told.dev(1).name,
        ends_at="2026-06-29T14:00:00Z",
    )
    told.say("2026-06-15 14:00", told.dev(1), "comment_case", text="Eleven of thirty are closed.")


DECIDED: Mapping[str, Callable[[Minutes], None]] = {
    "launched": _launched,
    "handed-off": _handed_off,
    "shadowing": _shadowing,
    "in-review": _in_review,
    "never-handed-off": _never_handed_off,
    "stabilising": _stabilising,
    "stabilised": _stabilised,
    "joint-repair": _joint_repair,
}
"""Services about which something was decided."""

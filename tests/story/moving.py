"""Services that people move: launched on a review, handed off, handed back; by whom is in `deciding.py`."""

from dataclasses import replace
from datetime import date

from tests.story.plot import END, Call, Moved, Pace, Plot, Shadow, Told, utc

QUIET = Pace(
    changes=1.2,
    failing=0.02,
    pages=0.4,
    after_hours=0.1,
    defects_per_30_days=1.5,
    small_incidents_per_30_days=0.3,
    work_per_30_days=2,
    observations_per_90_days=1,
)

HASTE = replace(
    QUIET,
    changes=3,
    defects_per_30_days=20,
    severities=(0.3, 0.45, 0.25),
    closing_days=(14, 30),
)
"""Defects come faster than they are closed; none is left open for good."""

MOVING = (
    Plot(
        slug="launched",
        title="Store finder",
        story="Launched on 2026-05-04, once both sides had signed its launch review.",
        team="delivery-new-york",
        system="larkfield-shop",
        tier=4,
        launched_by_review=True,
        launched_on=date(2026, 5, 4),
        deployed_on=date(2026, 3, 2),
        components=("api",),
        paces=(QUIET,),
        told=(
            Told(utc("2026-05-01"), "launch", "ready"),
            Told(END, "handoff", "not_ready", ("stability",)),
        ),
    ),
    Plot(
        slug="handed-off",
        title="Loyalty points",
        story="Taken over by operations on 2026-06-03, at the second shadow: the first was stopped. Its"
        " developers are paged second until 2026-07-01.",
        team="checkout-berlin",
        system="larkfield-shop",
        launched_on=date(2024, 9, 9),
        paces=(QUIET,),
        shadows=(
            Shadow(utc("2026-05-04"), utc("2026-05-12")),
            Shadow(utc("2026-05-18"), utc("2026-06-03")),
        ),
        moved=(Moved(utc("2026-06-03 10:00"), "ops_managed"),),
        told=(
            Told(utc("2026-04-20"), "handoff", "ready"),
            Told(utc("2026-06-03"), "handoff", "ready"),
            Told(END, "handback", "holds"),
        ),
    ),
    Plot(
        slug="shadowing",
        title="Store pick-up",
        story="Given back to its developers on 2025-08-12 by agreement, to be rebuilt. Its first handoff"
        " lapsed, for nobody began the shadow; of the second one the shadow runs.",
        team="browse-london",
        system="larkfield-shop",
        launched_on=date(2024, 7, 1),
        state="ops_managed",
        paces=(QUIET, replace(QUIET, since=date(2026, 6, 8), pages=2, after_hours=0.6, actionable=1)),
        moved=(Moved(utc("2025-08-12 10:00"), "developer_managed"),),
        shadows=(Shadow(utc("2026-06-08"), utc("2026-06-29")),),
        told=(
            Told(utc("2025-08-11"), "handback", "holds"),
            Told(utc("2026-01-13"), "handoff", "ready"),
            Told(END, "handoff", "ready"),
        ),
    ),
    Plot(
        slug="in-review",
        title="Price alerts",
        story="Its first handoff lapsed in review after 90 days. The second one is in review, with much"
        " attested, one finding and one condition.",
        team="checkout-berlin",
        system="larkfield-shop",
        launched_on=date(2025, 2, 3),
        paces=(QUIET,),
        calls=(Call("ops-managed-holds", hard=True),),
        told=(Told(utc("2025-12-01"), "handoff", "ready"), Told(END, "handoff", "ready")),
    ),
    Plot(
        slug="never-handed-off",
        title="Returns",
        story="Seven handoffs were tried between September 2025 and March 2026, and each ended before"
        " operations took over. Now it would be proposed again.",
        team="delivery-new-york",
        system="larkfield-shop",
        ops_team="ops-chicago",
        launched_on=date(2024, 7, 8),
        paces=(QUIET,),
        shadows=(
            Shadow(utc("2026-01-26"), utc("2026-02-02")),
            Shadow(utc("2026-02-16"), utc("2026-02-20")),
            Shadow(utc("2026-03-02"), utc("2026-03-06")),
        ),
        told=(Told(utc("2025-09-02"), "handoff", "ready"), Told(END, "handoff", "ready")),
    ),
    Plot(
        slug="stabilising",
        title="Gift wrap",
        story="Handed off in October 2025. In March 2026 it was rebuilt in haste, and in May it went back:"
        " it is being stabilised.",
        team="accounts-kolkata",
        system="larkfield-back-office",
        launched_on=date(2024, 8, 5),
        paces=(QUIET, replace(HASTE, since=date(2026, 3, 2)), replace(QUIET, since=date(2026, 5, 11))),
        shadows=(Shadow(utc("2025-09-22"), utc("2025-10-08")),),
        moved=(
            Moved(utc("2025-10-08 10:00"), "ops_managed"),
            Moved(utc("2026-05-11 10:00"), "developer_managed"),
        ),
        told=(
            Told(utc("2025-09-08"), "handoff", "ready"),
            Told(utc("2026-03-01"), "handback", "holds"),
            Told(utc("2026-05-11"), "handback", "below", ("defects",)),
            Told(END, "handoff", "not_ready", ("stability",)),
        ),
    ),
    Plot(
        slug="stabilised",
        title="Newsletter",
        story="Regressed in the summer of 2025. Joint repair did not mend it, so it went back on 2025-11-05;"
        " its developers stabilised it by 2026-02-10.",
        team="browse-london",
        system="larkfield-shop",
        ops_team="ops-chicago",
        launched_on=date(2024, 8, 12),
        state="ops_managed",
        paces=(
            QUIET,
            replace(HASTE, since=date(2025, 7, 28)),
            replace(QUIET, since=date(2025, 11, 3)),
            # no build is broken at the end
            replace(QUIET, since=date(2026, 6, 15), broken_builds=0),
        ),
        moved=(Moved(utc("2025-11-05 10:00"), "developer_managed"),),
        told=(
            Told(utc("2025-07-21"), "handback", "holds"),
            Told(utc("2025-11-05"), "handback", "below", ("defects",)),
            Told(utc("2026-01-20"), "handoff", "not_ready", ("stability",)),
            Told(END, "handoff", "ready"),
        ),
    ),
    Plot(
        slug="joint-repair",
        title="Letters",
        story="Twice below under operations, in 2025 and now. Joint repair mended it the first time; the"
        " second one runs until 2026-06-29.",
        team="delivery-new-york",
        system="larkfield-back-office",
        launched_on=date(2024, 8, 26),
        state="ops_managed",
        paces=(
            QUIET,
            replace(HASTE, since=date(2025, 7, 14), defects_per_30_days=27, closing_days=(9, 16)),
            replace(QUIET, since=date(2025, 9, 1)),
            replace(HASTE, since=date(2026, 4, 6)),
        ),
        told=(
            Told(utc("2025-07-07"), "handback", "holds"),
            Told(utc("2025-09-08"), "handback", "below", ("defects",)),
            Told(utc("2025-10-06"), "handback", "holds"),
            Told(END, "handback", "below", ("defects",)),
        ),
    ),
)

"""Services of which one gated criterion alone falls below its threshold, all else being good."""

from dataclasses import replace
from datetime import date

from tests.story.plot import END, Call, Lost, Outage, Pace, Plot, Told, utc

LARGE_AND_BY_HAND = Pace(
    since=date(2026, 2, 2),
    changes=1.5,
    failing=0.34,
    mending_minutes=(1500, 3600),
    commits=(12, 70),
    lead_hours=(200, 900),
    automated=0.45,
    broken_builds=0.2,
)

FAILING_ALONE = (
    Plot(
        slug="only-defects",
        title="Search",
        story="Fast and well watched, but since February 2026 defects are written down faster than they"
        " are closed.",
        team="browse-london",
        system="larkfield-shop",
        launched_on=date(2025, 2, 3),
        tier=2,
        paces=(
            Pace(changes=3.4, commits=(1, 7), after_hours=0.1),
            Pace(
                since=date(2026, 2, 9),
                changes=3.4,
                commits=(1, 7),
                after_hours=0.1,
                defects_per_30_days=7,
                severities=(0.25, 0.5, 0.25),
                left_open=0.5,
                closing_days=(10, 40),
                reopened=0.12,
            ),
        ),
        calls=(Call("only-telemetry"), Call("dark-feeds")),
        told=(
            Told(utc("2025-12-15"), "handoff", "ready"),
            Told(END, "handoff", "not_ready", ("defects",)),
        ),
    ),
    Plot(
        slug="only-telemetry",
        title="Prices",
        story="Two of its three parts moved to new machines in March 2026, and their telemetry did not "
        "come along.",
        team="browse-london",
        system="larkfield-shop",
        launched_on=date(2024, 6, 3),
        components=("api", "importer", "calculator"),
        lost=(
            Lost(
                on=date(2026, 3, 17),
                signals=("latency", "traffic", "errors", "saturation", "logs", "alert", "traces"),
                components=("importer", "calculator"),
            ),
        ),
        paces=(
            Pace(changes=2, lead_hours=(20, 260)),
            Pace(since=date(2026, 3, 16), changes=2, lead_hours=(20, 260), seen_by_alert=0.6),
        ),
        calls=(Call("dark-feeds"),),
        told=(
            Told(utc("2026-03-02"), "handoff", "ready"),
            Told(END, "handoff", "not_ready", ("telemetry",)),
        ),
    ),
    Plot(
        slug="only-after-hours",
        title="Invoices",
        story="A nightly batch was added in January 2026 that wakes somebody most weeks, and mostly for"
        " nothing.",
        team="accounts-kolkata",
        system="larkfield-back-office",
        launched_on=date(2025, 3, 10),
        paces=(
            Pace(changes=1.8),
            Pace(
                since=date(2026, 1, 19),
                changes=1.8,
                after_hours=2.2,
                nights=0.7,
                actionable=0.4,
                answer_minutes=(5, 25),
            ),
        ),
        calls=(Call("ops-managed-holds", hard=True), Call("regressed-urgently", hard=True)),
        told=(
            Told(utc("2026-01-12"), "handoff", "ready"),
            Told(END, "handoff", "not_ready", ("after_hours",)),
        ),
    ),
    Plot(
        slug="only-coupling",
        title="Order desk",
        story="Began to call one service after another in 2026, shares a database, and lies on a cycle "
        "with Reviews.",
        team="checkout-berlin",
        system="larkfield-shop",
        launched_on=date(2024, 9, 16),
        tier=2,
        paces=(Pace(changes=2.6),),
        calls=(
            Call("ops-managed-holds", hard=True),
            Call("regressed-urgently", hard=True),
            Call("ready-after-six-months", since=date(2026, 1, 12)),
            Call("only-defects", since=date(2026, 1, 26)),
            Call("only-telemetry", since=date(2026, 2, 2), hard=True),
            Call("only-after-hours", since=date(2026, 2, 16), hard=True),
            Call("only-change-safety", since=date(2026, 2, 23)),
            Call("only-stability", since=date(2026, 3, 2)),
            Call("regressed", since=date(2026, 3, 9)),
            Call("noisy-pager", since=date(2026, 3, 23)),
            Call("observations-became-work", since=date(2026, 1, 19)),
            Call("winding-down", "shared_database", since=date(2026, 2, 9)),
        ),
        told=(
            Told(utc("2025-12-15"), "handoff", "ready"),
            Told(END, "handoff", "not_ready", ("coupling",)),
        ),
    ),
    Plot(
        slug="only-change-safety",
        title="Shipping",
        story="Since February 2026 changes are big, partly by hand, and one in five fails and stays so "
        "for a day or two.",
        team="delivery-new-york",
        system="larkfield-back-office",
        launched_on=date(2025, 1, 13),
        tier=2,
        paces=(
            Pace(changes=2.4),
            LARGE_AND_BY_HAND,
            # nothing that failed is left open at the end
            replace(LARGE_AND_BY_HAND, since=date(2026, 6, 15), failing=0),
        ),
        calls=(Call("ops-managed-holds", hard=True), Call("carrier-gateway")),
        told=(
            Told(utc("2026-01-12"), "handoff", "ready"),
            Told(END, "handoff", "not_ready", ("change_safety",)),
        ),
    ),
    Plot(
        slug="only-stability",
        title="Sign-in",
        story="All is well but for one outage of severity 1, on 2026-04-20, when the cloud's region was"
        " out: the six months began anew.",
        team="accounts-kolkata",
        system="larkfield-back-office",
        launched_on=date(2024, 4, 22),
        tier=1,
        verifies=True,
        outages=(
            Outage(
                at=utc("2026-04-20 06:10"),
                severity=1,
                minutes=290,
                cause="external",
                title="Nobody can sign in: the cloud's region is out",
            ),
        ),
        paces=(Pace(changes=2, failing=0.02, automated=0.99, defects_per_30_days=2.2, seen_by_alert=0.97),),
        told=(
            Told(utc("2026-04-13"), "handoff", "ready"),
            Told(
                utc("2026-04-20 08:00"),
                "handoff",
                "not_ready",
                ("stability",),
                ("open_severe_incident",),
                "not_ready",
            ),
            Told(END, "handoff", "not_ready", ("stability",)),
        ),
    ),
)

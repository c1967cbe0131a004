"""Services on their way to operations: before launch, ready, and what developers lived through until then."""

from datetime import date

from tests.story.plot import END, BadChange, Call, Outage, Pace, Plot, Remedy, Told, utc

GROWING = (
    Plot(
        slug="ready-after-six-months",
        title="Basket",
        story="Launched on 2025-09-15 and run by its developers. One outage of severity 2 paused the "
        "stability clock for a day; since six months of proven days are full, it is ready for "
        "handoff.",
        team="checkout-berlin",
        system="larkfield-shop",
        tier=2,
        launched_on=date(2025, 9, 15),
        verifies=True,
        carriers=("developer", "tester", "architect", "designer"),
        paces=(Pace(changes=3.2, failing=0.03, observations_per_90_days=3),),
        outages=(
            Outage(
                at=utc("2025-11-19 10:20"),
                severity=2,
                minutes=95,
                cause="capacity",
                title="Basket is slow on the first day of a sale",
            ),
        ),
        calls=(
            Call("only-telemetry"),
            Call("ops-managed-holds", hard=True),
            Call("only-stability"),
            Call("noisy-pager", "async"),
        ),
        told=(
            Told(utc("2025-09-10"), "launch", "ready"),
            Told(utc("2025-12-01"), "handoff", "not_ready", ("stability",)),
            Told(utc("2026-03-14"), "handoff", "not_ready", ("stability",)),
            Told(utc("2026-03-15"), "handoff", "ready"),
            Told(END, "handoff", "ready"),
        ),
    ),
    Plot(
        slug="launch-ready",
        title="Gift cards",
        story="Runs in production without customers since April 2026. Its telemetry is whole and its "
        "pipeline works: ready to launch on 2026-07-06.",
        team="checkout-berlin",
        system="larkfield-shop",
        lifecycle="experimental",
        launched_on=date(2026, 7, 6),
        deployed_on=date(2026, 4, 27),
        paces=(Pace(changes=4, commits=(1, 5)),),
        calls=(Call("ops-managed-holds", hard=True), Call("regressed-urgently", hard=True)),
        told=(Told(END, "launch", "ready"),),
    ),
    Plot(
        slug="launch-not-ready",
        title="Wish lists",
        story="Runs in production without customers since May 2026. Nobody measures how full it is: the"
        " fourth golden signal is missing, so it may not launch.",
        team="browse-london",
        system="larkfield-shop",
        tier=4,
        lifecycle="experimental",
        deployed_on=date(2026, 5, 18),
        missing=("saturation", "runbook", "slo", "traces"),
        components=("api",),
        paces=(Pace(changes=2, defects_per_30_days=3),),
        calls=(Call("only-telemetry"),),
        told=(Told(END, "launch", "not_ready", blockers=("missing_signal:saturation",)),),
    ),
    Plot(
        slug="noisy-pager",
        title="Notifications",
        story="Woke everyone from developers to directors, who all carry its pager, until the alerts "
        "were mended one by one in the autumn of 2025.",
        team="accounts-kolkata",
        system="larkfield-back-office",
        launched_on=date(2024, 10, 7),
        carriers=("developer", "tester", "architect", "designer", "manager", "director"),
        paces=(
            Pace(pages=4, after_hours=4.5, nights=0.4, actionable=0.35, answer_minutes=(4, 35)),
            Pace(since=date(2025, 9, 8), pages=3, after_hours=2, nights=0.4, actionable=0.6),
            Pace(since=date(2025, 11, 10), pages=1.5, after_hours=0.8, nights=0.3, actionable=0.8),
            Pace(since=date(2026, 1, 12), pages=0.8, after_hours=0.15, actionable=0.95),
        ),
        storm_on=date(2025, 7, 23),
        calls=(Call("only-stability"), Call("ops-managed-holds", "async")),
        told=(
            Told(utc("2025-10-01"), "handoff", "not_ready", ("after_hours",), ("after_hours_storm",)),
            Told(utc("2026-03-02"), "handoff", "not_ready", ("after_hours",)),
            Told(END, "handoff", "ready"),
        ),
    ),
    Plot(
        slug="observations-became-work",
        title="Reviews",
        story="Its team watches customers and support every other week, and nearly all they see becomes"
        " work that is done.",
        team="browse-london",
        system="larkfield-shop",
        launched_on=date(2025, 1, 20),
        carriers=("developer", "tester", "designer", "manager"),
        paces=(
            Pace(observations_per_90_days=8.5, acted_upon=1, changes=2.8, commits=(1, 7), lead_hours=(4, 90)),
        ),
        calls=(Call("only-coupling", since=date(2026, 1, 19)), Call("noisy-pager", "async")),
        told=(Told(utc("2025-12-15"), "handoff", "ready"), Told(END, "handoff", "ready")),
    ),
    Plot(
        slug="three-remedies",
        title="Delivery slots",
        story="Its changes fail now and then, and each time somebody knows what to do: switch off, fix "
        "forward or roll back, within the hour.",
        team="delivery-new-york",
        system="larkfield-shop",
        launched_on=date(2024, 8, 19),
        tier=2,
        verifies=True,
        paces=(Pace(failing=0.01, changes=3, pages=1.4, after_hours=0.3),),
        bad_changes=(
            BadChange(
                at=utc("2025-10-07 15:10"),
                title="Slots of yesterday can be booked",
                severity=3,
                remedies=(Remedy(way="rollback", minutes=22),),
            ),
            BadChange(
                at=utc("2026-02-11 16:30"),
                title="The map does not load",
                severity=4,
                remedies=(Remedy(way="toggle_off", minutes=8),),
            ),
            BadChange(
                at=utc("2026-03-24 15:05"),
                title="Slots are shown in the depot's time zone",
                severity=4,
                remedies=(Remedy(way="fix_forward", minutes=47),),
                cause="design",
            ),
            BadChange(
                at=utc("2026-05-06 14:40"),
                title="Booking fails for two in ten",
                severity=3,
                remedies=(Remedy(way="rollback", minutes=17),),
            ),
        ),
        calls=(Call("dark-feeds", hard=True), Call("ops-managed-holds", hard=True)),
        told=(
            Told(utc("2026-02-11 16:50"), "handoff", "not_ready", (), ("unremediated_change",), "not_ready"),
            Told(utc("2026-02-12"), "handoff", "ready"),
            Told(END, "handoff", "ready"),
        ),
    ),
    Plot(
        slug="hotfix-that-hurts",
        title="Vouchers",
        story="On 2026-06-02 a change failed and the hotfix for it hurt more than the change; rolling "
        "the hotfix back ended it. Both count as failed changes, and both are mended.",
        team="checkout-berlin",
        system="larkfield-shop",
        launched_on=date(2024, 11, 4),
        missing=("runbook", "slo", "traces"),
        paces=(Pace(changes=2.2, defects_per_30_days=3.4, automated=0.9),),
        bad_changes=(
            BadChange(
                at=utc("2026-06-02 08:30"),
                title="Vouchers are taken twice",
                severity=3,
                remedies=(
                    Remedy(way="fix_forward", minutes=19, hurts="No voucher is taken at all"),
                    Remedy(way="rollback", minutes=31),
                ),
            ),
        ),
        calls=(Call("ops-managed-holds", hard=True), Call("only-telemetry")),
        told=(
            Told(utc("2026-05-26"), "handoff", "ready"),
            Told(utc("2026-06-02 09:25"), "handoff", "not_ready", (), ("unremediated_change",), "not_ready"),
            Told(END, "handoff", "ready"),
        ),
    ),
)

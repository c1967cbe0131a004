"""Words that fill the story's rows: what breaks, what wakes, what is seen and what is worked on."""

ALERTS = (
    "Latency above its objective",
    "Error rate above 1 %",
    "Queue grows",
    "Disk fills",
    "Certificate ends in 10 days",
    "Health check fails",
    "Connection pool is used up",
)
DEFECTS = (
    "Total is wrong with two vouchers",
    "Page is blank in an old browser",
    "Dates are shown in the wrong time zone",
    "A long name breaks the layout",
    "Search finds nothing with an accent",
    "Retry sends the message twice",
    "Memory grows over a week",
    "An empty list shows an error",
    "Rounding differs by a cent",
    "The export stops after 10,000 rows",
    "A late answer overwrites a newer one",
    "A cache is never emptied",
    "The time-out is longer than the caller's",
)
SMALL = (
    "Requests slow while a database was moved",
    "A provider answered late",
    "One zone of the cloud was out",
    "Network between two zones lost packets",
    "A partner's system was down",
)
BROKEN = (
    "Requests fail after a release",
    "Requests are slow after a release",
    "A form cannot be sent after a release",
    "Messages pile up after a release",
    "Wrong amounts are shown after a release",
)
FINDINGS = (
    "Customers do not see that the button waits",
    "The warehouse copies numbers by hand",
    "Customers read the error twice and give up",
    "Support opens three pages for one answer",
    "A partner polls since there is no message",
    "Customers use the back button to correct an address",
    "Finance sorts the export before every use",
)
WORK = {
    "feature": (
        "Offer a second address",
        "Show stock by shop",
        "Let customers pause an order",
        "Add a filter",
    ),
    "incident": ("Follow up on an incident", "Answer a support question", "Clean up after an outage"),
    "technical_debt": ("Remove an old switch", "Move off a library that ended", "Split a module in two"),
    "non_functional": (
        "Halve the start-up time",
        "Rehearse a restore",
        "Raise test coverage",
        "Tune an alert",
    ),
}
"""Titles by category."""
SHARES = {"feature": 0.52, "incident": 0.14, "technical_debt": 0.2, "non_functional": 0.14}
"""How work divides among the categories."""
ATTESTED = {
    "known_issues": "All that we know of is in the tracker.",
    "alerts_owned": "Each alert names its team and its page of the runbook.",
    "slo_agreed": "99.5 % of requests within 400 ms; below that, no features.",
    "dashboards_shown": "We walked through both dashboards.",
    "design_reviewed": "Reviewed by the architects; notes are in the handbook.",
    "single_points": "The database, which has a standby.",
    "caller_limits": "100 requests a second for each caller.",
    "rollback_rehearsed": "Rolled back in staging, in four minutes.",
    "proven_and_stopped": "It is in the handbook, with the commands.",
    "risky_switched": "All that is new is behind a switch.",
    "load_tested": "Holds three times the peak of December.",
    "backup_restored": "Restored into staging, in 25 minutes.",
    "certificates": "They renew themselves; an alert comes ten days ahead.",
    "security_reviewed": "Reviewed, with two findings, both mended.",
    "data_duties": "Names and addresses, kept for two years.",
    "runbooks_walked": "Walked through, and two steps mended.",
    "access": "Everybody of the rota has logged in.",
    "incident_exercise": "Played an outage of the database.",
    "rota_agreed": "Six people, a week each; then the lead.",
    "developers_reachable": "Two of us, by telephone.",
    "consultant_named": "Named, and knows the service.",
    "worth": "It is quiet, and its customers shop at night.",
}
"""What people say of each item of a review that they attest."""
BY_OPERATIONS = frozenset(
    {"dashboards_shown", "runbooks_walked", "access", "rota_agreed", "consultant_named", "worth"}
)
"""Items that operations attest; developers the others."""
SOON_STALE = ("rollback_rehearsed", "access")
"""Items of which an attestation lives for 90 days."""
OF_HANDOFF, OF_LAUNCH = (
    tuple(slug for slug in ATTESTED if slug != other) for other in ("consultant_named", "worth")
)
"""What the reviews of either kind ask."""

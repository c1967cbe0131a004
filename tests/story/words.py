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

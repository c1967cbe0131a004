"""How a sheet of services is read: its columns, and what our own export calls them."""

import re
from datetime import tzinfo

from readiness.admin.fleet import EXPORTED
from readiness.spreadsheets import Cell, Column, Layout, cells


def words(cell: Cell, zone: tzinfo) -> str:
    """One of a closed list: ``Pre-launch`` is ``pre_launch``."""
    return re.sub(r"[ -]+", "_", cells.word(cell, zone))


COLUMNS = (
    Column("slug", cells.text, required=True, hint="its short name; says which service", example="checkout"),
    Column("title", cells.text, hint="text", example="Checkout"),
    Column(
        "owner",
        cells.text,
        hint="the developers' team, by slug; a new service needs it",
        example="payments",
    ),
    Column("tier", cells.whole, hint="1 (highest) to 4; a new service has 3", example="2"),
    Column("ops_team", cells.text, hint="the ops team, by slug", example="sre"),
    Column("launched_on", cells.day, hint="a date", example="2025-06-01"),
    Column(
        "state",
        words,
        hint="who runs a live service: developer_managed or ops_managed",
        example="developer_managed",
    ),
    Column("lifecycle", words, hint="pre_launch, live or retired; a new service is live", example="live"),
    Column("deprecated", cells.flag, hint="yes or no", example="no"),
    Column("description", cells.text, hint="text", example="Takes the money."),
    Column("system", cells.text, hint="the system it belongs to, by slug", example="shop"),
    Column(
        "aliases",
        cells.names,
        hint="other names in evidence, separated by commas; added",
        example="checkout-api",
    ),
    Column(
        "components",
        cells.names,
        hint="parts that telemetry must cover, separated by commas",
        example="api, worker",
    ),
)
ALSO = {
    "service": "slug",
    "name": "title",
    "team": "owner",
    "owner_team": "owner",
    "launch_date": "launched_on",
    "management_state": "state",
}
"""Other names that people and our export give the columns."""
LAYOUT = Layout(
    COLUMNS,
    also=ALSO,
    skipped=frozenset({*EXPORTED, "overridden"}) - {column.name for column in COLUMNS} - frozenset(ALSO),
)
"""What our export says of judgement is not read."""

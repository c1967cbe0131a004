"""Which service of the story shows which legal move of `handoff.machine`: each once, by table."""

from collections.abc import Iterator, Mapping

SHOWN: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "management": {
        "in-review": ("adopt as developer_managed",),
        "joint-repair": ("adopt as ops_managed",),
        "launched": ("pre_launch: launch",),
        "handed-off": ("developer_managed: hand off",),
        "stabilising": ("ops_managed: hand back (repair)",),
        "shadowing": ("ops_managed: hand back (release)",),
    },
    "review": {
        "launched": ("open", "open: complete", "signed: launch"),
        "handed-off": ("signed: hand off",),
        "in-review": ("open: lapse",),
        "shadowing": ("signed: lapse",),
        "never-handed-off": ("open: reject", "open: withdraw", "signed: withdraw"),
    },
    "handoff": {
        "handed-off": (
            "propose",
            "proposed: open review",
            "in_review: approve",
            "approved: begin shadow",
            "shadowing: stop",
            "shadowing: take over",
        ),
        "stabilising": ("backed_up: complete",),
        "in-review": ("in_review: lapse",),
        "shadowing": ("approved: lapse",),
        "never-handed-off": (
            "proposed: reject",
            "proposed: withdraw",
            "in_review: reject",
            "in_review: withdraw",
            "approved: withdraw",
            "shadowing: withdraw",
            "shadowing: lapse",
        ),
    },
    "handback": {
        "shadowing": ("propose", "proposed: release"),
        "joint-repair": ("proposed: repair jointly", "joint_repair: lapse"),
        "stabilised": (
            "proposed: reject",
            "proposed: withdraw",
            "joint_repair: withdraw",
            "joint_repair: return",
            "proposed: confirm",
            "stabilising: stabilise",
        ),
    },
    "waiver": {
        "never-handed-off": (
            "ask",
            "asked: refuse",
            "asked: withdraw",
            "asked: expire",
            "asked: approve",
            "live: revoke",
            "live: expire",
        ),
    },
    "consultant": {"stabilised": ("name", "advising: end")},
}
LEFT_TO_RULES: Mapping[str, tuple[str, ...]] = {
    "handoff": ("proposed: lapse",),
    "handback": ("proposed: lapse", "stabilising: cut short"),
}
"""What only rules do, to live scorecards or when the catalogue changes: no file of the past can tell it."""


def move_of(said: str) -> tuple[str, str]:
    """The state, ``""`` for none, and the move."""
    state, colon, move = said.rpartition(": ")
    return (state, move) if colon else ("", said)


def rows() -> Iterator[str]:
    """Lines of the README's table."""
    for table, services in SHOWN.items():
        for slug, moves in services.items():
            yield f"| {table} | `{slug}` | {'; '.join(moves)} |"

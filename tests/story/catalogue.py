"""The catalogue of the story: teams, systems and services as Backstage has them."""

from typing import Any

import yaml

from tests.story.organisation import TEAMS
from tests.story.plot import Plot, Team
from tests.story.plots import PLOTS

VERSION = "backstage.io/v1alpha1"
SYSTEMS = {
    "larkfield-shop": ("Larkfield shop", "browse-london"),
    "larkfield-back-office": ("Larkfield back office", "accounts-kolkata"),
}
"""What the services belong to: title and owner."""
HEADER = (
    "# Made up by tests/story, of which this is the output: python -m tests.story.generate writes it anew.\n"
)


def catalogue() -> str:
    """The YAML of all entities."""
    entities = [*map(_group, TEAMS), *map(_system, SYSTEMS), *map(_component, PLOTS)]
    return HEADER + yaml.safe_dump_all(entities, sort_keys=False, allow_unicode=True, width=110)


def _group(team: Team) -> dict[str, Any]:
    annotations = {
        "handoff/time-zone": team.zone,
        "handoff/country": team.country,
        "handoff/country-subdivision": team.subdivision,
        "handoff/business-hours": team.hours,
    }
    return {
        "apiVersion": VERSION,
        "kind": "Group",
        "metadata": {
            "name": team.slug,
            "title": team.title,
            "annotations": {name: value for name, value in annotations.items() if value},
        },
        "spec": {"type": team.kind, "children": []},
    }


def _system(slug: str) -> dict[str, Any]:
    title, owner = SYSTEMS[slug]
    return {
        "apiVersion": VERSION,
        "kind": "System",
        "metadata": {"name": slug, "title": title},
        "spec": {"owner": f"group:default/{owner}"},
    }


def _component(plot: Plot) -> dict[str, Any]:
    launched_on = None if plot.launched_by_review else plot.launched_on
    annotations = {
        "handoff/made-up": "true",
        "handoff/tier": str(plot.tier),
        "handoff/ops-team": f"group:default/{plot.ops_team}",
        "handoff/launched-on": launched_on.isoformat() if launched_on else None,
        "handoff/management-state": plot.state if plot.state != "developer_managed" else None,
        "handoff/components": ", ".join(plot.components),
    }
    synchronous = [f"component:default/{call.on}" for call in plot.calls if call.type == "sync"]
    return {
        "apiVersion": VERSION,
        "kind": "Component",
        "metadata": {
            "name": plot.slug,
            "title": plot.title,
            "description": plot.story,
            "annotations": {name: value for name, value in annotations.items() if value},
            "links": [
                {"url": f"https://git.larkfield.example/{plot.key}", "title": "Source", "type": "source"},
                {
                    "url": f"https://docs.larkfield.example/{plot.key}",
                    "title": "Handbook",
                    "type": "documentation",
                },
            ],
        },
        "spec": {
            "type": "service",
            "lifecycle": "experimental" if plot.launched_by_review else plot.lifecycle,
            "owner": f"group:default/{plot.team}",
            "system": plot.system,
            **({"dependsOn": synchronous} if synchronous else {}),
        },
    }

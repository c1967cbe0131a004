"""Checklists of reviews: what is asked, what measured items come to, and who may sign when. Pure."""

from handoff.checklists.loading import DELIVERED, Checklist, ChecklistError, Item, Topic, load_checklist
from handoff.checklists.measuring import Facts, Incidents, Measure, Room, measure, shown
from handoff.checklists.outcomes import SETTLED, Outcome
from handoff.checklists.overriding import Override, may_cover, with_override
from handoff.checklists.rules import ItemState, Side, Signer, Signing

__all__ = [
    "DELIVERED",
    "SETTLED",
    "Checklist",
    "ChecklistError",
    "Facts",
    "Incidents",
    "Item",
    "ItemState",
    "Measure",
    "Outcome",
    "Override",
    "Room",
    "Side",
    "Signer",
    "Signing",
    "Topic",
    "load_checklist",
    "may_cover",
    "measure",
    "shown",
    "with_override",
]

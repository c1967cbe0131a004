"""The catalogue as people and machines write it: checked against what is stored, states adopted."""

from handoff.catalogue.changes import Entry, consequences_of
from handoff.catalogue.entries import Catalogue, write
from handoff.catalogue.folder import FolderChanges
from handoff.catalogue.naming import Naming, foresee_naming, name_anew
from handoff.catalogue.records import ServiceRecord

__all__ = [
    "Catalogue",
    "Entry",
    "FolderChanges",
    "Naming",
    "ServiceRecord",
    "consequences_of",
    "foresee_naming",
    "name_anew",
    "write",
]

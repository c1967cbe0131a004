"""The catalogue as people and machines write it: checked against what is stored, states adopted."""

from handoff.catalogue.entries import Catalogue, Entry, write
from handoff.catalogue.records import ServiceRecord

__all__ = ["Catalogue", "Entry", "ServiceRecord", "write"]

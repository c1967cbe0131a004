"""Brings facts in: the catalogue, people, and evidence in bulk; idempotent and order-safe."""

from readiness.ingest.catalogue import CatalogueImport, aim_dependencies
from readiness.ingest.folder import FleetFolder, FolderImport, Place
from readiness.ingest.people import store_people
from readiness.ingest.store import Ingest
from readiness.ingest.tally import Tally
from readiness.ingest.writing import HEARD, Origin, RacedError

__all__ = [
    "HEARD",
    "CatalogueImport",
    "FleetFolder",
    "FolderImport",
    "Ingest",
    "Origin",
    "Place",
    "RacedError",
    "Tally",
    "aim_dependencies",
    "store_people",
]

"""Brings facts in: the catalogue, people, and evidence in bulk; idempotent and order-safe."""

from readiness.ingest.catalogue import (
    CatalogueImport,
    Stored,
    aim_dependencies,
    store_services,
    store_systems,
    store_teams,
)
from readiness.ingest.declaring import declarable
from readiness.ingest.folder import FleetFolder, FolderImport, Place
from readiness.ingest.launched import launch_days, unlaunching
from readiness.ingest.people import store_people
from readiness.ingest.renaming import merge_service, rename_service
from readiness.ingest.row_by_row import Change, Outcome, RowByRow, RowReport, rejected
from readiness.ingest.store import Ingest
from readiness.ingest.tally import Tally
from readiness.ingest.writing import HEARD, Origin, RacedError

__all__ = [
    "HEARD",
    "CatalogueImport",
    "Change",
    "FleetFolder",
    "FolderImport",
    "Ingest",
    "Origin",
    "Outcome",
    "Place",
    "RacedError",
    "RowByRow",
    "RowReport",
    "Stored",
    "Tally",
    "aim_dependencies",
    "declarable",
    "launch_days",
    "merge_service",
    "rejected",
    "rename_service",
    "store_people",
    "store_services",
    "store_systems",
    "store_teams",
    "unlaunching",
]

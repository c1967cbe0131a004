"""Imports from spreadsheets in the admin: upload, preview with every mistake, confirm."""

from readiness.admin.sheets.evidence import EvidenceImports, FeedImports
from readiness.admin.sheets.forms import SheetConfirmForm, SheetForm
from readiness.admin.sheets.imports import SheetImports
from readiness.admin.sheets.resource import Asked, SheetResource

__all__ = [
    "Asked",
    "EvidenceImports",
    "FeedImports",
    "SheetConfirmForm",
    "SheetForm",
    "SheetImports",
    "SheetResource",
]

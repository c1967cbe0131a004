"""Reads Backstage catalog files as people really write them: what is usable is used, the rest is said."""

from readiness.backstage.entries import (
    Catalogue,
    Lifecycle,
    Link,
    Problem,
    ServiceEntry,
    SystemEntry,
    TeamEntry,
)
from readiness.backstage.reading import combine, read_catalogue

__all__ = [
    "Catalogue",
    "Lifecycle",
    "Link",
    "Problem",
    "ServiceEntry",
    "SystemEntry",
    "TeamEntry",
    "combine",
    "read_catalogue",
]

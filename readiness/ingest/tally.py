"""Counts what became of the rows of an import."""

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Tally:
    """How many rows were made, changed, found as they were, and refused."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0

    def __iadd__(self, other: "Tally") -> "Tally":
        self.created += other.created
        self.updated += other.updated
        self.unchanged += other.unchanged
        self.rejected += other.rejected
        return self

    @property
    def taken(self) -> int:
        """Rows that were usable."""
        return self.created + self.updated + self.unchanged

    def as_json(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)

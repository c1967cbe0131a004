"""Brings a fleet folder in: its catalogue, people and evidence, each file streamed (DESIGN.md section 4)."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from readiness.backstage import Catalogue, combine, read_catalogue
from readiness.evidence import FILES, Kind, Record, Rejection, parse_line
from readiness.ingest.catalogue import CatalogueImport
from readiness.ingest.lines import read_lines
from readiness.ingest.people import store_people
from readiness.ingest.store import Ingest
from readiness.ingest.tally import Tally
from readiness.ingest.writing import Origin
from readiness.models import Service

DECISIONS = "decisions"
ENDINGS = (".jsonl", ".jsonl.gz")
FIRST = "people"
"""Read before the evidence; the other files follow in the order of ``FILES``."""


class Place(NamedTuple):
    """A line of a file; 0 is the file itself."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class FleetFolder:
    """What lies in a folder. Raises ``NotADirectoryError`` when there is no such folder."""

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise NotADirectoryError(f"{path} is no folder")
        self.path = path
        self.name = path.resolve().name

    @cached_property
    def catalogue_files(self) -> list[Path]:
        """Backstage files: ``catalog-info.yaml``, and whatever YAML lies under ``catalog/``."""
        top = [self.path / f"catalog-info.{ending}" for ending in ("yaml", "yml")]
        below = sorted(
            path for path in (self.path / "catalog").rglob("*") if path.suffix in {".yaml", ".yml"}
        )
        return [path for path in (*top, *below) if path.is_file()]

    @cached_property
    def record_files(self) -> list[tuple[Kind, Path]]:
        """Files of records in the order in which they are read."""
        names = sorted(FILES, key=lambda name: name != FIRST)
        candidates = [(FILES[name], self.path / f"{name}{end}") for name in names for end in ENDINGS]
        return [(kind, path) for kind, path in candidates if path.exists()]

    @cached_property
    def decision_files(self) -> list[Path]:
        """Files of recorded decisions, which ``handoff`` applies."""
        candidates = [self.path / f"{DECISIONS}{end}" for end in ENDINGS]
        return [path for path in candidates if path.exists()]

    @property
    def unread(self) -> list[Path]:
        """Files of records whose names mean nothing to us."""
        read = {*self.decision_files, *(path for _, path in self.record_files)}
        return [
            path for path in sorted(self.path.iterdir()) if path.name.endswith(ENDINGS) and path not in read
        ]

    @property
    def size(self) -> int:
        """Bytes of all files of records and decisions."""
        paths = (*self.decision_files, *(path for _, path in self.record_files))
        return sum(path.stat().st_size for path in paths)

    def read_catalogue(self) -> Catalogue:
        """All Backstage files as one catalogue."""
        return combine(
            read_catalogue(path.read_bytes(), file=path.relative_to(self.path).as_posix())
            for path in self.catalogue_files
        )


class FolderImport:
    """One import of a folder. Words about what was refused or mended go to ``refuse`` and ``note``."""

    def __init__(
        self,
        folder: FleetFolder,
        now: datetime,
        *,
        refuse: Callable[[Place, Rejection], None],
        note: Callable[[str], None],
    ) -> None:
        self.folder = folder
        self.now = now
        self.refuse = refuse
        self.note = note
        self.catalogue = folder.read_catalogue()

    def store_catalogue(self) -> Tally:
        """Store what the Backstage files describe."""
        for problem in self.catalogue.problems:
            self.note(str(problem))
        return CatalogueImport(self.folder.name, now=self.now, note=self.note).store(self.catalogue)

    def store_files(self, advance: Callable[[int], None]) -> Iterator[tuple[str, Tally]]:
        """Store file after file; name and tally of each once it is done."""
        ingest = Ingest(self.now, everything=self._everything(), origin=self._origin())
        for kind, path in self.folder.record_files:
            records = self._records(kind, path, advance=advance)
            if kind is Kind.PERSON:
                yield path.name, store_people(records, refuse=self.refuse)
            else:
                yield path.name, ingest.store(kind, records, refuse=self.refuse)
        for path in self.folder.unread:
            self.note(f"{path.name} is no file of a fleet folder: not read")

    def _records(
        self, kind: Kind, path: Path, *, advance: Callable[[int], None]
    ) -> Iterator[tuple[Place, Record | Rejection]]:
        for number, line in read_lines(path, advance):
            record = line if isinstance(line, Rejection) else parse_line(kind, line, self.now)
            yield Place(path.name, number), record

    def _everything(self) -> Sequence[str]:
        """Slugs that ``*`` means: the folder's own services, as described now, else when imported last."""
        if self.catalogue.services:
            return [service.slug for service in self.catalogue.services]
        return list(Service.objects.filter(fleet=self.folder.name).values_list("slug", flat=True))

    def _origin(self) -> Origin:
        """An imported folder's feeds are declared: nobody here heard them."""
        return Origin("declared", declared_by="import", reason=f"feeds.jsonl of {self.folder.name}")

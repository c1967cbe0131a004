"""Looks an XLSX archive through before it is read: what would cost too much, and what would be read wrongly.

The library that reads workbooks believes them: it makes as many cells as a row claims, however few bytes they
took when packed; it says nothing of a formula that was never computed, nor of cells that were merged.
"""

import zipfile
from typing import IO, Any
from xml.parsers import expat

MAX_UNPACKED = 200 * 1024 * 1024
"""Bytes of all parts. No more of a part is unpacked than the archive says it has."""
MAX_ELEMENTS = 4_000_000
"""XML elements of all parts. A sheet of all rows that are allowed with thirty cells each has half of them."""
MAX_CELLS = 16_384
"""Cells of one row: as many as a spreadsheet has columns."""
MAX_TOKEN = 1024 * 1024
"""Bytes of one tag or comment; text is read in pieces."""
PIECE = 64 * 1024
NAMED = 3
"""Places that a mistake names."""
XML_BEGINS = (b"<", b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe", b"\0<")

_NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_ROW, _CELL, _FORMULA, _VALUE, _MERGED = (
    f"{_NAMESPACE} {name}" for name in ("row", "c", "f", "v", "mergeCell")
)


class SheetError(ValueError):
    """A file that cannot be read as a whole, and why, in words for whoever uploaded it."""


def looked_through(archive: zipfile.ZipFile) -> dict[str, str]:
    """What would be read wrongly, by part. Raises ``SheetError`` for what is too much to be read at all."""
    parts = archive.infolist()
    if sum(each.file_size for each in parts) > MAX_UNPACKED:
        raise _too_large()
    left, found = MAX_ELEMENTS, {}
    for each in parts:
        with archive.open(each) as file:
            part = _Part(left)
            part.read(file)
        left = part.left
        found[each.filename] = part.mistake
    return found


def _too_large() -> SheetError:
    return SheetError("The file is too large once it is unpacked. Split it, or save it as CSV.")


class _Part:
    """One file of the archive, read once from its beginning to its end and not kept."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.merged: list[str] = []
        self.uncomputed: list[str] = []
        self._cells = 0
        self._place = ""
        self._is_text = False
        self._awaits_value = False
        self._in_value = False
        self._parser: Any = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._begins
        self._parser.EndElementHandler = self._ends
        self._parser.CharacterDataHandler = self._says

    @property
    def mistake(self) -> str:
        """In words, for whoever uploaded it; empty where nothing is wrong."""
        said = []
        if self.merged:
            said.append(f"Cells are merged: {_places(self.merged)}. Unmerge them, and fill in each.")
        if self.uncomputed:
            said.append(
                f"Formulas have no result: {_places(self.uncomputed)}. Open the file in a spreadsheet "
                "program, save it, and upload it once more."
            )
        return " ".join(said)

    def read(self, file: IO[bytes]) -> None:
        """Read it, where it is XML; what breaks off is left to whoever has a use for this part."""
        piece, told = file.read(PIECE), 0
        if not piece.lstrip().startswith(XML_BEGINS):
            return
        try:
            while piece:
                self._parser.Parse(piece)
                told += len(piece)
                if told - self._parser.CurrentByteIndex > MAX_TOKEN:
                    raise _too_large()
                piece = file.read(PIECE)
        except expat.ExpatError:
            return

    def _begins(self, name: str, attributes: dict[str, str]) -> None:
        self.left -= 1
        if self.left < 0 or self._cells > MAX_CELLS:
            raise _too_large()
        if name == _CELL:
            self._cells += 1
            self._place = attributes.get("r", "")
            self._is_text = attributes.get("t") == "str"
        elif name == _FORMULA:
            self._awaits_value = not self._is_text  # whose result may be an empty one
        elif name == _VALUE:
            self._in_value = True
        elif name == _ROW:
            self._cells = 0
        elif name == _MERGED:
            self.merged.append(attributes.get("ref", ""))

    def _says(self, text: str) -> None:
        if self._in_value:
            self._awaits_value = False

    def _ends(self, name: str) -> None:
        if name == _VALUE:
            self._in_value = False
        elif name == _CELL and self._awaits_value:
            self.uncomputed.append(self._place)
            self._awaits_value = False


def _places(names: list[str]) -> str:
    said = ", ".join(name[:30] or "?" for name in names[:NAMED])
    return f"{said} and {len(names) - NAMED:,} more" if len(names) > NAMED else said

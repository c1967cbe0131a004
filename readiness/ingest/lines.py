"""Reads the lines of JSON Lines files, plain or gzip, of any size, in bounded memory."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

from readiness.evidence import MAX_LINE, Problem, Rejection

BOM = b"\xef\xbb\xbf"
STEP = 1000
"""Lines between two words on how far we are."""


def read_lines(path: Path, advance: Callable[[int], None]) -> Iterator[tuple[int, bytes | Rejection]]:
    """Numbered lines that hold something; a line that cannot be read is a rejection in its place.

    ``advance`` is told from time to time how many bytes of the file were read since the last time.
    Raises ``OSError`` for a file that cannot be opened.
    """
    with path.open("rb") as file:
        stream = cast("IO[bytes]", gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file)
        told = 0
        for number, line in _numbered(stream):
            if number % STEP == 0:
                told, before = file.tell(), told
                advance(told - before)
            if isinstance(line, Rejection) or line.strip():
                yield number, line
        advance(path.stat().st_size - told)


def _numbered(stream: IO[bytes]) -> Iterator[tuple[int, bytes | Rejection]]:
    number = 1
    try:
        while line := stream.readline(MAX_LINE + 1):
            if number == 1:
                line = line.removeprefix(BOM)
            if len(line) > MAX_LINE and not _skip_rest(stream, line):
                yield number, _rejection(f"is longer than {MAX_LINE} bytes")
            else:
                yield number, line
            number += 1
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        yield number, _rejection(f"cannot be read, nor what follows: {error}")


def _skip_rest(stream: IO[bytes], line: bytes) -> bool:
    """Read on to the line's end, in pieces; whether it had ended already."""
    if line.endswith(b"\n"):
        return True
    while (piece := stream.readline(MAX_LINE)) and not piece.endswith(b"\n"):
        continue
    return False


def _rejection(reason: str) -> Rejection:
    return Rejection((Problem("line", reason),))

"""Splits a YAML stream into documents and loads each alone, so that a broken one does not lose the others.

Scalars stay text: in YAML 1.1 the country ``NO`` is a boolean and ``2025-06-01`` a date; neither is meant.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

MAX_BYTES = 20 * 1024 * 1024

_SEPARATOR = re.compile(r"^---(?=\s|$)|^\.\.\.[ \t\r]*$", re.MULTILINE)
_CONTENT = re.compile(r"^[ \t]*[^\s#%]", re.MULTILINE)
_TEMPLATE = re.compile(r"\{\{|\{%")
_MERGE = "tag:yaml.org,2002:merge"
_NULL = "tag:yaml.org,2002:null"

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):
    """The safe loader, without guesses at what a scalar means but for null."""

    yaml_implicit_resolvers = {  # noqa: RUF012 # read by PyYAML from the class
        first: [(tag, pattern) for tag, pattern in resolvers if tag in {_MERGE, _NULL}]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file, counted from 1: what it says, or why that cannot be known."""

    number: int
    content: Any = None
    error: str = ""


def documents(stream: bytes) -> Iterator[Document]:
    """The documents of a YAML file that hold anything. A file that cannot be read at all is document 0."""
    if len(stream) > MAX_BYTES:
        yield Document(0, error=f"file is larger than {MAX_BYTES // 1024 // 1024} MB")
        return
    try:
        text = _decoded(stream)
    except UnicodeDecodeError:
        yield Document(0, error="file is not UTF-8 text")
        return
    pieces = (piece for piece in _SEPARATOR.split(text) if _CONTENT.search(piece))
    for number, piece in enumerate(pieces, start=1):
        yield _loaded(number, piece)


def _decoded(stream: bytes) -> str:
    wide = stream.startswith((b"\xff\xfe", b"\xfe\xff"))
    return stream.decode("utf-16" if wide else "utf-8-sig")


def _loaded(number: int, text: str) -> Document:
    try:
        return Document(number, content=yaml.load(text, Loader=_Loader))  # noqa: S506 # a safe loader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if _TEMPLATE.search(text):
            return Document(number, error="is a template, not an entity")
        return Document(number, error=f"is not valid YAML: {_brief(error)}")


def _brief(error: Exception) -> str:
    """The first thing a YAML error says, with the line inside its document."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        place = f" (line {mark.line + 1} of the document)" if mark is not None else ""
        return f"{error.problem or error.context}{place}"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return str(error).splitlines()[0]

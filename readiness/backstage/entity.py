"""One Backstage entity under the reader's eyes: its fields as text, and what is wrong with them collected."""

import re
from collections.abc import Mapping
from typing import Any

from readiness.backstage.entries import Problem

MAX_NAME = 200
MAX_TITLE = 300
MAX_TEXT = 4000
MAX_ENTRIES = 1000

_PLACEHOLDER = re.compile(r"\$\{\{|\{\{|\{%|<%|\$\{")
_REFERENCE = re.compile(r"(?:(?P<kind>[^:/\s]+):)?(?:(?P<namespace>[^:/\s]+)/)?(?P<name>[^:/\s]+)")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
"""As Backstage has it, but for the length."""
_NOT_TEXT = "is not text"


def is_placeholder(text: str) -> bool:
    """Whether a template's placeholder stands there instead of a value."""
    return _PLACEHOLDER.search(text) is not None


class Entity:
    """Reads fields leniently: what is unusable becomes a problem and an empty value."""

    def __init__(self, document: int, content: Mapping[str, Any], *, file: str) -> None:
        self.document = document
        self.file = file
        self.kind = _text_of(content.get("kind"))
        self.problems: list[Problem] = []
        self.name = ""
        self.metadata = self._mapping(content, "metadata")
        self.name = _text_of(self.metadata.get("name"))
        self.spec = self._mapping(content, "spec")
        self.annotations = self._mapping(self.metadata, "annotations")

    def report(self, field: str, reason: str, *, dropped: bool = False) -> None:
        """Note a problem."""
        self.problems.append(
            Problem(self.document, self.name, field, reason, dropped=dropped, file=self.file)
        )

    def has_name(self) -> bool:
        """Whether the entity can be told from others; reports it otherwise."""
        reason = ""
        if not self.name:
            reason = "is missing" if self.metadata.get("name") is None else _NOT_TEXT
        elif is_placeholder(self.name):
            reason = "is a template's placeholder"
        elif len(self.name) > MAX_NAME or _NAME.fullmatch(self.name) is None:
            reason = "is no name an entity can have"
        if reason:
            self.report("metadata.name", reason, dropped=True)
        return not reason

    def title(self) -> str:
        """The title, empty where there is none."""
        return self._text("metadata.title", self.metadata.get("title"), limit=MAX_TITLE)

    def description(self) -> str:
        """The description, empty where there is none."""
        return self._text("metadata.description", self.metadata.get("description"), limit=MAX_TEXT)

    def spec_text(self, field: str) -> str:
        """A text of ``spec``, empty where there is none."""
        return self._text(f"spec.{field}", self.spec.get(field), limit=MAX_NAME)

    def annotation(self, name: str, *, limit: int = MAX_TEXT) -> str:
        """An annotation, empty where there is none."""
        return self._text(f"metadata.annotations.{name}", self.annotations.get(name), limit=limit)

    def listed(self, name: str) -> tuple[str, ...]:
        """A comma-separated annotation, without blanks and repetitions."""
        field = f"metadata.annotations.{name}"
        parts = (part.strip() for part in self.annotation(name).split(","))
        return tuple(dict.fromkeys(self._short(field, part) for part in parts if part))

    def texts(self, field: str, value: Any) -> tuple[str, ...]:
        """A list of texts; what is none is reported and left out."""
        if value is None:
            return ()
        if not isinstance(value, list):
            self.report(field, "is not a list")
            return ()
        if len(value) > MAX_ENTRIES:
            self.report(field, f"has more than {MAX_ENTRIES} entries; the rest is left out")
        read = (self._text(field, entry, limit=MAX_NAME) for entry in value[:MAX_ENTRIES])
        return tuple(dict.fromkeys(text for text in read if text))

    def reference(self, field: str, text: str) -> tuple[str, str]:
        """Kind (lower case, empty where not said) and name that an entity reference names."""
        found = _REFERENCE.fullmatch(text)
        if found is None:
            if text:
                self.report(field, f"{text!r} is no entity reference")
            return "", ""
        return (found["kind"] or "").lower(), found["name"]

    def _mapping(self, parent: Mapping[str, Any], field: str) -> Mapping[str, Any]:
        value = parent.get(field)
        if isinstance(value, dict):
            return value
        if value is not None:
            self.report(field, "is not a mapping")
        return {}

    def _text(self, field: str, value: Any, *, limit: int) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            self.report(field, _NOT_TEXT)
            return ""
        if is_placeholder(value):
            self.report(field, "is a template's placeholder")
            return ""
        text = value.replace("\0", "").strip()
        if len(text) > limit:
            self.report(field, f"is longer than {limit} characters; the rest is left out")
        return text[:limit]

    def _short(self, field: str, text: str) -> str:
        if len(text) > MAX_NAME:
            self.report(field, f"names something longer than {MAX_NAME} characters; the rest is left out")
        return text[:MAX_NAME]


def _text_of(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""

"""The digest of a numbers document, and which numbers changed between two of them."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

Change = tuple[str, Any, Any]

# Sorted keys, no spaces, floats by repr: the same numbers are the same bytes on every machine.
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(document: Mapping[str, Any], policy_digest: str) -> str:
    """SHA-256 (hex) of the canonical JSON of the numbers, and the policy they were reached under."""
    canonical = _CANONICAL.encode(document)
    return hashlib.sha256(f"{policy_digest}\n{canonical}".encode()).hexdigest()


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Which numbers changed between two documents: (dotted path, old, new) in order of path.

    What is absent reads ``None``. A part's path ends in ``value`` or ``score``, a list item's in its place.
    """
    before, after = dict(_leaves(old, "")), dict(_leaves(new, ""))
    paths = sorted(before.keys() | after.keys())
    return [
        (path, before.get(path), after.get(path)) for path in paths if before.get(path) != after.get(path)
    ]


def _leaves(node: Any, path: str) -> Iterable[tuple[str, Any]]:
    for name, child in _children(node, path):
        below = f"{path}.{name}" if path else name
        if isinstance(child, dict | list) and child:
            yield from _leaves(child, below)
        else:
            yield below, child


def _children(node: Any, path: str) -> Iterable[tuple[str, Any]]:
    if isinstance(node, Mapping):
        return node.items()
    # A part is [value, score]; everywhere else a place in a list is its name.
    names = ("value", "score") if path.rpartition(".")[0].endswith(".parts") else range(len(node))
    return [(str(name), child) for name, child in zip(names, node, strict=False)]

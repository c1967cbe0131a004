"""Measures two things abreast: while the database works on one, Python folds the other."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import DEFAULT_DB_ALIAS, connections

R = TypeVar("R")


def abreast(measures: Mapping[str, Callable[[], R]]) -> dict[str, R]:
    """The result of each measure by its name. Raises what a measure raises.

    On PostgreSQL two threads share this thread's connection, which lets one statement at a time through: what
    is gained is the time in which one of the two would only wait. SQLite does its work in our own process.
    """
    shared = connections[DEFAULT_DB_ALIAS]
    if shared.vendor != "postgresql":
        return {name: measure() for name, measure in measures.items()}

    def adopt() -> None:
        connections[DEFAULT_DB_ALIAS] = shared

    shared.ensure_connection()
    shared.inc_thread_sharing()
    try:
        with ThreadPoolExecutor(2, thread_name_prefix="measure", initializer=adopt) as threads:
            results = {name: threads.submit(measure) for name, measure in measures.items()}
            return {name: result.result() for name, result in results.items()}
    finally:
        shared.dec_thread_sharing()

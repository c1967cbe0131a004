"""Reads JSON bodies of a limited size, and answers what cannot be read in words."""

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

MEGABYTES = 10
"""What a body may hold: a list of 1,000 records takes less than one."""


class TooLarge(APIException):
    """413, before the body is read to its end."""

    status_code = 413
    default_code = "too_large"


class LimitedJSONParser(JSONParser):
    """JSON in UTF-8 of at most ``MEGABYTES``."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The body's value. Raises ``TooLarge`` and ``ParseError``."""
        limit = MEGABYTES * 1024 * 1024
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise TooLarge(f"A body has at most {MEGABYTES} MB; send several shorter lists.")
        try:
            return json.loads(raw.decode("utf-8"), parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The body is no JSON: {error}") from error


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")

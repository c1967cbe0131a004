"""SQL expressions that PostgreSQL and SQLite spell differently."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Aggregate, BigIntegerField, Expression, Func, TextField, Value
from django.db.models.functions import Cast
from django.db.models.sql.compiler import SQLCompiler

Sql = tuple[str, Sequence[Any]]


class Microseconds(Func):
    """A difference of two moments as whole microseconds (SQLite's differences are that already)."""

    output_field = BigIntegerField()
    template = "%(expressions)s"

    def as_postgresql(self, compiler: SQLCompiler, connection: Any, **extra: Any) -> Sql:
        """PostgreSQL's differences are intervals; a double holds centuries of microseconds exactly."""
        template = "(date_part('epoch', %(expressions)s) * 1000000)::bigint"
        return self.as_sql(compiler, connection, template=template, **extra)


class Listing(Aggregate):
    """All values of a group in one text, parted by commas; ``None`` for a group without any."""

    function = "GROUP_CONCAT"
    output_field = TextField()

    def __init__(self, expression: str | Expression, **extra: Any) -> None:
        super().__init__(Cast(expression, TextField()), Value(","), **extra)

    def as_postgresql(self, compiler: SQLCompiler, connection: Any, **extra: Any) -> Sql:
        """PostgreSQL's word for it."""
        return self.as_sql(compiler, connection, function="STRING_AGG", **extra)


def listed(text: str | None) -> list[int]:
    """Read a :class:`Listing` of whole numbers."""
    return [int(value) for value in text.split(",")] if text else []

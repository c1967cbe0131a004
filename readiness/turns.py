"""One request writes the catalogue at a time: what it looks at must still be so when it writes."""

from django.db import connection

from readiness.models import Service, ServiceAlias, System, Team

WRITTEN = (Team, System, Service, ServiceAlias)
"""In the order in which imports write them, so that nobody waits for somebody who waits for them."""


def take_turn() -> None:
    """Wait for others that write the catalogue; they wait for us until the transaction, which it needs, ends.

    Two that make the same row would otherwise both find it missing, and one would undo what the other did.
    Tables, not rows: what is not there yet cannot be locked. Who reads or stores evidence goes on meanwhile.
    On SQLite a transaction has the database to itself.
    """
    if connection.vendor != "postgresql":
        return
    names = (model._meta.db_table for model in WRITTEN)  # noqa: SLF001 - Django documents it
    tables = ", ".join(map(connection.ops.quote_name, names))
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE")

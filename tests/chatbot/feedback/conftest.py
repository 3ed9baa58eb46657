"""Both databases for every test that asks for `ground`: SQLite, and a real PostgreSQL started once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatbot.feedback.store import Store
from tests.chatbot.feedback import postgres, prove
from tests.chatbot.feedback.faults import Ground, opened


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    """In CI (`.ci/run` sets CI) a missing PostgreSQL is a failure; on a user's machine a skip that says so."""
    if postgres.binaries() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(postgres.NONE)
    with postgres.server() as made:
        yield made


@pytest.fixture(params=[prove.SQLITE, prove.POSTGRESQL])
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Ground:
    """An empty database of each kind."""
    passable(tmp_path)
    return prove.fresh(tmp_path, None if request.param == prove.SQLITE else request.getfixturevalue("server"))


@pytest.fixture
def store(ground: Ground) -> Iterator[Store]:
    with opened(ground) as made:
        yield made


def passable(folder: Path) -> None:
    """pytest's folders are for one user alone; PostgreSQL, and the test of a folder without rights, are another."""
    for one in (folder, *folder.parents):
        if "pytest-of" in str(one):
            one.chmod(0o755)

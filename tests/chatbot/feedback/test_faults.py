"""Every fault that a store of votes must survive, done for real to SQLite and to PostgreSQL."""

import os
from pathlib import Path

import pytest

from tests.chatbot.feedback import faults, postgres, prove
from tests.chatbot.feedback.conftest import passable
from tests.chatbot.feedback.faults import Ground, Outcome

BOTH = (
    faults.double_posts, faults.two_forms, faults.locked, faults.old_version, faults.newer_version, faults.damaged,
    faults.not_writable,
)  # fmt: skip


def survived(found: Outcome) -> None:
    assert found.right == found.tried > 0, found


@pytest.mark.parametrize("fault", BOTH, ids=lambda one: one.__name__)
def test_a_fault_loses_no_vote_and_is_told_in_a_sentence(ground: Ground, fault) -> None:
    survived(fault(ground))


def test_a_killed_writer_loses_no_acknowledged_vote_and_leaves_no_half_one(ground: Ground) -> None:
    survived(faults.killed_writers(ground, prove.ROUNDS[ground.name]))


def test_postgresql_restarted_is_told_at_most_once(tmp_path: Path, server: postgres.Server) -> None:
    survived(faults.restarted(prove.fresh(tmp_path, server)))


def test_a_postgresql_that_is_not_there_is_named_without_its_password(tmp_path: Path, server: postgres.Server) -> None:
    survived(faults.no_answer(prove.fresh(tmp_path, server)))


def test_sqlite_with_no_page_left(tmp_path: Path) -> None:
    survived(faults.full_by_pragma(prove.fresh(tmp_path)))


@pytest.mark.parametrize("kind", [prove.SQLITE, prove.POSTGRESQL])
def test_a_disk_that_is_full(tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> None:
    passable(tmp_path)
    there = None if kind == prove.SQLITE else request.getfixturevalue("server")
    try:
        survived(prove.full_disk(tmp_path, there))
    except PermissionError as error:
        pytest.skip(str(error))


def test_in_ci_a_missing_postgresql_fails(pytestconfig: pytest.Config, monkeypatch, tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "from tests.chatbot.feedback import postgres; postgres.binaries = lambda: None\n"
        "import pytest, sys; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', '-k', 'not_there', "
        f"{str(Path(__file__))!r}]))"
    )
    for ci, verdict, exit_code in (("1", "1 error", 1), ("", "1 skipped", 0)):
        env = {**os.environ, "CI": ci}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)
        assert verdict in done.stdout, done.stdout
        assert "NO POSTGRESQL" in done.stdout
        assert done.returncode == exit_code

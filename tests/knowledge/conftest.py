"""Northwind's articles indexed with the real model: thousands of questions, so once for all tests."""

from pathlib import Path

import pytest

from knowledge.embed import MPNet
from knowledge.ingest import build_index
from knowledge.search import Searcher, open_searcher

NORTHWIND = Path(__file__).resolve().parents[2] / "knowledge" / "northwind"


@pytest.fixture(scope="session")
def searcher(tmp_path_factory: pytest.TempPathFactory, real_home: Path) -> Searcher:
    """A searcher on an index of its own, not on the one that `triptych setup` built."""
    root, embedder = tmp_path_factory.mktemp("index"), MPNet(real_home / "models")
    build_index(NORTHWIND, "northwind", root, embedder)
    return open_searcher("northwind", root, embedder)

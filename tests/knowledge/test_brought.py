"""Vectors that a brand brings along: near the true ones, and none where they are not its own."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.article import read_articles
from knowledge.asked import read_asked
from knowledge.brought import FILE, brought, write
from knowledge.chunk import passages_of
from knowledge.embed import MPNet
from knowledge.filling import PARTS, Contents
from knowledge.ingest import build_index
from knowledge.kept import Kept, key_of
from knowledge.passages import Passages, write_passages
from knowledge.unanswered import read_unanswered
from tests.conftest import Counting

NORTHWIND = Path(__file__).resolve().parents[2] / "knowledge" / "northwind"
AFRESH = "Write it anew: python -m knowledge.brought knowledge/northwind HOME/models"


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    folder = tmp_path / "acme"
    folder.mkdir()
    (folder / "a.md").write_text(
        "---\ntitle: Lamps\n---\n\n## Light\n\nA lamp gives light. It is warm.\n\n## Price\n\nIt costs $9.\n"
    )
    return folder


def written(articles: Path, root: Path) -> Counting:
    """What the first build embedded, and its vectors as the folder's own."""
    encoder = Counting()
    build_index(articles, "acme", root, encoder)
    write(articles, encoder.fingerprint, *Kept(root / "acme", encoder.fingerprint).everything())
    return encoder


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(2, 800))
def test_a_cosine_moves_little(seed: int, n: int, width: int) -> None:
    import tempfile

    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, width)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    keys = [bytes([i]) * 16 for i in range(n)]
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), "me", keys, vectors)
        found, again = brought(Path(folder), "me")
    assert found == keys
    np.testing.assert_allclose(np.linalg.norm(again, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(again @ vectors.T, vectors @ vectors.T, atol=0.01)


def test_a_first_index_embeds_only_what_is_not_brought(articles: Path, tmp_path: Path) -> None:
    first = written(articles, tmp_path / "one").texts
    again = Counting()
    report = build_index(articles, "acme", tmp_path / "two", again)
    assert (again.texts, report.embedded, report.passages) == ([], 0, 2)
    file = articles / "a.md"
    file.write_text(file.read_text().replace("$9", "$8"))
    changed = Counting()
    assert build_index(articles, "acme", tmp_path / "three", changed).embedded == 1
    assert changed.texts
    assert all("$8" in text for text in changed.texts)
    assert len(changed.texts) < len(first)


def test_another_embedders_vectors_are_none(articles: Path, tmp_path: Path) -> None:
    written(articles, tmp_path / "one")
    other = Counting()
    other.fingerprint = "another"
    build_index(articles, "acme", tmp_path / "two", other)
    assert other.texts


@pytest.mark.parametrize("harm", [b"", b"PK\x03\x04 and no more", b"nonsense" * 99])
def test_a_damaged_file_is_none(articles: Path, tmp_path: Path, harm: bytes) -> None:
    written(articles, tmp_path / "one")
    (articles / FILE).write_bytes(harm)
    again = Counting()
    assert build_index(articles, "acme", tmp_path / "two", again).embedded == 2
    whole = tmp_path / "three"
    whole.mkdir()
    np.savez(whole / FILE, of=np.array("fake"))  # a file of another shape
    assert brought(whole, "fake")[0] == []


def texts_of(folder: Path, room: Path) -> set[str]:
    """Everything that northwind's index holds."""
    found = list(read_articles(folder))
    write_passages(room, found)
    passages = Passages(room)
    asked = read_asked(folder, [one for article in found for one in passages_of(article)])
    lacking = read_unanswered(folder, {one.name for one in found}, [one.text for one in asked])
    contents = Contents(passages, asked, lacking)
    return {text for part in PARTS for piece in contents.pieces(part) for text in piece.texts}


def test_northwind_brings_all_of_its_vectors_and_no_others(tmp_path: Path) -> None:
    keys, _ = brought(NORTHWIND, MPNet.fingerprint)
    wanted = {key_of(text): text for text in texts_of(NORTHWIND, tmp_path)}
    missing = [text for key, text in wanted.items() if key not in set(keys)]
    assert not missing, f"{len(missing)} texts have none, {missing[0]!r} for one. {AFRESH}"
    assert not set(keys) - set(wanted), f"Some are of texts that are gone. {AFRESH}"


def test_northwinds_are_what_the_model_says(tmp_path: Path, real_home: Path) -> None:
    keys, vectors = brought(NORTHWIND, MPNet.fingerprint)
    some = sorted(texts_of(NORTHWIND, tmp_path))[:: len(keys) // 24]
    own = MPNet(real_home / "models").encode(some)
    known = dict(zip(keys, vectors, strict=True))
    assert min(float(one @ known[key_of(text)]) for text, one in zip(some, own, strict=True)) > 0.999

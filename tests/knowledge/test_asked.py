"""How customers ask for a line: read, refused by line, indexed, and found by words that no article has."""

import json
from pathlib import Path

import numpy as np
import pytest

from knowledge.article import Article, Section, read_articles
from knowledge.asked import Asked, Documents, read_asked
from knowledge.chunk import Passage, passages_of
from knowledge.embed import MiniLM
from knowledge.errors import ArticleError
from knowledge.ingest import build_index
from knowledge.search import open_searcher
from knowledge.store import Store
from tests.conftest import FakeEncoder

ROOT = Path(__file__).resolve().parents[2]
TEXT = "A zip costs $18.40. It takes 9 days.\n\nPatches are sewn on for $6."


def passages(text: str = TEXT) -> tuple[Passage, ...]:
    return passages_of(Article("repairs", "Repairs", (Section("Prices", text),), ""))


def write(folder: Path, *rows: object) -> Path:
    folder.mkdir(exist_ok=True)
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (folder / "asked.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def row(line: str, *asked: str, article: str = "repairs.md") -> dict[str, object]:
    return {"article": article, "line": line, "asked": list(asked)}


def test_lines_stand_alone_and_what_leans_on_the_one_before_stays_with_it() -> None:
    assert passages()[0].lines == ("A zip costs $18.40. It takes 9 days.", "Patches are sewn on for $6.")
    assert passages("Prices:\n- zip: $18\n- patch: $6. They match.")[0].lines == ("zip: $18", "patch: $6. They match.")
    assert passages("Only one:")[0].lines == ("Only one:",)
    table = "| Size | Chest |\n|---|---|\n| S | 35 |"
    assert passages(table)[0].lines == (" ".join(table.split("\n")),), "a row of figures says nothing alone"


def test_an_item_is_given_with_the_words_that_lead_to_its_list() -> None:
    listed = passages("We mend. Prices per piece:\n- zip: $18\n- patch: $6\nBoth are quick.\n- a note")[0]
    assert listed.lines == ("We mend.", "zip: $18", "patch: $6", "Both are quick.", "a note")
    assert listed.cite("zip: $18") == "Repairs › Prices: Prices per piece: zip: $18."
    assert listed.cite("patch: $6") == "Repairs › Prices: Prices per piece: patch: $6."
    assert listed.cite("a note") == "Repairs › Prices: a note", "no sentence leads to it"
    assert listed.cite("Both are quick.") == "Repairs › Prices: Both are quick."
    assert passages("- zip: $18")[0].cite("zip: $18") == "Repairs › Prices: zip: $18"


def test_a_phrasing_belongs_to_the_line_it_names_or_to_the_one_that_holds_it(tmp_path: Path) -> None:
    folder = write(
        tmp_path, row("It  takes 9 days.", "how soon?", " when "), "", row("Patches are sewn on for $6.", "?")
    )
    place = passages()[0].id
    assert read_asked(folder, passages()) == [
        Asked(place, 0, "how soon?"),
        Asked(place, 0, "when"),
        Asked(place, 1, "?"),
    ]
    assert read_asked(tmp_path / "none", passages()) == []


def test_what_is_told_counts_by_its_meaning_and_not_by_its_words(folder: Path) -> None:
    story = "my uncle Joe sat in a thistle, who mends that"
    write(folder, {**row("Patches are sewn on for $6.", "who mends a tear"), "told": [story]})
    asked = read_asked(folder, passages())
    assert [(one.text, one.told) for one in asked] == [("who mends a tear", False), (story, True)]
    place = (asked[0].passage, asked[0].line)
    documents = Documents({one.id: one for one in passages()}, asked)
    assert "thistle" not in documents[place]
    assert documents.texts(place) == [*documents[place].split("\n"), story]
    report = build_index(folder, "acme", folder / "index", FakeEncoder())
    parts = FakeEncoder().encode(documents.texts(place)).mean(0)
    found = Store(report.path, "acme").known()
    np.testing.assert_allclose(found[documents[place]], parts / np.linalg.norm(parts), atol=1e-6)
    assert story in found, "a phrasing like any other"


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("{", "line 2 must read"),
        ({"line": "x", "asked": ["y"]}, "line 2 must read"),
        ([1], "line 2 must read"),
        (row("A zip costs $18.40."), "`asked` must be a list of questions"),
        ({**row("A zip costs $18.40."), "asked": [" "]}, "`asked` must be a list of questions"),
        ({**row("A zip costs $18.40."), "asked": "how"}, "`asked` must be a list of questions"),
        ({**row("A zip costs $18.40.", "how much"), "told": []}, "`told` must be a list of questions"),
        ({**row("A zip costs $18.40.", "how much"), "told": [3]}, "`told` must be a list of questions"),
        (row("A zip costs $20.", "how much"), 'repairs.md has no line "A zip costs $20."'),
        (row("A zip costs $18.40.", "how much", article="other.md"), "other.md has no line"),
    ],
)
def test_a_bad_row_is_refused_by_file_and_line(tmp_path: Path, bad: object, said: str) -> None:
    folder = write(tmp_path, row("A zip costs $18.40.", "price of a zip"), bad)
    with pytest.raises(ArticleError, match=r"asked\.jsonl") as caught:
        read_asked(folder, passages())
    assert said in str(caught.value)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "asked.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ArticleError, match="UTF-8"):
        read_asked(tmp_path, passages())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "repairs.md").write_text(f"---\ntitle: Repairs\n---\n## Prices\n{TEXT}\n", encoding="utf-8")
    return write(tmp_path, row("Patches are sewn on for $6.", "my tent has a hole", "who mends a tear"))


def test_a_line_is_indexed_in_the_middle_of_its_phrasings(folder: Path) -> None:
    report = build_index(folder, "acme", folder / "index", FakeEncoder())
    found = Store(report.path, "acme").known()
    parts = FakeEncoder().encode(
        ["Repairs › Prices: Patches are sewn on for $6.", "my tent has a hole", "who mends a tear"]
    )
    middle = parts.mean(0) / np.linalg.norm(parts.mean(0))
    by_id = {one.id: one for one in passages()}
    text = list(Documents(by_id, read_asked(folder, passages())).values())[1]
    np.testing.assert_allclose(found[text], middle, atol=1e-6)


def test_other_phrasings_make_another_index(folder: Path) -> None:
    first = build_index(folder, "acme", folder / "index", FakeEncoder())
    write(folder, row("Patches are sewn on for $6.", "my tent has a hole"))
    assert build_index(folder, "acme", folder / "index", FakeEncoder()).path != first.path
    assert build_index(folder, "acme", folder / "index", FakeEncoder()).embedded == 0


def test_a_line_is_found_by_words_that_no_article_has(folder: Path) -> None:
    encoder = MiniLM()
    build_index(folder, "acme", folder / "index", encoder)
    hits = open_searcher("acme", folder / "index", encoder).search("there is a hole in my tent, who mends that", 2)
    assert hits[0].text == "Patches are sewn on for $6."
    assert hits[0].cited == "Repairs › Prices: Patches are sewn on for $6."


def test_every_line_of_northwind_is_asked_for_in_customers_words() -> None:
    articles = ROOT / "knowledge" / "northwind"
    parts = [one for article in read_articles(articles) for one in passages_of(article)]
    asked = read_asked(articles, parts)
    texts = [one.text.lower() for one in asked]
    assert len(texts) >= 900
    assert len(set(texts)) >= 0.99 * len(texts)
    lines = {(one.id, n) for one in parts for n, _ in enumerate(one.lines)}
    assert len({(one.passage, one.line) for one in asked}) >= 0.95 * len(lines)

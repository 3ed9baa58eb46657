"""Documents become articles: whole ones, one writer at a time, nothing written by hand lost; and search finds each."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from knowledge import importing
from knowledge.archive import Found
from knowledge.article import read_article, read_articles
from knowledge.errors import KnowledgeError
from knowledge.importing import GONE, READ, REFUSED, SKIPPED, import_documents
from knowledge.ingest import build_index, current_index
from knowledge.search import open_searcher
from tests.conftest import FakeEncoder
from tests.knowledge.papers import PAGE, excel, pdf, word, zipped

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return tmp_path / "articles"


def one(sources, shelf: Path, replace: bool = False):
    (outcome,) = import_documents(sources, shelf, replace=replace)
    return outcome


def sent(name: str, text: str) -> Found:
    return Found(name, text.encode())


def test_a_mixed_folder_is_imported_indexed_and_found(tmp_path: Path, shelf: Path) -> None:
    folder = tmp_path / "docs"
    (folder / "deep").mkdir(parents=True)
    documents = {
        "deep/shipping.md": b"# Shipping\n\n## Islands\n\nParcels to islands travel eleven days by ferry.",
        "hours.txt": "Der Laden öffnet sonntags um zehn.".encode("cp1252"),
        "page.html": PAGE.encode(),
        "manual.pdf": pdf([("Descaling", ["Descale the kettle monthly with vinegar."])]),
        "warranty.docx": word("Warranty", ["Bulbs carry a guarantee of nineteen months."]),
        "prices.xlsx": excel({"Prices": [["Question", "Answer"], ["Engraving?", "Engraving costs seven euro."]]}),
        "faq.csv": b"Frage;Antwort\nGutschein?;Ein Gutschein gilt drei Jahre.\n",
        "more.zip": zipped({"gifts.md": b"Gift wrap is silver paper with ribbon.", "../x.md": b"bad"}),
        "photo.png": b"\x89PNG",
    }
    for name, data in documents.items():
        (folder / name).write_bytes(data)
    heard = []
    outcomes = import_documents([folder], shelf, heard.append)
    assert heard == outcomes
    assert {(one.file, one.state) for one in outcomes if one.state == REFUSED} == {
        ("docs/photo.png", REFUSED), ("docs/more.zip/../x.md", REFUSED),
    }  # fmt: skip
    build_index(shelf, "acme", tmp_path / "index", FakeEncoder())
    assert current_index(tmp_path / "index", "acme")
    searcher = open_searcher("acme", tmp_path / "index", FakeEncoder())
    for question, article in (
        ("parcels to islands travel by ferry", "shipping"), ("öffnet sonntags um zehn", "hours"),
        ("a lamp can be sent back within 30 days", "page"), ("descale the kettle with vinegar", "manual"),
        ("bulbs carry a guarantee of nineteen months", "warranty"), ("engraving costs seven euro", "prices"),
        ("ein Gutschein gilt drei Jahre", "faq"), ("gift wrap is silver paper", "gifts"),
    ):  # fmt: skip
        assert searcher.search(question, 1)[0].passage.article == article


def test_an_article_says_where_it_comes_from(shelf: Path) -> None:
    outcome = one([sent("docs/Returns & Refunds.md", "# Sending back: how\n\nThirty days.\n\n## Cost\n\nNone.")], shelf)
    assert (outcome.state, outcome.article, outcome.sections) == ("read", "returns-refunds.md", 2)
    article = read_article(shelf / "returns-refunds.md")
    assert (article.title, article.source) == ("Sending back: how", "Returns & Refunds.md")
    assert len(article.source_digest) == 64


def test_what_is_unchanged_is_skipped_and_what_changed_is_read_again(shelf: Path) -> None:
    import_documents([sent("a.md", "First.")], shelf)
    written = (shelf / "a.md").stat().st_mtime_ns
    again = one([sent("a.md", "First.")], shelf)
    assert (again.state, again.article, again.why) == (SKIPPED, "a.md", "a.md is unchanged.")
    assert (shelf / "a.md").stat().st_mtime_ns == written
    assert one([sent("a.md", "Second.")], shelf).state == "read"
    assert "Second." in (shelf / "a.md").read_text()


def test_an_article_written_by_hand_is_only_replaced_when_asked(shelf: Path) -> None:
    shelf.mkdir()
    (shelf / "a.md").write_text("---\ntitle: Mine\n---\nBy hand.\n")
    (shelf / "broken.md").write_text("no title at all")
    for name in ("a.md", "broken.md"):
        outcome = one([sent(name, f"Imported {name}.")], shelf)
        assert outcome.state == REFUSED
        assert f"would overwrite {name}, which was written by hand" in outcome.why
    assert "By hand." in (shelf / "a.md").read_text()
    assert one([sent("a.md", "Imported a.md.")], shelf, replace=True).state == "read"
    assert "Imported" in (shelf / "a.md").read_text()


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        ([("a.md", "Same."), ("b.md", "Same.")], "b.md is the same document as a.md"),
        ([("x/a.md", "One."), ("y/a.txt", "Two.")], "y/a.txt would be the article a.md, as x/a.md is"),
        ([("a.md", "One."), ("bad.exe", "MZ")], "of no kind that can be read"),
        ([("a.md", "One."), ("a b.md", "One two."), ("A-b.txt", "Three.")], "A-b.txt would be the article a-b.md"),
    ],
)
def test_of_documents_in_each_others_way_the_first_is_read(documents, said, shelf: Path) -> None:
    outcomes = import_documents([sent(*pair) for pair in documents], shelf)
    assert [one.state for one in outcomes] == ["read"] * (len(documents) - 1) + [REFUSED]
    assert said in outcomes[-1].why


def test_the_same_document_under_another_name_is_refused_later_too(shelf: Path) -> None:
    import_documents([sent("a.md", "Same.")], shelf)
    assert "is the same document as a.md, which is there as a.md" in one([sent("b.md", "Same.")], shelf).why
    assert "would overwrite a.md, which comes from a.md" in one([sent("a.txt", "Another.")], shelf).why


def test_each_sheet_is_an_article_and_a_bad_one_does_not_stop_the_rest(shelf: Path) -> None:
    book = excel({"Care": [["Question", "Answer"], ["Wash?", "By hand."]], "Sums": [[1, 2]]})
    first, second = import_documents([Found("faq.xlsx", book)], shelf)
    assert (first.file, first.article, first.sections) == ("faq.xlsx, sheet Care", "faq-care.md", 1)
    assert (second.state, second.article) == (REFUSED, "")
    assert [one.state for one in import_documents([Found("faq.xlsx", book)], shelf)] == [SKIPPED]


def test_a_workbook_whose_import_was_killed_between_sheets_is_finished_by_the_next(shelf: Path) -> None:
    sheets = {name: [["Question", "Answer"], [f"{name}?", f"Yes, {name}."]] for name in ("Care", "Fit", "Post")}
    book = Found("faq.xlsx", excel(sheets))
    import_documents([book], shelf)
    (shelf / "faq-fit.md").unlink()
    again = import_documents([book], shelf)
    assert [(one.article, one.state) for one in again] == [
        ("faq-care.md", SKIPPED), ("faq-fit.md", READ), ("faq-post.md", SKIPPED),
    ]  # fmt: skip
    assert [one.state for one in import_documents([book], shelf)] == [SKIPPED] * 3


def test_what_a_hand_changed_in_an_imported_article_stays(shelf: Path) -> None:
    import_documents([sent("a.md", "Thirty days."), sent("b.md", "Untouched.")], shelf)
    path = shelf / "a.md"
    path.write_text(path.read_text().replace("Thirty days.", "Thirty days, sale items too."))
    assert read_article(path).edited
    assert not read_article(shelf / "b.md").edited
    outcome = one([sent("a.md", "Sixty days.")], shelf)
    assert (outcome.state, "changed by hand since it was imported" in outcome.why) == (REFUSED, True)
    assert "sale items too" in path.read_text()
    assert one([sent("a.md", "Sixty days.")], shelf, replace=True).state == READ
    assert not read_article(path).edited


def test_a_document_of_the_same_name_in_another_folder_is_another_document(shelf: Path) -> None:
    import_documents([sent("uk/returns.md", "Thirty days.")], shelf)
    outcome = one([sent("us/returns.md", "Sixty days.")], shelf)
    assert (outcome.state, "which comes from uk/returns.md" in outcome.why) == (REFUSED, True)
    assert "Thirty" in (shelf / "returns.md").read_text()
    assert one([sent("uk/returns.md", "Forty days.")], shelf).state == READ
    assert one([sent("returns.md", "Fifty days.")], shelf).state == READ, "dropped by itself it has no folder"


def test_an_article_whose_document_is_gone_is_named_and_stays(tmp_path: Path, shelf: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in ("kept.md", "old.md"):
        (folder / name).write_text(f"The text of {name}.")
    (folder / "more.zip").write_bytes(zipped({"in-zip.md": b"Zipped text."}))
    import_documents([folder, sent("elsewhere.md", "Dropped.")], shelf)
    (folder / "old.md").unlink()
    (folder / "more.zip").write_bytes(b"damaged")  # refused is not gone
    outcomes = import_documents([folder], shelf)
    assert [(one.file, one.state) for one in outcomes] == [
        ("docs/kept.md", SKIPPED), ("docs/more.zip", REFUSED), ("docs/old.md", GONE),
    ]  # fmt: skip
    assert "its article old.md stays" in outcomes[-1].why
    assert (shelf / "old.md").exists()


def test_two_imports_at_once_both_end_well(shelf: Path) -> None:
    def run(letter: str) -> None:
        import_documents([sent(f"{letter}{n}.md", f"{letter} number {n}.") for n in range(10)], shelf)

    threads = [threading.Thread(target=run, args=(letter,)) for letter in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_articles(shelf)) == 30


def test_an_import_that_lasts_is_waited_for_and_then_named(shelf: Path, monkeypatch) -> None:
    monkeypatch.setattr(importing, "LOCK_WAIT", 0.05)
    shelf.mkdir()
    with importing.FileLock(shelf / ".lock"):
        done: list[str] = []

        def run() -> None:
            try:
                import_documents([sent("a.md", "A.")], shelf)
            except KnowledgeError as error:
                done.append(str(error))

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert "Another import into" in done[0]


def test_a_full_disk_is_a_sentence_and_leaves_whole_articles(shelf: Path, monkeypatch) -> None:
    import_documents([sent("a.md", "Whole.")], shelf)
    monkeypatch.setattr(os, "fsync", lambda file: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
    with pytest.raises(KnowledgeError, match="is full"):
        import_documents([sent("b.md", "Half.")], shelf)
    assert [one.name for one in read_articles(shelf)] == ["a"]
    assert not list(shelf.glob(".*.md-*"))


def test_a_killed_import_leaves_only_whole_articles(shelf: Path) -> None:
    code = (
        "import os, pathlib, sys\n"
        "from knowledge.archive import Found\n"
        "from knowledge.importing import import_documents\n"
        "some = (Found(f'{n}.md', (f'Document {n}. ' * 20000).encode()) for n in range(10 ** 6))\n"
        "import_documents(some, pathlib.Path(sys.argv[1]))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(shelf)], cwd=ROOT)
    until = time.monotonic() + 60
    while time.monotonic() < until and len(list(shelf.glob("*.md"))) < 5:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    whole = read_articles(shelf)
    assert len(whole) >= 5
    for article in whole:
        assert article.sections[0].text == (f"Document {article.name}. " * 20000).strip()
    (shelf / ".9.md-1").write_text("half")
    assert one([sent("after.md", "After.")], shelf).state == "read", "the dead one's lock is gone with it"
    assert not (shelf / ".9.md-1").exists()

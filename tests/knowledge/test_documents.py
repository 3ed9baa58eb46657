"""Each kind of document as markdown, and each refusal in its sentence."""

import codecs
import csv
import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.article import parse_article
from knowledge.documents import Draft, levelled, read_document
from knowledge.errors import DocumentError
from knowledge.importing import article_text
from knowledge.sheets import read_csv
from tests.knowledge.papers import PAGE, excel, pdf, scan, word, zipped

LONG = "A lamp that flickers is repaired within ten working days and the postage is on us both ways. " * 3


def only(name: str, data: bytes) -> Draft:
    (draft,) = read_document(name, data)
    return draft


def sections(name: str, data: bytes) -> list[tuple[str, str]]:
    """(heading, text) as the article reader sees them."""
    article = parse_article("x", article_text(only(name, data), name, "d"))
    return [(one.heading, one.text) for one in article.sections]


def test_markdown_keeps_its_headings_and_gives_its_title_from_its_front_matter() -> None:
    data = b"---\ntitle: Sending back\nauthor: Jo\n---\n# Returns\n\nThirty days.\n\n##### Costs\n\nNone.\n"
    assert only("r.md", data).title == "Sending back"
    assert sections("r.md", data) == [("", "Thirty days."), ("Costs", "None.")]
    assert "author" not in only("r.md", data).text


def test_a_documents_title_is_its_only_first_heading_else_its_name() -> None:
    assert only("a.md", b"# Opening hours\n\nNine to five.").title == "Opening hours"
    assert only("opening-hours.md", b"# One\n\nText.\n\n# Two\n\nMore.").title == "Opening hours"
    assert sections("x.md", b"# One\n\nText.\n\n# Two\n\nMore.") == [("One", "Text."), ("Two", "More.")]
    assert only("a_b.txt", b"Just words.").title == "A b"


def test_underlined_headings_and_code_are_understood() -> None:
    assert levelled("Big\n===\n\ntext\n\nSmall\n-----\nmore") == "# Big\n\ntext\n\n## Small\nmore"
    assert levelled("```\n# remark\n```") == "```\n # remark\n```"
    assert levelled("| a |\n|---|\n| b |") == "| a |\n|---|\n| b |"


@pytest.mark.parametrize(
    "data",
    [
        "Größe – “schön” für 5 €".encode(),
        "Größe – “schön” für 5 €".encode("utf-8-sig"),
        codecs.BOM_UTF16_LE + "Größe – “schön” für 5 €".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "Größe – “schön” für 5 €".encode("utf-16-be"),
        "Größe – “schön” für 5 €".encode("cp1252"),
    ],
)
def test_text_is_read_in_its_encoding(data: bytes) -> None:
    assert only("a.txt", data).text == "Größe – “schön” für 5 €"


def test_a_web_page_is_its_main_text_alone() -> None:
    draft = only("page.html", PAGE.encode())
    assert draft.title == "Returns"
    headings = [heading for heading, _ in sections("page.html", PAGE.encode())]
    assert headings == ["", "How it works", "How it works › Postage"]
    assert "- Print the label." in draft.text
    assert "| Germany | 4 EUR |" in draft.text
    for noise in ("cookies", "Shop everything", "imprint"):
        assert noise not in draft.text


def test_a_piece_of_a_page_is_read_as_a_page() -> None:
    assert (
        only("p.html", b"<p>Only one short paragraph stands here.</p>").text == "Only one short paragraph stands here."
    )


def test_a_web_pages_own_encoding_counts() -> None:
    page = PAGE.replace("<head>", '<head><meta charset="iso-8859-2">').replace("unused", "nieużywana")
    assert "nieużywana" in only("p.html", page.encode("iso-8859-2")).text


def test_a_pdf_is_paragraphs_and_headings_without_running_heads() -> None:
    numbers = ("one", "two", "three")
    chapters = [(f"Chapter {word}", [f"{LONG} That is {word}.", f"{LONG} So is {word}."]) for word in numbers]
    data = pdf(chapters, head="Acme handbook, confidential")
    text = only("handbook.pdf", data).text
    assert only("handbook.pdf", data).title == "Handbook", "reportlab's own '(anonymous)' is no title"
    assert "confidential" not in text
    assert "Page 2" not in text
    for number in numbers:
        for paragraph in (f"{LONG} That is {number}.", f"{LONG} So is {number}."):
            assert " ".join(paragraph.split()) in text, "lines are joined to whole paragraphs"
    assert [heading for heading, _ in sections("h.pdf", data)] == ["Chapter one", "Chapter two", "Chapter three"]


def test_numbered_chapters_are_no_running_heads() -> None:
    data = pdf([(f"Chapter {n}", [f"{LONG} That is {n}."]) for n in range(1, 5)], head="Acme")
    assert [heading for heading, _ in sections("h.pdf", data)] == [f"Chapter {n}" for n in range(1, 5)]


def test_a_heading_of_a_hundred_thousand_spaces_takes_no_time() -> None:
    began = time.perf_counter()
    assert sections("a.md", b"text\n\n## a" + b" " * 100_000 + b"b\n\nmore") == [("", "text"), ("a b", "more")]
    assert time.perf_counter() - began < 5


def test_a_pdfs_cut_words_are_whole_again() -> None:
    from knowledge.pdf import Line, markdown

    lines = [
        Line("The well-known guaran-", 10, 90, 0),
        Line("tee covers a well-", 10, 78, 0),
        Line("known list:", 10, 66, 0),
        Line("• zips", 10, 54, 0),
    ]
    assert markdown(lines) == "The well-known guarantee covers a well-known list:\n\n- zips"


def test_a_sentence_goes_on_over_a_pages_end() -> None:
    from knowledge.pdf import Line, markdown

    assert markdown([Line("It takes ten", 10, 40, 0), Line("days.", 10, 800, 1)]) == "It takes ten days."


def test_word_gives_headings_to_the_third_and_tables() -> None:
    data = word("Warranty", ["Two years on every lamp."], [["Part", "Years"], ["Bulb", "1"]], deep="Small print")
    draft = only("w.docx", data)
    assert draft.title == "Warranty"
    assert [heading for heading, _ in sections("w.docx", data)] == ["", "Small print"]
    assert "| Bulb | 1 |" in draft.text


@pytest.mark.parametrize(
    "text",
    [
        'Question,Answer\nDo you repair?,"Yes, all lamps."\nWhere?,Here.\n',
        "id;Frage;Kategorie;Antwort\n1;Do you repair?;x;Yes, all lamps.\n2;Where?;x;Here.\n",
        "id\tstatus\tq\ttext\n1\t5\tDo you repair?\tYes, all lamps.\n2\t5\tWhere?\tHere.\n",
        '"Do you repair?","Yes, all lamps."\n"Where?","Here."\n',
        'no,"Customer question","Our answer"\n1,Do you repair?,"Yes, all lamps."\n2,Where?,Here.\n',
    ],
)
def test_a_sheet_of_questions_is_a_section_per_row(text: str) -> None:
    assert sections("faq.csv", text.encode()) == [("Do you repair?", "Yes, all lamps."), ("Where?", "Here.")]


def test_a_bare_head_over_questions_with_a_word_each_is_no_question_either() -> None:
    text = "text,category\nHow do I find my card?,arrival\nWhy was I charged twice for it?,fees\n"
    assert sections("f.csv", text.encode()) == [
        ("How do I find my card?", "arrival"),
        ("Why was I charged twice for it?", "fees"),
    ]


def test_a_heading_inside_an_item_is_the_items_first_words() -> None:
    items = "".join(
        f"<li><h3>Lamp {n}</h3><p>It gives good light, and it costs ${n}0 in our shops.</p></li>" for n in "123"
    )
    page = f"<html><body><main><h1>Tools</h1><p>Here are all of our lamps, with prices.</p><ul>{items}</ul></main></body></html>"
    ((_, text),) = sections("t.html", page.encode())
    assert "- Lamp 1 It gives good light, and it costs $10 in our shops.\n- Lamp 2" in text
    assert "#" not in text


def test_a_bare_unknown_head_is_no_question_and_answers_may_go_on() -> None:
    text = 'Anliegen,Hinweis\nWhen do you open?,We open at nine every morning.\n,"# On Sundays at ten,\nif at all."\n'
    assert sections("f.csv", text.encode()) == [
        ("When do you open?", "We open at nine every morning.\n\n # On Sundays at ten,\nif at all.")
    ]


def test_an_answer_may_stand_in_the_row_below_its_question() -> None:
    data = excel({"S": [["Frage", "Antwort"], ["Wann?", None], [None, "Um neun."], ["Preis?", 12.5]]})
    assert sections("f.xlsx", data) == [("Wann?", "Um neun."), ("Preis?", "12.5")]


def test_a_page_in_one_form_or_in_a_wrapper_named_consent_keeps_its_text() -> None:
    for before, after in (("<form>", "</form>"), ("<div class='consent-page'>", "</div>")):
        page = PAGE.replace("<main>", f"{before}<main>").replace("</main>", f"</main>{after}")
        text = only("p.html", page.encode()).text
        assert "within 30 days" in text
        assert "cookies" not in text


def test_a_rule_at_the_top_is_no_front_matter_and_no_text_is_lost() -> None:
    data = b"---\nFirst words: none.\n\nMore words\n\n---\nLast words.\n"
    assert "Last words." in only("a.md", data.replace(b": none", b"")).text
    assert "First words" in only("a.md", data.replace(b": none", b"")).text


def test_a_workbook_is_a_draft_per_sheet_and_says_which_is_none() -> None:
    data = excel({"Care": [["Question", "Answer"], ["Wash?", "By hand."]], "Sums": [[1, 2], [3, 4]], "Empty": []})
    care, sums = read_document("faq.xlsx", data)
    assert (care.title, care.part, care.text) == ("Faq: Care", "Care", "## Wash?\n\nBy hand.")
    assert "sheet 'Sums' lacks two columns of text" in sums.fault


REFUSED = [
    ("a.exe", b"MZ", "of no kind that can be read"),
    ("a", b"words", "of no kind that can be read"),
    ("a.doc", b"\xd0\xcf\x11\xe0", "Save it as .docx"),
    ("a.md", b" \n ", "is empty"),
    ("a.pdf", b"", "is empty"),
    ("a.md", b"---\ntitle: [\n---\nx", "front matter"),
    ("a.md", b"---\ntitle: Only\n---\n", "holds no text"),
    ("a.md", b"# Only a heading", "holds no text"),
    ("a.txt", b"%PDF-1.7 ...", "is a PDF inside"),
    ("a.csv", b"PK\x03\x04 ...", "is a zip or Office file inside"),
    ("a.txt", b"\x89PNG\r\n", "is a picture inside"),
    ("a.txt", b"MZ\x00\x01\x02\x03", "not text"),
    ("a.pdf", b"words only", "not a PDF inside"),
    ("a.docx", b"words only", "not a .docx file inside"),
    ("a.docx", zipped({"x": b"y"}), "not a .docx file inside"),
    ("a.xlsx", b"\xd0\xcf\x11\xe0rest", "locked with a password"),
    ("a.docx", zipped({"word/document.xml": b"<w"}), "is damaged"),
    ("a.xlsx", zipped({"xl/workbook.xml": b"<w"}), "is damaged"),
    ("a.pdf", b"%PDF-1.4\nnothing here", "is damaged"),
    ("a.html", b"<html><body><nav><a href='/'>Home</a> <a>Shop</a></nav><footer>All rights are reserved by us here.</footer></body></html>", "no main text"),
    ("a.html", b"<html><body><div id='root'></div><script>app()</script></body></html>", "no main text"),
    ("a.html", b"These are plain words and no page at all.", "no main text"),
    ("a.csv", b"1,2\n3,4\n", "lacks two columns of text"),
    ("a.csv", b"just words\nmore words\n", "lacks two columns of text"),
    ("a.csv", b"Question,Answer\nWhere?,\n", "no row with both"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "said"), REFUSED)
def test_what_cannot_be_read_is_refused_by_name(name: str, data: bytes, said: str) -> None:
    with pytest.raises(DocumentError) as refused:
        read_document(name, data)
    sentence = str(refused.value)
    assert said in sentence
    assert sentence.startswith(name)
    assert sentence.endswith(".")


def test_locked_scanned_and_cut_pdfs_are_refused() -> None:
    whole = pdf([("Care", [LONG])])
    for data, said in (
        (pdf([("Care", [LONG])], password="secret"), "locked with a password"),
        (scan(), "no text (a scan?)"),
        (whole[: len(whole) // 3], "is damaged"),
    ):
        with pytest.raises(DocumentError, match=r"^a\.pdf") as refused:
            read_document("a.pdf", data)
        assert said in str(refused.value)


def test_too_many_rows_are_refused() -> None:
    rows = "Question,Answer\n" + "Where?,Here.\n" * 20_001
    with pytest.raises(DocumentError, match="20000 is the most"):
        read_document("a.csv", rows.encode())


WORDS = st.text(st.characters(categories=["L"], max_codepoint=0x17F), min_size=2, max_size=8)
SAID = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)
AFTER = st.sampled_from(["", ", and more", "; then\nnext", '"quoted"', "\ttab", "| bar"])


@given(
    rows=st.lists(
        st.tuples(SAID.map(lambda one: f"{one}?"), st.tuples(SAID, AFTER).map("".join)), min_size=1, max_size=6
    ),
    delimiter=st.sampled_from(",;\t|"),
)
def test_any_sheet_comes_back_as_it_went_in(rows: list[tuple[str, str]], delimiter: str) -> None:
    whole = io.StringIO(newline="")
    csv.writer(whole, delimiter=delimiter).writerows([("Question", "Answer"), *rows])
    expected = "\n\n".join(f"## {question}\n\n{answer.strip()}" for question, answer in rows)
    assert read_csv("a.csv", whole.getvalue()).replace("\r\n", "\n") == expected


@given(st.binary(max_size=200), st.sampled_from([".csv", ".md", ".txt", ".pdf", ".docx", ".xlsx"]))
def test_any_bytes_are_read_or_refused_in_a_sentence(data: bytes, kind: str) -> None:
    refused = None
    try:
        assert read_document(f"a{kind}", data)
    except DocumentError as error:
        refused = str(error)
    assert refused is None or refused.endswith(".")

"""A sheet of questions and answers, CSV or Excel, as one `## Question` section per row.

The two columns are found by what their heads say, else they are the first two that hold words. The other columns
are left out: a category or a date answers no question."""

import csv
import io
import re
import warnings
from collections.abc import Sequence

from knowledge.errors import DocumentError

# what heads a column, the surest first
ASKED = (
    "question", "questions", "frage", "fragen", "title", "titel", "heading", "topic", "thema", "subject", "betreff",
    "pregunta", "domanda", "q",
)  # fmt: skip
SAID = (
    "answer", "answers", "antwort", "antworten", "body", "text", "content", "inhalt", "reply", "response", "solution",
    "lösung", "description", "beschreibung", "réponse", "respuesta", "risposta", "a",
)  # fmt: skip
DELIMITERS = ",;\t|"
MOST_ROWS = 20_000
Row = Sequence[str]


def read_csv(name: str, text: str) -> str:
    """The markdown of a CSV file's text. Raises DocumentError."""
    try:
        # the delimiter that splits the most rows alike; csv.Sniffer is led astray by commas in answers
        found = max((_rows(text, mark) for mark in DELIMITERS), key=_evenness)
    except csv.Error as error:
        raise DocumentError(f"{name} is no CSV that can be read ({error}). Save it as CSV again.") from error
    return sections(name, found)


def read_workbook(name: str, data: bytes) -> list[tuple[str, str, str]]:
    """(sheet's name, markdown, or else why it has none) for every sheet that is shown and holds anything."""
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # styles and drop-downs that it cannot keep: nothing here writes the file
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        filled = [(sheet.title, _cells(sheet)) for sheet in book.worksheets if sheet.sheet_state == "visible"]
        book.close()
    return [_sheet(name, title, rows) for title, rows in filled if rows]


def _sheet(name: str, title: str, rows: Sequence[Row]) -> tuple[str, str, str]:
    try:
        return title, sections(f"{name}, sheet {title!r}", rows), ""
    except DocumentError as error:
        return title, "", str(error)


def sections(name: str, rows: Sequence[Row]) -> str:
    """One `## Question` and its answer per row; an answer without a question goes on with the one above it.

    Raises DocumentError where there are no two columns of text.
    """
    if len(rows) > MOST_ROWS:
        raise DocumentError(f"{name} has {len(rows)} rows; {MOST_ROWS} is the most. Split it.")
    asked, said, start = _columns(name, rows)
    made: list[str] = []
    waiting = ""  # a question whose answer stands in a row below
    for row in rows[start:]:
        question, answer = (_cell(row, column) for column in (asked, said))
        waiting = question or waiting
        if answer and waiting:
            made.append(f"## {' '.join(waiting.split()).lstrip('# ')}")
            waiting = ""
        if answer:
            made.append(re.sub(r"(?m)^#", " #", answer))  # what begins with # in a cell is no heading
    if not made:
        raise DocumentError(f"{name} has no row with both a question and an answer. Fill some in.")
    return "\n\n".join(made)


def _rows(text: str, delimiter: str) -> list[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [row for row in reader if any(cell.strip() for cell in row)]


def _evenness(rows: Sequence[Row]) -> tuple[int, int]:
    widths = [len(row) for row in rows if len(row) > 1]
    usual = max(set(widths), key=widths.count, default=0)
    return widths.count(usual), usual


def _cells(sheet: object) -> list[Row]:
    rows = (["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True))  # type: ignore[attr-defined]
    return [row for row in rows if any(cell.strip() for cell in row)]


def _columns(name: str, rows: Sequence[Row]) -> tuple[int, int, int]:
    """(column of questions, of answers, first row of data)."""
    heads = [cell.strip().strip(":*").lower() for cell in rows[0]] if rows else []
    asked, said = _headed(heads, ASKED), _headed(heads, SAID)
    if asked is not None and said is not None and asked != said:
        return asked, said, 1
    wordy = [column for column in range(max(map(len, rows), default=0)) if _holds_words(rows, column)]
    if len(wordy) < 2:
        raise DocumentError(f"{name} lacks two columns of text. Head them Question and Answer, a row for each pair.")
    return wordy[0], wordy[1], 1 if _is_head(rows, wordy[:2]) else 0


def _headed(heads: Sequence[str], known: Sequence[str]) -> int | None:
    """The column whose head is one of `known`, else has one of them as a word ("Customer question")."""
    for fits in (
        lambda head, word: head == word,
        lambda head, word: len(word) > 1 and word in re.findall(r"\w+", head),
    ):
        for word in known:
            if found := [column for column, head in enumerate(heads) if fits(head, word)]:
                return found[0]
    return None


def _holds_words(rows: Sequence[Row], column: int) -> bool:
    cells = [cell for row in rows if (cell := _cell(row, column))]
    return bool(cells) and sum(bool(re.search(r"[^\W\d_]{2}", cell)) for cell in cells) * 2 > len(cells)


def _is_head(rows: Sequence[Row], columns: Sequence[int]) -> bool:
    """A first row of one or two bare words over questions or answers that are sentences is a head."""
    first = [_cell(rows[0], column) for column in columns]
    bare = all(cell and len(cell.split()) <= 2 and cell[-1] not in ".?!" for cell in first)
    return bare and any(_sentences([_cell(row, column) for row in rows[1:]]) for column in columns)


def _sentences(cells: Sequence[str]) -> bool:
    return bool(cells) and sum(len(cell.split()) for cell in cells) > 3 * len(cells)


def _cell(row: Row, column: int) -> str:
    return row[column].strip() if column < len(row) else ""

"""A PDF's text as people read it: paragraphs and headings, without running heads and page numbers.

A scan has no text: it is refused, and nothing here guesses letters from pictures."""

import io
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from knowledge.errors import DocumentError

MOST_PAGES = 2000
EDGE = 2  # lines from the top and the bottom of a page where a running head stands
MOST = 0.6  # of the pages: a line at the edge of that many is a running head
BIG = 1.15  # times the size of most letters: a heading
NUMBER = re.compile(r"\W*(?:page|p\.|seite|s\.)?\s*(?:\d+|[ivxlc]+)\s*(?:(?:of|von|/)\s*\d+)?\W*", re.IGNORECASE)
BULLET = re.compile(r"[•▪◦‣●·–]\s+(?=\S)|[-*]\s+(?=\S)|\d{1,2}[.)]\s+(?=\S)")


@dataclass(frozen=True)
class Line:
    """One line as it is printed. `size` and `y` in points, y from the page's foot."""

    text: str
    size: float
    y: float
    page: int


def read_pdf(name: str, data: bytes) -> tuple[str, str]:
    """(title, markdown). Raises DocumentError for one that is locked, damaged, scanned or too long."""
    from pypdf import PdfReader
    from pypdf.errors import PdfReadError

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise DocumentError(f"{name} is locked with a password. Save it without one and import it again.")
        if len(reader.pages) > MOST_PAGES:
            raise DocumentError(f"{name} has {len(reader.pages)} pages; {MOST_PAGES} is the most. Split it.")
        pages = [_lines(page, number) for number, page in enumerate(reader.pages)]
        title = str((reader.metadata.title if reader.metadata else None) or "").strip()
    except PdfReadError as error:
        raise DocumentError(f"{name} is damaged: it cannot be read as a PDF. Save or download it again.") from error
    if not any(line.text for page in pages for line in page):
        raise DocumentError(f"{name} holds pictures of pages and no text (a scan?). Run text recognition on it first.")
    title = re.sub(r"(?i)^(?:microsoft \w+ - |\(?(?:untitled|anonymous|unspecified)\)?$)", "", title)
    return title, markdown(_without_heads(pages))


def markdown(lines: Sequence[Line]) -> str:
    """Lines joined to paragraphs, words that a line's end cut made whole, big print as headings."""
    body = _body_size(lines)
    width = max((len(line.text) for line in lines), default=0)
    whole = "\n".join(line.text for line in lines)
    biggest = max((line.size for line in lines), default=0.0)
    largest = [line for line in lines if line.size == biggest]
    title = lines[0] if largest == lines[:1] else None
    made: list[str] = []
    before: Line | None = None
    for line in lines:
        text, heading = BULLET.sub(_bullet, line.text, count=1) if BULLET.match(line.text) else line.text, False
        if line.size > BIG * body and len(line.text.split()) <= 15:
            text, heading = f"{'#' if line is title else '##'} {line.text}", True
        if before is None or heading or _is_new(before, line, width, body):
            made.append(text)
        else:
            made[-1] = _joined(made[-1], line.text, whole)
        before = line
    return "\n\n".join(made)


def _lines(page: object, number: int) -> list[Line]:
    """The page's lines with size and height, as pypdf's visitor tells them."""
    found: list[Line] = []
    held: list[tuple[str, float, float]] = []

    def visit(text: str, cm: Sequence[float], tm: Sequence[float], font: object, size: float) -> None:
        for n, piece in enumerate(text.split("\n")):
            if n:
                found.extend(_line(held, number))
                held.clear()
            if piece.strip():
                held.append((piece, abs(size * tm[3] * cm[3]) or size, cm[5] + tm[5] * cm[3]))

    page.extract_text(visitor_text=visit)  # type: ignore[attr-defined]
    return [*found, *_line(held, number)]


def _line(held: Sequence[tuple[str, float, float]], page: int) -> Iterator[Line]:
    text = " ".join("".join(piece for piece, _, _ in held).replace("\u00ad", "").split())
    if text:
        yield Line(text, max(size for _, size, _ in held), held[0][2], page)


def _without_heads(pages: Sequence[Sequence[Line]]) -> list[Line]:
    """Every page's lines but page numbers and what stands at the edge of most pages."""
    body = _body_size([line for page in pages for line in page])
    edges = [{line: _key(line, body) for line in _edge(page)} for page in pages]
    often = Counter(key for edge in edges for key in set(edge.values()))
    least = max(2, MOST * len(pages))
    return [
        line
        for page, edge in zip(pages, edges, strict=True)
        for line in page
        if not (line in edge and (often[edge[line]] >= least or NUMBER.fullmatch(line.text)))
    ]


def _edge(page: Sequence[Line]) -> list[Line]:
    by_height = sorted(page, key=lambda line: line.y)
    return [*by_height[:EDGE], *by_height[-EDGE:]]


def _key(line: Line, body: float) -> str:
    """What makes two lines the same running head: "Handbook, page 7" is "Handbook, page 8", but in big print
    "Chapter 7" is not "Chapter 8"."""
    return line.text if line.size > BIG * body else re.sub(r"\d+", "#", line.text.lower())


def _body_size(lines: Sequence[Line]) -> float:
    return statistics.median([line.size for line in lines for _ in range(len(line.text))] or [0.0])


def _is_new(before: Line, line: Line, width: int, body: float) -> bool:
    ended = before.text[-1:] in ".!?:"
    if before.size > BIG * body or BULLET.match(line.text):
        return True
    if before.page != line.page or line.y > before.y:  # over a page's or a column's end a sentence may go on
        return ended
    return before.y - line.y > 1.7 * line.size or (ended and len(before.text) < 0.8 * width)


def _joined(above: str, below: str, whole: str) -> str:
    """One space between two lines; a word that the line's end cut is whole again ("war-" + "ranty")."""
    cut, rest = re.search(r"(\w+)-$", above), re.match(r"[^\W\d_]+", below)
    if not cut or not rest or below[0].isupper():
        return f"{above} {below}"
    compound = f"{cut[1]}-{rest[0]}"  # "well-known", if the text has it so elsewhere
    return above + below if compound in whole else above[:-1] + below


def _bullet(found: re.Match[str]) -> str:
    return found[0] if found[0][0].isdigit() else "- "

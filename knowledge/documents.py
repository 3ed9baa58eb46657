"""One document, whatever its kind, as the text of an article; or a DocumentError that says why not.

Knows nothing about folders, zips or the web: a name and bytes go in, titles and markdown come out."""

import io
import logging
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

import frontmatter
import yaml

from knowledge.errors import DocumentError
from knowledge.office import read_word
from knowledge.pdf import read_pdf
from knowledge.sheets import read_csv, read_workbook
from knowledge.webpage import read_page

TEXTS = (".md", ".markdown", ".txt", ".html", ".htm", ".csv")
OFFICE = {".docx": "word/document.xml", ".xlsx": "xl/workbook.xml"}  # what must be inside
KINDS = (*TEXTS, ".pdf", *OFFICE)
BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
LOCKED = b"\xd0\xcf\x11\xe0"  # the container of an encrypted, or a very old, Office file
FOREIGN = {
    b"%PDF-": "a PDF", b"PK\x03\x04": "a zip or Office file", LOCKED: "an old or locked Office file",
    b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"GIF8": "a picture", b"{\\rtf": "an RTF file",
}  # fmt: skip
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Draft:
    """What will be one article. `part` is the sheet's name where a workbook has several."""

    title: str
    text: str  # markdown, headings # to ###
    part: str = ""
    fault: str = ""  # why this sheet of a workbook cannot be read


def read_document(name: str, data: bytes, kind: str = "") -> list[Draft]:
    """The drafts in a document: one, or one per sheet of a workbook. Raises DocumentError naming it and the way out."""
    kind = kind or kind_of(name)
    check_content(name, kind, data)
    try:
        drafts = READERS[kind](name, data)
    except DocumentError:
        raise
    except Exception as error:  # the outermost edge: bytes from anywhere, and parsers trip over them in any way
        log.debug("reading %s", name, exc_info=True)
        raise DocumentError(f"{name} is damaged: it cannot be read as {kind}. Save it again, or as PDF.") from error
    drafts = [one for one in drafts if one.fault or re.search(r"\w", re.sub(r"(?m)^#.*$", "", one.text))]
    if not drafts:
        raise DocumentError(f"{name} holds no text. Write some, or leave it out.")
    return drafts


def kind_of(name: str) -> str:
    """ ".pdf" for "Guide.PDF". Raises DocumentError for a kind that cannot be read."""
    kind = PurePosixPath(name).suffix.lower()
    if kind in (".doc", ".xls"):
        raise DocumentError(f"{name} is of an old Office kind. Save it as {kind}x and import that.")
    if kind not in KINDS:
        raise DocumentError(f"{name} is of no kind that can be read. Known are {', '.join(KINDS)}, and .zip of them.")
    return kind


def check_content(name: str, kind: str, data: bytes) -> None:
    """Raises DocumentError for what is empty, or is not what the name's ending says."""
    if not data.strip():
        raise DocumentError(f"{name} is empty. Write something in it, or leave it out.")
    if kind in OFFICE and data.startswith(LOCKED):
        raise DocumentError(
            f"{name} is locked with a password or of an old kind. Save it as {kind} without a password."
        )
    what = next((what for sign, what in FOREIGN.items() if data.startswith(sign)), "")
    if kind in OFFICE:
        if OFFICE[kind] not in _members(name, data):
            raise DocumentError(f"{name} is not a {kind} file inside, whatever its name says. Save it as {kind} again.")
    elif kind == ".pdf":
        if b"%PDF-" not in data[:1024]:
            raise DocumentError(f"{name} is not a PDF inside, whatever its name says. Name it as what it is.")
    elif what:
        raise DocumentError(f"{name} is {what} inside, not text. Give it the right ending.")


def decoded(name: str, data: bytes, declared: str = "") -> str:
    """Bytes as text: UTF-8, UTF-16 with its mark, what the page declares, else Windows-1252. Raises DocumentError."""
    from charset_normalizer import from_bytes

    encodings = [encoding for mark, encoding in BOMS if data.startswith(mark)] or ["utf-8", *filter(None, [declared])]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except (UnicodeError, LookupError):
            continue
        return _checked(name, text)
    best = from_bytes(data, cp_isolation=["cp1252"]).best()
    if best is None:
        raise DocumentError(f"{name} is not text in UTF-8, UTF-16 or Windows-1252. Save it as UTF-8.")
    return _checked(name, str(best))


def levelled(text: str) -> str:
    """Markdown with headings from # to ### only; underlined headings get their signs, a # in code is no heading."""
    text = re.sub(r"\A(?:-{3,}[ \t]*\n)+", "", text.lstrip())  # a rule at the top is no front matter
    text = re.sub(r"(?m)^(?![ \t>|#-])(\S.*)\n=+[ \t]*$", r"# \1", text)
    text = re.sub(r"(?m)^(?![ \t>|#*-])(\S.*)\n-{3,}[ \t]*$", r"## \1", text)
    lines, fenced = [], False
    for line in text.split("\n"):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif fenced and line.startswith("#"):
            line = f" {line}"
        if line.startswith("#"):
            line = " ".join(line.split())  # also keeps what splits headings from going back and forth in spaces
        lines.append(line if fenced else re.sub(r"^#{4,}(?=[ \t])", "###", line))
    return "\n".join(lines).strip()


def _checked(name: str, text: str) -> str:
    if "\x00" in text or sum(one < " " and one not in "\t\n\r\f\x1b" for one in text) > len(text) / 100:
        raise DocumentError(f"{name} is not text inside, whatever its name says. Give it the right ending.")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "")


def _members(name: str, data: bytes) -> list[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as whole:
            return whole.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        kind = PurePosixPath(name).suffix
        raise DocumentError(f"{name} is damaged, or not a {kind} file inside. Save it as {kind} again.") from error


def _titled(name: str, title: str, text: str, sure: bool = False) -> Draft:
    """The title it gives, else its first heading if it opens with one, else its name."""
    text = levelled(text)
    heads = re.findall(r"(?m)^#[ \t]+(.+?)[ \t#]*$", text)
    first = re.match(r"#[ \t]+.+(?:\n|$)", text)
    # several are chapters, none of them a title
    if first and len(heads) == 1 and re.search(r"\w", text[first.end() :]):
        title = title if sure and title else heads[0]
        text = text[first.end() :].strip()
    stem = PurePosixPath(name).stem.replace("_", " ").replace("-", " ").strip()
    words = " ".join((title or stem[:1].upper() + stem[1:] or "Document").split())
    return Draft(words, text)


def _markdown(name: str, data: bytes) -> list[Draft]:
    try:
        text = decoded(name, data)
        post = frontmatter.loads(text)
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise DocumentError(f"{name} has front matter that is not valid YAML. Mend it or take it out.") from error
    return [_titled(name, str(post.metadata.get("title") or ""), post.content if post.metadata else text, sure=True)]


def _page(name: str, data: bytes) -> list[Draft]:
    declared = re.search(rb"<meta[^>]+charset=[\"']?\s*([\w-]+)", data[:4096], re.IGNORECASE)
    return [_titled(name, *read_page(name, decoded(name, data, declared[1].decode() if declared else "")))]


def _workbook(name: str, data: bytes) -> list[Draft]:
    sheets = read_workbook(name, data)
    if len(sheets) == 1:
        return [Draft(_stem_title(name), sheets[0][1], fault=sheets[0][2])]
    return [Draft(f"{_stem_title(name)}: {title}", text, title, fault) for title, text, fault in sheets]


def _stem_title(name: str) -> str:
    return _titled(name, "", "").title


READERS: dict[str, Callable[[str, bytes], list[Draft]]] = {
    ".md": _markdown,
    ".markdown": _markdown,
    ".txt": lambda name, data: [_titled(name, "", decoded(name, data))],
    ".html": _page,
    ".htm": _page,
    ".pdf": lambda name, data: [_titled(name, *read_pdf(name, data))],
    ".docx": lambda name, data: [_titled(name, *read_word(data))],
    ".xlsx": _workbook,
    ".csv": lambda name, data: [Draft(_stem_title(name), levelled(read_csv(name, decoded(name, data))))],
}

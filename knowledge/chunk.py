"""Articles become passages: pieces small enough to stand in a prompt, each able to stand alone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from knowledge.article import PATH, Article

VERSION = "8"  # part of the index's fingerprint: other passages need another index
ITEM = re.compile(r"(?:[-*]|\d+[.)])\s+")
OWN_LINE = re.compile(r"\s*(?:[|#>]|```)")  # rows, headings, quotations and code: what a wrapped sentence is not
LEANS = re.compile(
    r"(?:It|They|This|These|Those|That|Both|Each|He|She|Then|Its|Their)\b(?! (?:day|fee|card|price)s?\b)"
)
MOST_WORDS = 120  # in one passage; a list or table longer than that stays whole, up to
MOST_BYTES = 640  # in one passage, about 200 of the 256 tokens that the embedding model reads in English or German

Place = tuple[str, int]  # Passage.id and the place of a line in Passage.lines


@dataclass(frozen=True)
class Passage:
    """A piece of one section. `id` is stable as long as article and heading keep their names."""

    id: str
    article: str  # file name without .md
    title: str
    heading: str
    text: str
    position: int  # 0, 1, ... within the article

    @property
    def cited(self) -> str:
        """The whole passage with its heading path, as it is embedded."""
        return self.cite(" ".join(self.text.split()))

    def cite(self, line: str) -> str:
        """What a model is given: a line with the heading path, an item as a sentence with what leads to its list."""
        lead = self._leads.get(line)
        said = f"{lead} {line}{'' if line[-1:] in '.!?:' else '.'}" if lead else line
        return f"{self.path}: {said}"

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """Its sentences and list items, each able to stand alone: what leans on the sentence before ("It costs $7.")
        stays with it. A question is about one fact: its vector lies nearer to a line than to the whole passage."""
        said = [line.strip() for line in self.text.split("\n") if line.strip()]
        if any(line.startswith("|") for line in said):
            return (" ".join(said),)  # a row of a table says nothing without its head
        blocks = said if any(ITEM.match(line) for line in said) else [" ".join(said)]
        made = [line for block in blocks for line in _lines(block)]
        return tuple(line for line in made if len(made) == 1 or not line.endswith(":"))  # what only leads to a list

    @cached_property  # each of its lines is cited
    def _leads(self) -> dict[str, str]:
        """Item -> the words before its list: "snowshoes: $12" says little without "... with prices per night:"."""
        found: dict[str, str] = {}
        lead = ""
        for said in (line.strip() for line in self.text.split("\n")):
            item = ITEM.match(said)
            if item and lead:
                found[said[item.end() :]] = lead
            elif not item and said:
                lead = sentences(said)[-1] if said.endswith(":") else ""
        return found

    @property
    def path(self) -> str:
        """ "Returns › Return labels"."""
        return PATH.join(part for part in (self.title, self.heading) if part)


def passages_of(article: Article) -> tuple[Passage, ...]:
    """The article's passages in reading order, ids unique within it."""
    made: list[Passage] = []
    seen: dict[str, int] = {}
    for section in article.sections:
        stem = f"{article.name}#{slug(section.heading)}"
        for text in _pieces(section.text):
            seen[stem] = seen.get(stem, 0) + 1
            name = stem if seen[stem] == 1 else f"{stem}-{seen[stem]}"
            while any(name == one.id for one in made):  # a heading may end in "-2" itself
                name += "x"
            made.append(Passage(name, article.name, article.title, section.heading, text, len(made)))
    return tuple(made)


def slug(heading: str) -> str:
    """A heading as part of an id: "If it's late" -> "if-its-late"."""
    return re.sub(r"[^\w]+", "-", re.sub(r"['’]", "", heading.lower())).strip("-") or "start"


def _lines(block: str) -> list[str]:
    if item := ITEM.match(block):
        return [block[item.end() :]]
    made: list[str] = []
    for sentence in sentences(block):
        if made and LEANS.match(sentence):
            made[-1] += f" {sentence}"
        elif sentence:
            made.append(sentence)
    return made


def sentences(text: str) -> list[str]:
    """`text` at its sentences' ends."""
    return re.split(r"(?<=[.!?])\s+", text)


def _pieces(text: str) -> Iterator[str]:
    """Pack whole blocks (paragraphs, lists, tables), then whole sentences, up to MOST_WORDS."""
    held: list[str] = []
    for unit in _units(text):
        if held and (_words([*held, unit]) > MOST_WORDS or _bytes("\n".join([*held, unit])) > MOST_BYTES):
            yield "\n".join(held)
            held = []
        held.append(unit)
    if held:
        yield "\n".join(held)


def _units(text: str) -> Iterator[str]:
    for block in re.split(r"\n\s*\n", text):
        block = _unwrapped(block.strip())
        if not block:
            continue
        listed = re.match(r"[-*|]|\d+[.)]\s", block)
        whole = [block] if listed or _words([block]) <= MOST_WORDS else [part for part in sentences(block) if part]
        for unit in whole:
            yield from [unit] if _bytes(unit) <= MOST_BYTES else _parts(unit)


def _unwrapped(block: str) -> str:
    """Markdown's soft line breaks as spaces: an editor's or a page's line width cuts no sentence."""
    if "```" in block:
        return block
    made: list[str] = []
    for line in block.split("\n"):
        if made and _goes_on(made[-1], line):
            made[-1] += f" {line.strip()}"
        else:
            made.append(line)
    return "\n".join(made)


def _goes_on(before: str, line: str) -> bool:
    """Does `line` go on with the sentence of the line `before`?"""
    if before.endswith(("  ", "\\")) or ITEM.match(line.strip()) or OWN_LINE.match(before) or OWN_LINE.match(line):
        return False
    return line[:1].isspace() or not ITEM.match(before.strip())  # what goes on with an item is indented


def _parts(unit: str) -> Iterator[str]:
    """A unit that is too long for any passage, cut between lines, else between words, else between letters; each part
    of a table has the table's head."""
    lines = unit.split("\n")
    head = lines[:2] if len(lines) > 2 and re.match(r"\|[\s:|-]+$", lines[1]) else []
    room = max(MOST_BYTES - _bytes("\n".join(head)), MOST_BYTES // 2)
    held: list[str] = []
    for line in lines[len(head) :]:
        for piece in _cut(line, room):
            if held and _bytes("\n".join([*held, piece])) > room:
                yield "\n".join([*head, *held])
                held = []
            held.append(piece)
    yield "\n".join([*head, *held])


def _cut(line: str, room: int) -> list[str]:
    """Pieces of at most `room` bytes: of whole words, and of letters where one word is longer than that."""
    letters = room // 4  # a letter has four bytes at most
    made: list[str] = []
    for word in line.split(" ") if _bytes(line) > room else [line]:
        for piece in [word] if _bytes(word) <= room else [word[n : n + letters] for n in range(0, len(word), letters)]:
            if made and _bytes(f"{made[-1]} {piece}") <= room:
                made[-1] += f" {piece}"
            else:
                made.append(piece)
    return made


def _bytes(text: str) -> int:
    return len(text.encode())


def _words(texts: list[str]) -> int:
    return sum(len(text.split()) for text in texts)

"""Which figures, links and addresses in a reply the sources do not support.

The sources are what every mode was given: passages, question, history and the brand's contact.
A figure is supported when the same number stands in a source; "$4.95" and "4.95 dollars" are the
same number, 4.950 is too, 4.9 is not. Knows nothing about models."""

import re
from collections.abc import Iterable

LINK = re.compile(
    r"(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}/[\w./-]+", re.I
)
FIGURE = re.compile(r"(?<![\w.])[$€£]?\d[\d,]*(?:\.\d+)?(?:-\d{4})?%?(?![\w]*\d)")
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
SPELT = re.compile(r"\b(" + "|".join(WORDS[2:]) + r")\b", re.I)  # "one" is too often no figure


def unsupported(reply: str, sources: Iterable[str]) -> tuple[str, ...]:
    """Figures, links and addresses of `reply` that stand in no source, in order, each once."""
    source = "\n".join(sources)
    known_links = {_plain_link(link) for link in LINK.findall(source)}
    links = [link.rstrip("./,;:!?)") for link in LINK.findall(reply) if _plain_link(link) not in known_links]
    known = _numbers(source)
    figures = [f for f in FIGURE.findall(LINK.sub(" ", reply)) if _number(f) not in known]
    spelt = [w for w in SPELT.findall(reply) if str(WORDS.index(w.lower())) not in known]
    return tuple(dict.fromkeys([*figures, *spelt, *links]))


def _numbers(text: str) -> set[str]:
    """Every number in `text`, and those inside ranges and codes, in one form."""
    found = {_number(f) for f in re.findall(r"\d[\d,]*(?:\.\d+)?", text)}
    found |= {_number(f) for f in FIGURE.findall(text)}
    return found | {str(WORDS.index(w.lower())) for w in re.findall(r"\b(?:" + "|".join(WORDS) + r")\b", text, re.I)}


def _number(figure: str) -> str:
    digits = figure.strip("$€£%").replace(",", "")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _plain_link(link: str) -> str:
    return re.sub(r"^(?:https?://)?(?:www\.)?", "", link.lower()).rstrip("./,;:!?)")

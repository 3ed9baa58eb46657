"""Which figures, links, addresses and product names in a reply the sources do not support.

The sources are what every mode was given: passages, question, history and the brand's contact.
A figure is supported when the same number stands in a source; "$4.95" and "4.95 dollars" are the
same number, 4.950 is too, 4.9 is not. A product name is a capitalised word with a number behind it
("Ridge 4"): it is supported when a source has the two together, also as "the Ridge 2 and 4". Names
without a number are not judged. Knows nothing about models."""

import re
from collections.abc import Iterable, Iterator

LINK = re.compile(
    r"(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}/[\w./-]+", re.I
)
FIGURE = re.compile(r"(?<![\w.])[$€£]?\d[\d,]*(?:\.\d+)?(?:-\d{4})?%?(?![\w]*\d)")
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
SPELT = re.compile(r"\b(" + "|".join(WORDS[2:]) + r")\b", re.I)  # "one" is too often no figure

UNITS = (
    r"(?:[gml]|[kmc][gml]|km|lbs?|oz|ml|liters?|inch(?:es)?|feet|ft|miles?|seconds?|minutes?|hours?|days?|weeks?|"
    r"months?|years?|working|business|more|other|[ap]m|dollars?|percent|points?|people|persons?|pairs?|times?)\b|[%°]"
)
PRODUCT = re.compile(rf"\b([A-Z][a-z]{{2,}}) (\d{{1,4}})(?![\d.,:%-]*\d|\w| ?(?:{UNITS}))")
FAMILY = re.compile(r"\b([A-Za-z]{3,}) (\d{1,4}(?:(?:,? (?:and|or|to) (?:the )?|, (?:the )?|/)\d{1,4})*)\b")
NOT_NAMES = (  # capitalised for another reason: dates, labels, the first word of a sentence or heading
    "january february march april may june july august september october november december jan feb mar apr jun jul aug "
    "sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday day week step size level category "
    "page gate room section article chapter option zone the all about after before and but for from over under within "
    "only every each use at until till since with these those some another up to"
)
NO_NAMES = frozenset(re.findall(r"\w+", NOT_NAMES))
STARTS = re.compile(r"(?:^|[.!?:;\n–—-])[\s\"'“”‘’(\[]*$")  # what stands before the first word of a sentence


def unsupported(reply: str, sources: Iterable[str]) -> tuple[str, ...]:
    """Figures, product names, links and addresses of `reply` that stand in no source, each once."""
    source = "\n".join(sources)
    known_links = {_plain_link(link) for link in LINK.findall(source)}
    links = [link.rstrip("./,;:!?)") for link in LINK.findall(reply) if _plain_link(link) not in known_links]
    known = _numbers(source)
    figures = [f for f in FIGURE.findall(LINK.sub(" ", reply)) if _number(f) not in known]
    spelt = [w for w in SPELT.findall(reply) if str(WORDS.index(w.lower())) not in known]
    # a name whose number is unknown is marked by its number already
    names = [name for name in invented_names(reply, source) if name.split()[1] not in figures]
    return tuple(dict.fromkeys([*figures, *spelt, *names, *links]))


def invented_names(reply: str, source: str) -> Iterator[str]:
    """Names such as "Ridge 4" in `reply` for which `source` has no "Ridge 4".

    The first word of a sentence is capitalised anyway ("Use 50 ml"): there only a word that `source`
    knows with another number ("Ridge 2") counts as a name.
    """
    known = set(_families(source))
    families = {word for word, _ in known if re.search(rf"\b{word.capitalize()} \d", source)}
    for match in PRODUCT.finditer(reply):
        word, number = match[1].lower(), match[2]
        first = STARTS.search(reply[: match.start()]) is not None
        if word not in NO_NAMES and (word, number) not in known and (not first or word in families):
            yield match[0]


def _families(text: str) -> Iterator[tuple[str, str]]:
    """Every word with each of the numbers behind it: "Ridge 2 and 4" gives (ridge, 2), (ridge, 4)."""
    for word, numbers in FAMILY.findall(text):
        yield from ((word.lower(), number) for number in re.findall(r"\d+", numbers))


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

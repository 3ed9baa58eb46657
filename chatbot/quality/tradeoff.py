"""What a threshold gives and what it refuses: the trade-off behind "no article answers this".

Each question has one number, and is given a line where that reaches the threshold:
- "chance", where the brand has lists of questions (asked.jsonl, unanswered.jsonl): the judge's chance that the articles
  answer it (knowledge/answerable.py). The threshold was chosen when the index was built, on the brand's own lists, each
  question judged as if it were not in them. A question for which the search finds no line is given none, whatever the
  threshold.
- "closeness", where it has none: the best cosine of a passage or line, against SURE of knowledge/search.py. Calibrated
  on the articles' question-like headings, each held against the texts without any heading, since it stands in its own
  passage's vector: harder than life. What shares enough words passes at any threshold, as the search has it.
Measured on: those lists (or headings); the suite's questions without a history; and messages that have nothing to do
with the brand: CLINC150's out-of-scope test messages (CC BY 3.0) where the public data is given, else the utterances of
the brand's own situation "off-topic". Only the search is looked at: a chat's situations have their say besides.
Run: python -m chatbot.quality.tradeoff [FOLDER] prints JSON; by default ../shared/data beside the repository."""

import hashlib
import json
import re
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.errors import SuiteError
from chatbot.head import Encoder
from chatbot.lookup import Searcher
from chatbot.quality.retrieval import DATA
from chatbot.quality.session import suite_of
from chatbot.quality.stats import Rate, rate_of
from chatbot.quality.suite import read_suite
from knowledge.answerable import Judge
from knowledge.article import Article
from knowledge.chunk import passages_of
from knowledge.disk import disk_named, write_whole
from knowledge.filling import Tell
from knowledge.search import SURE, passes

CHANCE, CLOSENESS = "chance", "closeness"
GIVEN, REFUSED = "given", "refused"
NEVER = -1.0  # the number of a question that is given no line at any threshold
ALWAYS = 1.0  # of one that is at every threshold
STEPS = 100  # thresholds of a curve, evenly from 0 to 1
OFF_TOPIC = "off-topic"  # the situation whose utterances have nothing to do with the brand
UNKNOWN = "unknown"  # the situation of a suite's near misses
ASKS = re.compile(r"(?i)(how|what|when|where|who|why|which|can|do|does|is|are|if|will|may|should)\b|.*\?$")
MOST = 300  # headings that are looked at, and texts for each of them
# of each curve: the questions to be given a line, and those to be refused
PAIRS = (
    ("asked", "in_vain"),
    ("headings", "off_topic"),
    ("suite_answerable", "suite_unanswerable"),
    ("suite_answerable", "off_topic"),
)


@dataclass(frozen=True)
class Questions:
    """What is asked besides the lists; `source` says where `off_topic` comes from."""

    answerable: tuple[str, ...]
    unanswerable: tuple[str, ...]
    unknown: tuple[str, ...]  # those of the unanswerable that no article answers although they sound like one
    off_topic: tuple[str, ...]
    source: str

    @property
    def digest(self) -> str:
        """12 hex digits: other questions, other numbers."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Group:
    """Questions of one kind. `values` are their numbers, rising; of a list that is `n` long they may be quantiles."""

    key: str
    said: str  # for people
    wanted: str  # GIVEN or REFUSED
    n: int
    values: tuple[float, ...]

    def share(self, threshold: float) -> float:
        """0..1: how many are treated as `wanted` by `threshold`. Not for an empty group."""
        below = bisect_left(self.values, threshold) / len(self.values)
        return below if self.wanted == REFUSED else 1.0 - below

    def rate(self, threshold: float) -> Rate:
        """The same with its interval."""
        return rate_of(round(self.share(threshold) * self.n), self.n)


@dataclass(frozen=True)
class Tradeoff:
    """All groups of a brand, none of them empty."""

    brand: str
    signal: str  # CHANCE or CLOSENESS
    threshold: float  # in use
    groups: tuple[Group, ...]

    def curves(self) -> list[tuple[Group, Group]]:
        """(to be given, to be refused), for each of PAIRS that is there."""
        known = {group.key: group for group in self.groups}
        return [(known[good], known[bad]) for good, bad in PAIRS if good in known and bad in known]

    def document(self) -> dict[str, Any]:
        """As JSON: rates at the threshold, and each curve as [threshold, share given, share refused]."""
        steps = [step / STEPS for step in range(STEPS + 1)]
        return {
            **asdict(self),
            "at_threshold": {one.key: one.rate(self.threshold).document() for one in self.groups},
            "curves": {
                f"{good.key} / {bad.key}": [[t, round(good.share(t), 4), round(bad.share(t), 4)] for t in steps]
                for good, bad in self.curves()
            },
        }

    @staticmethod
    def of(document: Mapping[str, Any]) -> "Tradeoff":
        """What `document` made, read back. Raises KeyError or TypeError."""
        groups = tuple(Group(**{**one, "values": tuple(one["values"])}) for one in document["groups"])
        return Tradeoff(document["brand"], document["signal"], document["threshold"], groups)


def questions_for(brand: str, off_topic: Sequence[str], folder: Path | None = None) -> Questions:
    """The suite's, if the brand has one, and messages off topic: CLINC150's in `folder`, else `off_topic`."""
    try:
        cases = [case for case in read_suite(suite_of(brand)) if not case.history]
    except SuiteError:
        cases = []  # a brand of the user's own has none
    public = folder / "intents" / "clinc150" / "data_full.json" if folder else None
    source = "the utterances of the situation off-topic"
    if public is not None and public.is_file():
        off_topic = [text for text, _ in json.loads(public.read_text(encoding="utf-8"))["oos_test"]]
        source = "CLINC150's out-of-scope test messages"
    return Questions(
        tuple(case.question for case in cases if case.answerable),
        tuple(case.question for case in cases if not case.answerable),
        tuple(case.question for case in cases if not case.answerable and case.situation == UNKNOWN),
        tuple(off_topic),
        source,
    )


def measure(
    brand: str,
    searcher: Searcher,
    questions: Questions,
    articles: Sequence[Article],
    encoder: Encoder,
    tell: Tell = lambda done, total: None,
) -> Tradeoff:
    """Ask everything. `tell` hears (done, total) questions and may end it by raising."""
    judge = searcher.learnt
    asked = {
        "suite_answerable": ("Tone QA's questions that an article answers", GIVEN, questions.answerable),
        "suite_unanswerable": ("Tone QA's questions that none answers", REFUSED, questions.unanswerable),
        "suite_unknown": ("Of these, the near misses: they sound as if one did", REFUSED, questions.unknown),
        "off_topic": (f"Messages off topic: {questions.source}", REFUSED, questions.off_topic),
    }
    value = _asked_once(lambda text: _value(searcher, text, judge is not None))
    total, done, groups = sum(len(texts) for _, _, texts in asked.values()), 0, []
    for key, (said, wanted, texts) in asked.items():
        values = []
        for text in texts:
            tell(done, total)
            values.append(value(text))
            done += 1
        groups.append(_group(key, said, wanted, values))
    own = _of_lists(judge) if judge is not None else [_of_headings(articles, encoder)]
    tell(total, total)
    least, signal = (judge.least, CHANCE) if judge is not None else (SURE, CLOSENESS)
    return Tradeoff(brand, signal, least, tuple(group for group in (*own, *groups) if group.n))


def kept(place: Path, key: str) -> Tradeoff | None:
    """What `keep` wrote to `place` under the same `key`; None if it is not there, or damaged."""
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
        return Tradeoff.of(found) if found["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(place: Path, key: str, found: Tradeoff) -> None:
    """Write it whole. Raises KnowledgeError where the disk will not have it."""
    with disk_named(place.parent):
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, json.dumps({**found.document(), "key": key}))


def _asked_once(value: Callable[[str], float]) -> Callable[[str], float]:
    known: dict[str, float] = {}

    def remembered(text: str) -> float:
        if text not in known:
            known[text] = value(text)
        return known[text]

    return remembered


def _value(searcher: Searcher, text: str, by_chance: bool) -> float:
    hits = searcher.look(text)
    found = {passes(hit) for hit in hits}
    if by_chance:
        chance = searcher.judge(text).chance
        return NEVER if chance is None or found <= {""} else chance
    if "words" in found:
        return ALWAYS
    return max((max(hit.cosine, hit.best) for hit in hits), default=NEVER)


def _group(key: str, said: str, wanted: str, values: Sequence[float]) -> Group:
    return Group(key, said, wanted, len(values), tuple(sorted(round(one, 4) for one in values)))


def _of_lists(judge: Judge) -> list[Group]:
    """As the judge remembers them; [] in an index of an older program."""
    lists = (
        ("asked", "The list of answered questions, each judged without itself", GIVEN, judge.answered),
        ("in_vain", "The list of questions asked in vain, each judged without itself", REFUSED, judge.unanswered),
    )
    return [Group(key, said, wanted, some.n, some.quantiles) for key, said, wanted, some in lists if some is not None]


def _of_headings(articles: Sequence[Article], encoder: Encoder) -> Group:
    """Each heading's best cosine among all texts of the articles, their passages and lines, without headings."""
    passages = [passage for article in articles for passage in passages_of(article)]
    headings = _some(list(dict.fromkeys(one.heading for one in passages if ASKS.match(one.heading))))
    texts = _some(list(dict.fromkeys(text for one in passages for text in (" ".join(one.text.split()), *one.lines))))
    values: list[float] = []
    if headings:
        values = [float(best) for best in np.max(encoder.encode(headings) @ encoder.encode(texts).T, axis=1)]
    return _group("headings", "Headings that ask, held against texts without headings", GIVEN, values)


def _some(texts: list[str]) -> list[str]:
    """At most MOST of them, evenly spread."""
    return texts[:: -(-len(texts) // MOST)] if texts else []


def main(folder: Path) -> None:
    """Print the trade-off of the brand in the settings as JSON."""
    from chatbot.bot import open_embedder, open_guide, open_knowledge
    from chatbot.settings import read_settings
    from knowledge.article import read_articles

    settings = read_settings()
    searcher, (brand, guide) = open_knowledge(settings), open_guide(settings)
    off_topic = [text for one in guide.situations if one.key == OFF_TOPIC for text in one.utterances]
    questions = questions_for(brand.key, off_topic, folder)
    found = measure(brand.key, searcher, questions, read_articles(brand.articles), open_embedder(settings))
    print(json.dumps(found.document(), indent=1))


if __name__ == "__main__":
    import sys

    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA)

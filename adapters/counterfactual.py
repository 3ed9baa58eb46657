"""Other figures, the same lesson: passages and replies in which each number has become another one.

An adapter that sees "17 days" in one pass and "23 days" in the next cannot learn the number by heart;
it has to copy it from the passage (counterfactual data augmentation, Kaushik et al. 2020,
arXiv:1909.12434). Order is kept: what was the smaller figure stays the smaller one, so that "over $40"
stays over. Left alone is what would no longer be true: links, phone numbers, times of day, product
names, and every number that a customer says or that a reply spells out."""

import hashlib
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from adapters.examples import Example

NUMBER = re.compile(
    r"(?<![\w.@/#-])"  # no part of a link, a code or a longer number
    r"[$€£]?(?P<digits>\d{1,3}(?:,\d{3})+|\d+)(?P<cents>\.\d+)?"
    r"(?![\w@/]|[.,-]?\d|:\d| ?[ap]\.?m\b)"
)
NAMED = re.compile(
    r"\b(?!(?i:the|about|of|or|and|to|for|in|at|by|only|every|all|under|over|after|within|up|is|are)\b)[A-Z][a-z]+ $"
)
ANY = re.compile(r"\d[\d,]*(?:\.\d+)?")
SPELT = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
SPELT_IN = re.compile(r"\b(" + "|".join(SPELT) + r"|once|twice|half|double|dozen)\b", re.IGNORECASE)
SPELT_AS = {**{word: n for n, word in enumerate(SPELT)}, "once": 1, "twice": 2, "half": 50, "double": 2, "dozen": 12}
LEAST = 3  # 0, 1 and 2 are grammar ("1 day") more often than figures


def varied(examples: Sequence[Example], seed: int) -> list[Example]:
    """`examples` in their order, each with other figures. Those that share their passages stay alike."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for number, one in enumerate(examples):
        groups.setdefault(one.context, []).append(number)
    made = list(examples)
    for context, numbers in groups.items():
        figures = _figures(context, [examples[n] for n in numbers], seed)
        for n in numbers:
            made[n] = _with(examples[n], figures)
    return made


def _figures(context: Sequence[str], examples: Sequence[Example], seed: int) -> dict[str, str]:
    """Each number of the passages that may change -> another one of its kind, in the same order."""
    said = [text for one in examples for role, text in one.turns if role == "user"]
    replies = [text for one in examples for role, text in one.turns if role == "assistant"]
    passages = "\n".join(context)
    kept = {_value(m[0]) for text in said for m in ANY.finditer(text)}
    kept |= {float(SPELT_AS[m.lower()]) for text in [*said, *replies] for m in SPELT_IN.findall(text)}
    kept |= _unmovable([passages, *replies])
    known = {m["digits"] + (m["cents"] or "") for m in _numbers(passages)}
    free = sorted({one for one in known if _value(one) not in kept and _value(one) >= LEAST}, key=_value)
    rng = random.Random(hashlib.sha256(f"{seed} {passages}".encode()).digest())
    return _moved(free, sorted({_value(one) for one in known} | kept), rng)


def _moved(free: Sequence[str], all_values: Sequence[float], rng: random.Random) -> dict[str, str]:
    """New numbers between their fixed neighbours, rising as the old ones do; none that is known already."""
    found: dict[str, str] = {}
    fixed = [value for value in all_values if value not in {_value(one) for one in free}]
    below = 0.0
    for one in free:
        value = _value(one)
        floor = max([below, *(f for f in fixed if f < value)])
        roof = min([f for f in fixed if f > value], default=value * 2 + 3)
        if value <= 100:
            roof = min(roof, 101.0)  # it may be a percentage
        fresh = _between(one, max(floor, value * 0.55), min(roof, value * 1.6 + 2), rng)
        if fresh is None or _value(fresh) in all_values:
            fresh = one if value > floor else None
        if fresh is None:
            return {}  # no room to keep the order: leave this context as it is
        found[one] = fresh
        below = _value(fresh)
    return found


def _between(like: str, low: float, high: float, rng: random.Random) -> str | None:
    """A number written as `like` is, strictly between `low` and `high`."""
    _, dot, cents = like.partition(".")
    steps = 10 ** len(cents) if dot else 1
    least, most = int(low * steps) + 1, int(high * steps - 1e-9)
    if steps == 1 and _value(like) >= 1000:
        least, most, round_to = least // 100 + 1, most // 100, 100  # 5,000 mm does not become 4,873 mm
    else:
        round_to = 1
    if most < least:
        return None
    number = rng.randint(least, most) * round_to
    whole = f"{number // steps:,}" if "," in like else str(number // steps)
    return whole + (f".{number % steps:0{len(cents)}d}" if dot else "")


def _unmovable(texts: Sequence[str]) -> set[float]:
    """Values that stand somewhere where a change would break something: times, codes, names, phones."""
    found: set[float] = set()
    for text in texts:
        movable = {m.start("digits") for m in _numbers(text)}
        found |= {_value(m[0]) for m in ANY.finditer(text) if m.start() not in movable}
    return found


def _numbers(text: str) -> list[re.Match[str]]:
    """The numbers of `text` that are figures: no name ("Ridge 2"), no end of a range of times ("8 to 6 pm")."""
    return [m for m in NUMBER.finditer(text) if not NAMED.search(text[: m.start()]) and not _opens_a_time(text, m)]


def _opens_a_time(text: str, match: re.Match[str]) -> bool:
    return re.match(r" ?(?:-|–|to|and) ?\d+(?::\d+)? ?[ap]\.?m\b", text[match.end() :]) is not None


def _with(example: Example, figures: Mapping[str, str]) -> Example:
    turns = tuple((role, _put(text, figures)) for role, text in example.turns)
    return replace(example, context=tuple(_put(one, figures) for one in example.context), turns=turns)


def _put(text: str, figures: Mapping[str, str]) -> str:
    for match in reversed(_numbers(text)):
        number = match["digits"] + (match["cents"] or "")
        fresh = figures.get(number) or _same_value(number, figures)
        if fresh is not None:
            text = text[: match.start("digits")] + fresh + text[match.end() :]
    return text


def _same_value(number: str, figures: Mapping[str, str]) -> str | None:
    """ "4.50" is "4.5" too."""
    return next((fresh for old, fresh in figures.items() if _value(old) == _value(number)), None)


def _value(number: str) -> float:
    return float(number.strip("$€£").replace(",", "").rstrip("."))

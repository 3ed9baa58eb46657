"""The learnt voice score: how much a reply sounds like the brand, 0..1.

A logistic regression tells on-brand from off-brand replies of the same content, from what a reply
says (its sentence embedding) and how (a few plain counts). The sign-off is cut from every reply
first: a rule looks after it, and here it would decide everything. Measured on pairs that training
never saw, both members of a pair always on the same side. Knows nothing about situations or truth."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chatbot.errors import SuiteError
from chatbot.head import EMBEDDED, STRENGTH, Encoder
from chatbot.quality.rules import sentences, without_signoff

Numbers = NDArray[np.float64]
Labels = NDArray[np.bool_]
Places = NDArray[np.intp]
PAIRS = Path(__file__).resolve().parent / "voice_pairs"  # <brand>.jsonl
FOLDS = 5
STYLES = 9  # numbers that `style` gives
PEOPLE = {"we", "us", "our", "you", "your", "i", "me"}
SHORT = re.compile(r"\w'(?:s|re|ve|ll|d|m|t)\b")
FULL = re.compile(
    r"\b(?:it|that|there|we|you|they|i) (?:is|are|am|have|will|would)\b|"
    r"\b(?:do|does|did|is|are|was|has|have|would|could|will|can) ?not\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Pair:
    """The same content twice. `off_kind` says how the second left the brand's voice."""

    situation: str
    on: str
    off: str
    off_kind: str


@dataclass(frozen=True)
class Table:
    """What a logistic regression learns from."""

    rows: Numbers  # (n, d)
    labels: Labels  # (n,)
    groups: Places  # (n,) rows of one group stay together when folds are made
    plain: int  # how many of the last columns are counts, to be brought to one spread

    def part(self, places: Places) -> "Table":
        """The rows at `places`."""
        return Table(self.rows[places], self.labels[places], self.groups[places], self.plain)


@dataclass(frozen=True)
class Logistic:
    """A fitted logistic regression: numbers alone, no library needed to use it."""

    weights: Numbers  # (d,)
    bias: float
    middle: Numbers  # (d,) subtracted from each row,
    spread: Numbers  # (d,) then divided by this

    def chances(self, rows: Numbers) -> Numbers:
        """(n,) how likely each row of (n, d) is a 1."""
        return 1 / (1 + np.exp(-np.clip((rows - self.middle) / self.spread @ self.weights + self.bias, -50, 50)))


@dataclass(frozen=True)
class Measured:
    """What the score is worth on pairs it was not trained on."""

    pairs: int
    auc: float  # 0.5 is a coin, 1 is never wrong
    accuracy: float  # at the threshold chosen on the training folds
    passed_on: float  # share of on-brand replies above it
    passed_off: float  # share of off-brand replies above it
    auc_by_kind: dict[str, float]  # off_kind: AUC of its pairs


@dataclass(frozen=True)
class VoiceScore:
    """`score` replies; at or above `threshold` they sound like the brand."""

    encoder: Encoder
    model: Logistic
    threshold: float
    measured: Measured
    styled: bool = True

    def score(self, replies: Sequence[str]) -> list[float]:
        """0..1 for each reply."""
        if not replies:
            return []
        return [float(one) for one in self.model.chances(rows_of(replies, self.encoder, self.styled))]


def read_pairs(path: Path) -> list[Pair]:
    """Every line of `path`. Raises SuiteError naming the file and the line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise SuiteError(f"There are no voice pairs {path}.") from error
    except UnicodeDecodeError as error:
        raise SuiteError(f"{path} is not UTF-8 text. Save it as UTF-8.") from error
    pairs = [_pair(line, f"{path.name}, line {n}") for n, line in enumerate(lines, 1) if line.strip()]
    if len(pairs) < 2 * FOLDS:
        raise SuiteError(f"{path.name} holds {len(pairs)} pairs; {2 * FOLDS} are the least. Write more.")
    return pairs


def learn_voice(pairs: Sequence[Pair], encoder: Encoder, styled: bool = True) -> VoiceScore:
    """Train on all pairs; threshold and `measured` come from folds. Seconds for hundreds of pairs."""
    replies = [reply for pair in pairs for reply in (pair.on, pair.off)]
    table = Table(
        rows=rows_of(replies, encoder, styled),
        labels=np.tile([True, False], len(pairs)),
        groups=np.repeat(np.arange(len(pairs)), 2),
        plain=STYLES if styled else 0,
    )
    chances = held_out(table)
    measured = _measured(table, chances, [pair.off_kind for pair in pairs for _ in range(2)])
    return VoiceScore(encoder, fit(table), best_cut(table.labels, chances), measured, styled)


def rows_of(replies: Sequence[str], encoder: Encoder, styled: bool = True) -> Numbers:
    """(n, d): each reply's embedding and, with `styled`, its plain counts; sign-offs left out."""
    bodies = [without_signoff(reply) or "-" for reply in replies]
    embedded = embedded_rows(bodies, encoder)
    return np.hstack([embedded, np.array([style(body) for body in bodies])]) if styled else embedded


def embedded_rows(texts: Sequence[str], encoder: Encoder) -> Numbers:
    """(n, d) embeddings, enlarged to weigh beside plain counts of unit spread."""
    return EMBEDDED * encoder.encode(texts).astype(np.float64)


def style(body: str) -> list[float]:
    """How a text is written: contractions, full forms, exclamation marks, lengths, who is spoken of."""
    text = body.replace("\u2019", "'")
    words = re.findall(r"[A-Za-z']+", text) or [""]
    lengths = [len(one.split()) for one in sentences(text)] or [0]
    people = sum(word.lower() in PEOPLE for word in words)
    return [
        len(SHORT.findall(text)) / len(words),
        len(FULL.findall(text)) / len(words),
        text.count("!") / len(lengths),
        float(np.mean(lengths)),
        float(np.max(lengths)),
        float(np.mean([len(word) for word in words])),
        sum(len(word) > 8 for word in words) / len(words),
        people / len(words),
        float(len(words)),
    ]


def fit(table: Table, strength: float = STRENGTH) -> Logistic:
    """A logistic regression on `table`, whose labels need both values."""
    from sklearn.linear_model import LogisticRegression

    middle, spread = table.rows.mean(0), np.ones(table.rows.shape[1])
    if table.plain:  # an embedding keeps its own scale
        found = table.rows[:, -table.plain :].std(0)
        spread[-table.plain :] = np.where(found > 0, found, 1.0)
    fitted = LogisticRegression(C=strength, max_iter=2000).fit((table.rows - middle) / spread, table.labels)
    return Logistic(fitted.coef_[0], float(fitted.intercept_[0]), middle, spread)


def held_out(table: Table) -> Numbers:
    """(n,) each row's chance from a model that saw neither it nor its group."""
    chances = np.zeros(len(table.rows))
    for train, test in _folds(table):
        chances[test] = fit(table.part(train)).chances(table.rows[test])
    return chances


def auc(labels: Labels, chances: Numbers) -> float:
    """Area under the ROC curve: how often a 1 is above a 0."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, chances))


def best_cut(labels: Labels, chances: Numbers) -> float:
    """The chance that parts 1 from 0 best: true positives less false positives (Youden's J) at its highest."""
    from sklearn.metrics import roc_curve

    wrong, right, cuts = roc_curve(labels, chances)
    best = int(np.argmax((right - wrong)[1:])) + 1  # the first cut is infinite
    below = chances[chances < cuts[best]]
    return float((cuts[best] + (below.max() if len(below) else 0.0)) / 2)


def _measured(table: Table, chances: Numbers, kinds: Sequence[str]) -> Measured:
    passed = np.zeros(len(chances), bool)
    for train, test in _folds(table):  # the cut, too, comes from the training folds alone
        known = table.part(train)
        passed[test] = chances[test] >= best_cut(known.labels, held_out(known))
    of_kind = {kind: np.array([one == kind for one in kinds]) for kind in sorted(set(kinds))}
    return Measured(
        pairs=len(kinds) // 2,
        auc=auc(table.labels, chances),
        accuracy=float((passed == table.labels).mean()),
        passed_on=float(passed[table.labels].mean()),
        passed_off=float(passed[~table.labels].mean()),
        auc_by_kind={kind: auc(table.labels[rows], chances[rows]) for kind, rows in of_kind.items()},
    )


def _folds(table: Table) -> Iterator[tuple[Places, Places]]:
    from sklearn.model_selection import GroupKFold

    yield from GroupKFold(FOLDS, shuffle=True, random_state=0).split(table.rows, groups=table.groups)


def _pair(line: str, place: str) -> Pair:
    try:
        data = json.loads(line)
    except ValueError as error:
        raise SuiteError(f"{place} is not valid JSON: {error}.") from error
    keys = ("situation", "on", "off", "off_kind")
    if not isinstance(data, dict) or sorted(data) != sorted(keys):
        raise SuiteError(f"{place} must hold {', '.join(keys)} and nothing else.")
    for key in keys:
        if not isinstance(data[key], str) or not data[key].strip():
            raise SuiteError(f"{place}: {key!r} must be text and not empty.")
    return Pair(**data)

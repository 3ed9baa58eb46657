"""Are the tone checks any good on data that nobody here wrote? Prints what tests/…/test_validation.py asserts.

Two public sets, kept outside the product: people's refusal labels (XSTest, CC BY 4.0) for the
abstention detector, the Stanford politeness corpus (CC BY 4.0) for a politeness score. Under 75%
the latter is shown nowhere. Run: python -m chatbot.quality.validate FOLDER"""

import csv
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chatbot.head import Encoder
from chatbot.quality.abstain import Refusals, abstains, only_refuses, rows_of, taught
from chatbot.quality.score import PAIRS, Labels, Numbers, Table, embedded_rows, fit, learn_voice, read_pairs

# share of XSTest's completions on which the set's own string match agrees with people on "full refusal or not"
STRING_MATCH = {"gpt4": 0.933, "llama2new": 0.884, "llama2orig": 0.833, "mistralguard": 0.802, "mistralinstruct": 0.902}
DOMAINS = ("stack-exchange", "wikipedia")
ENOUGH_POLITENESS = 0.75  # below it no politeness number is shown anywhere
TEXTS = 1200  # requests of a domain that are embedded, half of them polite


@dataclass(frozen=True)
class Agreement:
    """One model's completions, judged by a detector that was taught with the other models' alone."""

    model: str
    n: int
    string_match: float
    patterns: float  # `abstains` without a model
    taught: float  # `Refusals`


@dataclass(frozen=True)
class Transfer:
    """Polite or not, trained on one domain and tested on the other."""

    train: str
    test: str
    n: int
    accuracy: float


def refusal_agreement(folder: Path, encoder: Encoder) -> list[Agreement]:
    """Leave one model out, for each of XSTest's five. `folder` is .../xstest."""
    replies, labels = {}, {}
    for model in STRING_MATCH:
        lines = _read(folder / "human_labelled" / f"xstest_v2_completions_{model}.csv")
        replies[model] = [line["completion"] for line in lines]
        labels[model] = np.array([line["final_label"].startswith("2") for line in lines])
    rows = {model: rows_of(replies[model], encoder) for model in replies}
    return [_agreement(model, replies, labels, rows, encoder) for model in replies]


def politeness_transfer(folder: Path, encoder: Encoder, seed: int = 0) -> list[Transfer]:
    """Top against bottom quartile of "Normalized Score", both directions. `folder` is .../politeness."""
    tables = {name: _quartiles(folder / f"{name}.csv", encoder, seed) for name in DOMAINS}
    return [_transfer(one, other, tables) for one, other in (DOMAINS, DOMAINS[::-1])]


def _agreement(
    model: str,
    replies: Mapping[str, Sequence[str]],
    labels: Mapping[str, Labels],
    rows: Mapping[str, Numbers],
    encoder: Encoder,
) -> Agreement:
    others = [name for name in replies if name != model]
    learnt = taught(
        np.vstack([rows[name] for name in others]),
        [reply for name in others for reply in replies[name]],
        np.hstack([labels[name] for name in others]).tolist(),
    )
    said = Refusals(encoder, learnt).settled(replies[model], rows[model])
    plain = [abstains(reply).passed is True or only_refuses(reply) for reply in replies[model]]
    return Agreement(
        model,
        len(said),
        STRING_MATCH[model],
        float((np.array(plain) == labels[model]).mean()),
        float((np.array(said) == labels[model]).mean()),
    )


def _quartiles(path: Path, encoder: Encoder, seed: int) -> Table:
    lines = sorted(_read(path), key=lambda line: float(line["Normalized Score"]))
    quarter = len(lines) // 4
    rng = random.Random(seed)
    rude, polite = (rng.sample(part, min(TEXTS // 2, quarter)) for part in (lines[:quarter], lines[-quarter:]))
    texts = [line["Request"] for line in (*rude, *polite)]
    labels = np.array([False] * len(rude) + [True] * len(polite))
    return Table(embedded_rows(texts, encoder), labels, np.arange(len(texts)), plain=0)


def _transfer(train: str, test: str, tables: Mapping[str, Table]) -> Transfer:
    found = fit(tables[train]).chances(tables[test].rows) >= 0.5
    return Transfer(train, test, len(found), float((found == tables[test].labels).mean()))


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main(folder: Path) -> None:
    """Print the tables for the public data in `folder`, and the shipped brand's voice score."""
    from knowledge.embed import MiniLM

    encoder = MiniLM()
    pairs = read_pairs(PAIRS / "northwind.jsonl")
    for styled, name in ((False, "embedding alone"), (True, "embedding and style")):
        found = learn_voice(pairs, encoder, styled).measured
        print(f"voice score, {name}: AUC {found.auc:.3f} on {found.pairs} held-out pairs; at its threshold", end=" ")
        print(f"{found.passed_on:.3f} of on-brand and {found.passed_off:.3f} of off-brand replies pass")
        print("  by kind:", ", ".join(f"{kind} {area:.3f}" for kind, area in found.auc_by_kind.items()))
    print("refusals: agreement with people     string match  patterns  taught on the other models")
    for one in refusal_agreement(folder / "xstest", encoder):
        print(f"  {one.model:20} n={one.n:4}        {one.string_match:.3f}     {one.patterns:.3f}     {one.taught:.3f}")
    print("politeness: accuracy on the other domain")
    for way in politeness_transfer(folder / "politeness", encoder):
        print(f"  {way.train} -> {way.test}: {way.accuracy:.3f} (n={way.n})")


if __name__ == "__main__":
    import sys

    main(Path(sys.argv[1]))

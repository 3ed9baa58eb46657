"""Is situation detection any good on data that nobody here wrote? Prints a table; the first row is asserted by a test.

Three public sets, kept outside the product. Banking77 (CC BY 4.0) proves the embedding set-up against MTEB's published
figure; CLINC150 (CC BY 3.0) shows the head beside published classifiers, and what a threshold on its chance tells of
messages that belong to no intent; NotInject (MIT) holds harmless messages full of words that attacks use, and Banking77
calm ones: how many of them raise a false alarm with the shipped brand. Run: python -m chatbot.quality.intents FOLDER"""

import csv
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chatbot.head import Encoder, Said, learn
from chatbot.situation import Detector

PER_LABEL, DRAWS = 8, 10  # as MTEB's Banking77Classification: samples_per_label, n_experiments
PUBLISHED_BANKING = 0.8004  # MTEB, all-MiniLM-L6-v2 (.789-.813)
# Larson et al. 2019, table 2: in-scope accuracy, out-of-scope recall, with a threshold on the chance
PUBLISHED_CLINC = {"BERT": (0.962, 0.523), "MLP on USE": (0.935, 0.474)}
ALARMS = ("crisis", "injection", "legal", "safety")  # situations where a false alarm keeps an answer from the customer


@dataclass(frozen=True)
class Clinc:
    """CLINC150's test set, shares 0..1."""

    accuracy: float  # of the in-scope messages, without a threshold
    kept: float  # in-scope messages that stay above the threshold and are right
    recall: float  # out-of-scope messages below it
    auroc: float  # of the chance, in-scope against out-of-scope


def banking77(folder: Path, encoder: Encoder, seed: int = 42) -> list[float]:
    """Accuracy on the test set for each of DRAWS draws of PER_LABEL messages a label. `folder` is .../banking77."""
    from sklearn.linear_model import LogisticRegression

    train, test = labelled(folder / "train.csv"), labelled(folder / "test.csv")
    told = encoder.encode([text for _, text in test])
    meant = np.array([label for label, _ in test])
    found = []
    for draw in range(DRAWS):
        few = _few(train, random.Random(seed + draw))
        model = LogisticRegression(max_iter=100).fit(encoder.encode([text for _, text in few]), [one for one, _ in few])
        found.append(float((model.predict(told) == meant).mean()))
    return found


def clinc150(folder: Path, encoder: Encoder) -> Clinc:
    """The head, taught with the in-scope training messages; the threshold from the validation set alone, where the
    most messages are told rightly (as Larson et al.). `folder` is .../clinc150."""
    data = json.loads((folder / "data_full.json").read_text(encoding="utf-8"))
    head = learn([(label, text) for text, label in data["train"]], encoder)
    known = {part: _chances(head, data[part], encoder) for part in ("val", "oos_val", "test", "oos_test")}
    threshold = _threshold(known["val"], known["oos_val"])
    (right, sure), (_, doubt) = known["test"], known["oos_test"]
    return Clinc(
        accuracy=float(right.mean()),
        kept=float((right & (sure >= threshold)).mean()),
        recall=float((doubt < threshold).mean()),
        auroc=_auroc(sure, doubt),
    )


def false_alarms(folder: Path, detector: Detector) -> Mapping[str, Mapping[str, int]]:
    """set -> {"messages": n, situation of ALARMS: how many of the harmless messages are found to be one}. `folder`
    holds `injection` and `intents`."""
    harmless = {
        "NotInject": [
            one["prompt"]
            for name in ("NotInject_one", "NotInject_two")
            for one in json.loads((folder / "injection" / "notinject" / f"{name}.json").read_text(encoding="utf-8"))
        ],
        "Banking77": [text for _, text in labelled(folder / "intents" / "banking77" / "test.csv")],
    }
    return {name: _alarms(texts, detector) for name, texts in harmless.items()}


def _alarms(texts: Sequence[str], detector: Detector) -> dict[str, int]:
    found = [detector.detect(text).situation.key for text in texts]
    return {"messages": len(texts), **{alarm: found.count(alarm) for alarm in ALARMS}}


def _few(said: Said, draw: random.Random) -> list[tuple[str, str]]:
    by_label: dict[str, list[str]] = {}
    for label, text in said:
        by_label.setdefault(label, []).append(text)
    return [(label, text) for label, texts in by_label.items() for text in draw.sample(texts, PER_LABEL)]


def _chances(head: Any, part: Sequence[Sequence[str]], encoder: Encoder) -> tuple[Any, Any]:
    """For each message: is the likeliest intent right (n,), and how likely is it (n,)."""
    texts = [text for text, _ in part]
    shares = head.shares(encoder.encode(texts), texts)  # (n, intents)
    right = np.array(head.keys)[shares.argmax(1)] == np.array([label for _, label in part])
    return right, shares.max(1)


def _threshold(inside: tuple[Any, Any], outside: tuple[Any, Any]) -> float:
    (right, sure), (_, doubt) = inside, outside
    steps = np.unique(np.concatenate([sure, doubt]))
    told = [(right & (sure >= step)).sum() + (doubt < step).sum() for step in steps]
    return float(steps[int(np.argmax(told))])


def _auroc(sure: Any, doubt: Any) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score([1] * len(sure) + [0] * len(doubt), np.concatenate([sure, doubt])))


def labelled(path: Path) -> list[tuple[str, str]]:
    """(intent, message) of every row of one of Banking77's files."""
    with path.open(encoding="utf-8", newline="") as file:
        return [(line["category"], line["text"]) for line in csv.DictReader(file)]


def main(folder: Path) -> None:
    """Print all of it for the public data in `folder`."""
    from chatbot.bot import open_detector, open_embedder
    from chatbot.settings import read_settings
    from knowledge.embed import MiniLM

    encoder = MiniLM()  # what the published figures are of
    draws = banking77(folder / "intents" / "banking77", encoder)
    print(f"Banking77, {PER_LABEL} a label, {DRAWS} draws: accuracy {np.mean(draws):.4f}", end=" ")
    print(f"({min(draws):.3f}-{max(draws):.3f}); published {PUBLISHED_BANKING}")
    found = clinc150(folder / "intents" / "clinc150", encoder)
    print(f"CLINC150: in scope {found.accuracy:.3f}; with a threshold {found.kept:.3f}", end=" ")
    print(f"and out-of-scope recall {found.recall:.3f}; AUROC {found.auroc:.3f}")
    for name, (kept, recall) in PUBLISHED_CLINC.items():
        print(f"  published, {name}, with a threshold: {kept:.3f} and {recall:.3f}")
    settings = read_settings()
    for name, counts in false_alarms(folder, open_detector(settings, open_embedder(settings))).items():
        print(f"False alarms on {name}:", ", ".join(f"{key} {count}" for key, count in counts.items()))


if __name__ == "__main__":
    import sys

    main(Path(sys.argv[1]))

"""The real base model with the shipped adapter: it loads, passes the gate, and the two levers do something."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from adapters.attach import WEIGHTS, attach
from adapters.base import DEFAULT, chat_ids, load_base
from adapters.card import read_card
from adapters.examples import digest_of, read_examples
from adapters.pairs import Pair
from adapters.prefer import Source, Taste, prefer
from chatbot.brand import find_brand
from chatbot.engine.alike import left_padded
from chatbot.engine.local import BARE
from chatbot.guide import read_guide
from chatbot.lessons import lesson
from chatbot.taught import detector_for
from knowledge.embed import MPNet

pytestmark = pytest.mark.model
ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "adapters" / "northwind"
BOOTS = "How long do I have to return boots?"


@pytest.fixture(scope="module")
def toned(real_home: Path):
    base = load_base(DEFAULT, real_home, dtype="float32")
    model, card = attach(base, SHIPPED, "northwind")
    return base, model, card


def test_the_shipped_adapter_passes_the_gate_and_changes_the_logits(toned) -> None:
    base, model, _ = toned
    ids = torch.tensor(
        [chat_ids(base.tokenizer, [{"role": "system", "content": "s"}, {"role": "user", "content": BOOTS}])]
    )
    with torch.inference_mode():
        tuned = model(input_ids=ids).logits[0, -1]
        with model.disable_adapter():
            bare = model(input_ids=ids).logits[0, -1]
    assert (tuned.softmax(-1) - bare.softmax(-1)).abs().sum() > 0.1


def test_the_shipped_adapter_is_small_safe_and_trained_on_the_shipped_examples() -> None:
    card = read_card(SHIPPED)
    assert (SHIPPED / WEIGHTS).stat().st_size <= 20_000_000
    assert {p.suffix for p in SHIPPED.iterdir()} <= {".safetensors", ".json", ".jsonl", ".toml", ".md"}
    assert card.data == digest_of(SHIPPED / "examples.jsonl"), "examples changed: triptych train northwind"
    assert json.loads((SHIPPED / "adapter_config.json").read_text())["base_model_name_or_path"] == DEFAULT
    assert card.eval_loss < card.eval_loss_before / 1.5
    assert f"{card.seconds / 60:.1f} minutes" in (SHIPPED / "README.md").read_text(encoding="utf-8")


def test_batched_rows_equal_single_rows_on_logits(toned) -> None:
    base, model, _ = toned
    questions = (BOOTS, "hi", "My parcel has not moved for six days and I leave on Friday. What now?")
    system = {"role": "system", "content": "You are a shop."}
    chats = [chat_ids(base.tokenizer, [system, {"role": "user", "content": q}]) for q in questions]
    names = [BARE, "northwind", "northwind"]

    def logits(prompts, adapters):
        ids, mask = left_padded(prompts, base.tokenizer.pad_token_id)
        with torch.inference_mode():
            out = model.generate(
                input_ids=ids, attention_mask=mask, adapter_names=adapters, max_new_tokens=1, do_sample=False,
                output_logits=True, return_dict_in_generate=True,
            )  # fmt: skip
        return out.logits[0]  # (B, V)

    together = logits(chats, names)
    for number, (chat, name) in enumerate(zip(chats, names, strict=True)):
        torch.testing.assert_close(together[number], logits([chat], [name])[0], atol=2e-3, rtol=1e-3)


def triptych(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from ui.cli import main; main()", *arguments],
        capture_output=True, text=True, cwd=ROOT, check=False, timeout=250,
    )  # fmt: skip


def test_ask_answers_in_three_columns_with_the_right_figure_and_repeats_itself(real_home: Path) -> None:
    ask = ("ask", BOOTS, "--brand", "northwind", "--mode", "all", "--json", "--seed", "3", "--temperature", "0.3")
    done = triptych(*ask)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "a --json run says nothing beside its document"
    document = json.loads(done.stdout)
    replies = {one["mode"]: one for one in document["replies"]}
    assert list(replies) == ["base-prompted", "fine-tuned", "combined"]
    assert document["passages"][0]["id"] == "returns#how-long-you-have-for-boots-and-shoes"
    assert all(one["text"] and one["finish"] in ("stop", "length") for one in replies.values())
    again = json.loads(triptych(*ask).stdout)
    assert [one["text"] for one in again["replies"]] == [one["text"] for one in document["replies"]]


def test_the_right_figure_is_in_the_combined_reply_and_the_voice_is_audible(real_home: Path) -> None:
    replies = json.loads(triptych("ask", BOOTS, "--json").stdout)["replies"]
    texts = {one["mode"]: one["text"] for one in replies}
    assert "45 days" in texts["combined"]
    for mode in ("fine-tuned", "combined"):
        assert texts[mode].endswith("– The Northwind crew"), texts[mode]
        assert "!" not in texts[mode]
    assert texts["base-prompted"] != texts["combined"]


def test_doctor_finds_everything_in_order(real_home: Path) -> None:
    done = triptych("doctor", "--json")
    document = json.loads(done.stdout)
    assert document["ok"], [one for one in document["findings"] if not one["ok"]]
    assert done.returncode == 0


def test_a_repeated_setup_needs_no_network(real_home: Path, monkeypatch) -> None:
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    done = triptych("setup")
    assert done.returncode == 0, done.stderr
    assert "Downloading" not in done.stdout + done.stderr


def test_messages_that_nothing_was_learnt_from_are_put_where_their_writer_meant_them(real_home: Path) -> None:
    """340 messages, 17 to 26 of each situation but "unknown", written beside the example utterances and kept from them.
    Macro-F1 of the whole detector: see adapters/LOG.md."""
    from sklearn.metrics import f1_score

    lines = (ROOT / "tests" / "chatbot" / "utterances.jsonl").read_text("utf-8").splitlines()
    meant = [json.loads(line) for line in lines]
    brand, encoder = find_brand("northwind", real_home), MPNet(real_home / "models")
    guide = read_guide(brand.prompts)
    shown = {utterance for one in guide.situations for utterance in one.utterances}
    assert not shown & {one["text"] for one in meant}
    keys = [one["situation"] for one in meant]
    assert min(keys.count(one.key) for one in guide.situations if one.key != "unknown") >= 15
    detector = detector_for(brand, guide, Ahead(encoder, [one["text"] for one in meant]), real_home)
    verdicts = [detector.detect(one["text"]) for one in meant]
    found = [one.situation.key for one in verdicts]
    assert f1_score(keys, found, labels=sorted(set(keys)), average="macro") >= 0.85
    sure = np.array([one.confidence for one in verdicts if one.origin == "detected"])
    right = np.array([v.situation.key == key for v, key in zip(verdicts, keys, strict=True) if v.origin == "detected"])
    assert calibration_error(sure, right) <= 0.1, "of a hundred at .8 about eighty are right"


class Ahead:
    """Embeds all messages at once, which is quicker, and gives them one by one."""

    def __init__(self, encoder: MPNet, texts: list[str]):
        self.fingerprint, self.encoder = encoder.fingerprint, encoder
        self.known = dict(zip(texts, encoder.encode(texts), strict=True))

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        if len(texts) == 1 and texts[0] in self.known:
            return self.known[texts[0]][None]
        return self.encoder.encode(texts)


def calibration_error(sure: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error over ten boxes (Naeini et al. 2015)."""
    boxes = np.minimum((sure * 10).astype(int), 9)
    parts = [(boxes == n) for n in range(10) if (boxes == n).any()]
    return float(sum(part.mean() * abs(sure[part].mean() - right[part].mean()) for part in parts))


def test_preferences_move_the_shipped_adapter_towards_the_better_replies_and_leave_its_files_alone(
    real_home: Path, tmp_path: Path
) -> None:
    """Eight pairs, one pass, four steps: what training is told, it does, on a question it never saw too."""
    guide = read_guide(find_brand("northwind", real_home).prompts)
    situations = {one.key: one for one in guide.situations}
    lines = (ROOT / "chatbot" / "quality" / "voice_pairs" / "northwind.jsonl").read_text("utf-8").splitlines()
    off = {one["on"]: one["off"] for one in map(json.loads, lines)}
    known = [one for one in read_examples(SHIPPED / "examples.jsonl") if one.turns[-1][1] in off]
    shortest = sorted(known, key=lambda one: len(repr(one)) + len(off[one.turns[-1][1]]))[:8]
    lessons = [lesson(one, guide.voice, situations, prompted=False) for one in shortest]
    pairs = [Pair(one.chat, one.reply, off[one.reply], one.place) for one in lessons]
    assert len({pair.chat for pair in pairs}) == 8
    before = {path.name: path.read_bytes() for path in SHIPPED.iterdir()}
    base, losses = load_base(DEFAULT, real_home, dtype="float32", attention="sdpa"), []
    source, taste = Source("northwind", "f" * 64, SHIPPED), Taste(epochs=1, pairs=2)
    card = prefer(base, pairs[:7], pairs[7:], source, tmp_path / "1", taste, lambda step: losses.append(step.loss))
    assert losses[1] == pytest.approx(np.log(2), abs=1e-3), "the reference is the adapter it began as"
    assert losses[-1] < 0.65
    assert card.preferences is not None
    assert card.preferences.parent == read_card(SHIPPED).weights
    assert card.preferences.margin > 0.05
    attach(load_base(DEFAULT, real_home, dtype="float32"), tmp_path / "1", "northwind")
    assert {path.name: path.read_bytes() for path in SHIPPED.iterdir()} == before

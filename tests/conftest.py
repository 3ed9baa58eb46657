"""Fakes you can read in ten seconds, and a tiny random Llama."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from adapters.base import Base, load_base
from adapters.card import Card, Preferences, read_card, write_card
from adapters.fetch import sha256_of
from chatbot.engine.protocol import Decoding, End, Row
from knowledge.answerable import Judgement
from knowledge.chunk import Passage
from knowledge.search import Hit

settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])  # busy machines
settings.load_profile("shared")
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


class FakeEncoder:
    """A text is the bag of its words, hashed into 256 boxes."""

    fingerprint = "fake"

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        vectors = np.zeros((len(texts), 256), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().replace("?", " ").replace(".", " ").split():
                vectors[row, sum(map(ord, word)) % 256] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


class Counting(FakeEncoder):
    """Remembers what it embedded."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.texts += texts
        return super().encode(texts)


class FakeRun:
    """Gives each row's reply word by word."""

    def __init__(self, replies: Sequence[str]):
        self.replies, self.waiting, self.ends = replies, 0, (None,) * len(replies)

    def __iter__(self):
        words = [reply.split(" ") for reply in self.replies]
        for n in range(max(map(len, words))):
            yield tuple(w[n] + " " * (n + 1 < len(w)) if n < len(w) else "" for w in words)
        self.ends = tuple(End("stop", 10, len(w), 0.1, 0.2) for w in words)

    def stop(self) -> None:
        self.ends = tuple(End("cancelled", 10, 0, 0.1, 0.2) for _ in self.replies)


class FakeEngine:
    """A queue you enqueue replies into and a history you inspect."""

    def __init__(self) -> None:
        self.queue: list[str] = []
        self.history: list[tuple[tuple[Row, ...], Decoding]] = []

    def enqueue(self, *replies: str) -> None:
        self.queue.extend(replies)

    def write(self, rows: Sequence[Row], decoding: Decoding) -> FakeRun:
        self.history.append((tuple(rows), decoding))
        return FakeRun([self.queue.pop(0) if self.queue else "Yes." for _ in rows])

    def prompt_text(self, row: Row) -> str:
        return "\n".join(f"{m.role}: {m.content}" for m in row.messages)

    def close(self) -> None:
        pass


class FakeSearcher:
    """Finds what it was told to find, and remembers what it was asked."""

    def __init__(self, hits: Sequence[Hit] = ()):
        self.hits, self.asked, self.judgement = tuple(hits), [], Judgement()
        self.judgements: dict[str, Judgement] = {}
        self.index, self.learnt = "", None

    def search(self, question: str, k: int = 3, only: Sequence[str] = (), behind: str = "") -> tuple[Hit, ...]:
        self.asked.append(behind or question)
        return self.look(question, only)[:k]

    def look(self, question: str, only: Sequence[str] = ()) -> tuple[Hit, ...]:
        return tuple(one for one in self.hits if not only or one.passage.article in only)

    @property
    def articles(self) -> tuple[str, ...]:
        return tuple(sorted({one.passage.article for one in self.hits}))

    def judge(self, question: str) -> Judgement:
        return self.judgements.get(question, self.judgement)


def hit(text: str, article: str = "returns", heading: str = "How long", score: float = 0.7) -> Hit:
    """A found passage."""
    passage = Passage(f"{article}#{heading.lower()}", article, article.title(), heading, text, 0)
    return Hit(passage, text, score, score, score, 1.0, 1, 1, score, 2 * score, 1.0)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def searcher() -> FakeSearcher:
    return FakeSearcher([hit("Boots can be returned within 45 days of delivery.")])


@pytest.fixture
def bot(engine: FakeEngine, searcher: FakeSearcher, tmp_path: Path):
    """The real bot with northwind's real prompts, on fakes."""
    from chatbot.bot import Bot
    from chatbot.brand import find_brand
    from chatbot.guide import read_guide
    from chatbot.settings import Settings
    from chatbot.situation import Detector

    brand = find_brand("northwind", tmp_path)
    guide = read_guide(brand.prompts)
    detector = Detector(guide.situations, FakeEncoder())
    # the fake encoder finds situations at random: a test that wants approved wording asks for it
    settings = Settings(home=tmp_path, approved="off")
    return Bot(brand, guide, detector, searcher, engine, settings, adapter=object())  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of 60,000 weights with a byte tokenizer and SmolLM2's kind of template."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    signs = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = Tokenizer(models.BPE({t: i for i, t in enumerate([*signs, *letters])}, []))
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens.decoder = decoders.ByteLevel()
    tokens.add_special_tokens([AddedToken(sign, special=True) for sign in signs])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokens, eos_token="<|im_end|>", pad_token="<|im_end|>", bos_token="<|im_start|>"
    )
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=48, intermediate_size=96, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=4096,
        tie_word_embeddings=True, eos_token_id=2, bos_token_id=1, pad_token_id=2, initializer_range=0.3,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture
def tiny_base(tiny_folder: Path) -> Base:
    """The tiny model loaded afresh: a test may put adapters on it."""
    return load_base(str(tiny_folder), tiny_folder, dtype="float32")


def make_tone(base: Base, folder: Path, seed: int = 1, size: float = 0.3) -> Path:
    """An adapter of random numbers for `base`, with a card that vouches for it."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    lora = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"], task_type="CAUSAL_LM")
    model = get_peft_model(base.model, lora)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            weight.data = torch.randn_like(weight) * size
    model.save_pretrained(str(folder), save_embedding_layers=False)
    model.unload()
    (folder / "README.md").unlink(missing_ok=True)
    write_card(a_card(base, sha256_of(folder / "adapter_model.safetensors")), folder)
    return folder


@pytest.fixture(scope="session")
def tones(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two adapters for the tiny model."""
    room = tmp_path_factory.mktemp("tones")
    return [
        make_tone(load_base(str(tiny_folder), tiny_folder, dtype="float32"), room / str(seed), seed) for seed in (1, 2)
    ]


@pytest.fixture
def versioned_home(tones: list[Path], tmp_path: Path) -> Path:
    """A home with versions 1 and 2 of northwind's adapter; preferences made the second of the first."""
    room = tmp_path / "adapters" / "northwind" / "versions"
    for number, tone in enumerate(tones, 1):
        shutil.copytree(tone, room / str(number))
    parent, child = (read_card(room / name) for name in "12")
    made = Preferences(parent.weights, "f" * 64, 57, 6, 2, 0.1, 0.8333, 0.2, 1.0, 0.5, 1.5, 1.4)
    write_card(replace(child, preferences=made), room / "2")
    return tmp_path


def a_card(base: Base, weights: str) -> Card:
    """A card with every field filled."""
    return Card(
        brand="tone", base=base.id, weights=weights, data="d" * 64, trained="2026-01-02", examples=12, steps=3,
        seconds=4.5, tokens_per_s=100.0, peak_mb=500, train_loss=1.0, eval_loss=1.2, eval_loss_before=3.4,
        processor="2 x x86_64, float32", recipe={"rank": 4}, versions={"peft": "0"},
    )  # fmt: skip


@pytest.fixture(scope="session")
def real_home() -> Path:
    """The home that `triptych setup` filled; `make test` runs it first."""
    from adapters.base import DEFAULT, base_faults
    from chatbot.settings import read_settings

    home = read_settings().home
    for fault in base_faults(DEFAULT, home):
        pytest.fail(fault)
    return home


SLOWEST = ("test_real", "test_browser", "test_validation", "test_faults")  # files of minutes


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With more than one worker the files of minutes come first, so that none is left for one of them at the end."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: item.path.stem not in SLOWEST)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly, with a count, which end-to-end tests did not run."""
    skipped = [one for one in terminalreporter.stats.get("skipped", []) if "NO CHROMIUM" in str(one.longrepr)]
    if skipped:
        terminalreporter.section("END-TO-END TESTS SKIPPED", red=True, bold=True)
        terminalreporter.line(f"{len(skipped)} tests in a real browser did not run: no Chromium. apt install chromium")

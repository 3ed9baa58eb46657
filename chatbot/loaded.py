"""The model that a session wakes: the base, and the version of the brand's adapter that is in use."""

from dataclasses import dataclass
from typing import Any

from adapters.base import Base
from adapters.card import Card
from adapters.errors import AdapterError
from chatbot.brand import Brand
from chatbot.lineage import chosen
from chatbot.settings import Settings


@dataclass(frozen=True)
class Loaded:
    """`model` is `base.model` bare, or as a PeftModel holding `tones`."""

    base: Base
    model: Any
    tones: tuple[str, ...] = ()
    card: Card | None = None
    version: str = ""
    fault: str = ""  # why there is no tone


def load_model(settings: Settings, brand: Brand) -> Loaded:
    """A damaged or missing adapter is not an error: the base can still write. Raises BaseModelError."""
    # heavy libraries are imported here, so that `triptych --help` and the tests do without them
    from adapters.attach import attach
    from adapters.base import load_base

    base = load_base(settings.base, settings.home, settings.dtype, settings.device)
    try:
        version = chosen(brand.key, settings.home, settings.adapter)
        model, card = attach(base, version.folder, brand.key)
    except AdapterError as error:
        return Loaded(base, base.model, fault=str(error))
    return Loaded(base, model, (brand.key,), card, version.name)

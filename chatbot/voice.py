"""Read a brand's voice.md: who it is and how it writes. A hole in it is found here, before any model runs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chatbot.promptfile import read_prompt_file, sections

NEEDED = ("name", "trade", "contact", "signoff")  # what every brand's front matter must give


@dataclass(frozen=True)
class Voice:
    """Who the brand is and how it writes. `given` are the variables its prompt files may use."""

    name: str
    trade: str
    contact: str
    signoff: str
    who: str
    rules: tuple[str, ...]  # the headings: what the model is told; the lines below them are for people
    given: Mapping[str, str]
    order_number: str = ""  # a regular expression: how an order number is written; "" if the brand does not say


def read_voice(path: Path) -> Voice:
    """voice.md: front matter, `# Who we are`, `# ... rules` with one `## 1. Title` each. Raises PromptError."""
    file = read_prompt_file(path)
    missing = [key for key in NEEDED if not str(file.facts.get(key) or "").strip()]
    if missing:
        raise file.fault(f"lacks {', '.join(missing)} in its front matter.", missing[0] + ":")
    values = {key: str(value) for key, value in file.facts.items()}
    parts = sections(file.filled(values), "# ")
    if len(parts) < 2 or not parts[0][1]:
        raise file.fault("needs two parts: '# Who we are' and '# Ten rules'.")
    rules = tuple(_rule(title) for title, _ in sections(parts[1][1], "## "))
    if not rules:
        raise file.fault("has no rules: write each as '## 1. Its title' and a line below.", f"# {parts[1][0]}")
    order = values.get("order_number", "")
    file.check_pattern("order_number", order)
    needed = {key: values[key] for key in NEEDED}
    return Voice(**needed, who=" ".join(parts[0][1].split()), rules=rules, given=values, order_number=order)


def _rule(title: str) -> str:
    return re.sub(r"^\d+\.\s*", "", title).rstrip(".")

"""A new brand to begin with: a neutral voice, and northwind's situations without what is northwind's own.

What a situation is, how it is told and what must not be said there holds for any shop; gear, trails and the crew do
not. So the files are derived: variables where a particular stood, and no message or rule that only a gear shop has."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from chatbot.brand import HERE
from chatbot.promptfile import read_prompt_file

PATTERN_OF = HERE / "chatbot" / "prompts" / "northwind" / "situations"
OWN = re.compile(
    r"northwind|\bnw-|555-0142|\b(?:crew|gear|trail|tents?|boots?|hik\w*|jackets?|(?:back)?packs?|packing|sleeping|stoves?|"
    r"summit|camp\w*|climb\w*|outdoor\w*|poles?|zip\w*|ropes?|shells?|fleece|headlamps?|carabiner\w*|harness\w*|helmets?|"
    r"crampons?|axes?|ridge|alp\w*|mountain\w*|snow\w*|ski\w*|socks?|gaiters?|pads?|quilts?|waterproof\w*|soles?|laces?|"
    r"kayak\w*|paddl\w*|canoe\w*|lanterns?|pegs?|canisters?|gore\w*|wax\w*|insoles?|thermals?|parkas?|shoes?|runners?|"
    r"rain\w*|coats?|vests?|gloves?|mitts?|hats?|beanies?|pants|trousers|shorts|shirts?|wool|merino|leggings|hammocks?|"
    r"tarps?|compass|filters?|fuel|cook\w*|mugs?|kettles?|rei|patagonia|osprey|salomon|scarpa|garmin|bivy|bears?|cliff|"
    r"crag|ledge|buckles?|straps?|seams?|hipbelts?|dyneema|nylon|bags?|rent\w*|members?|membership)\b",
    re.IGNORECASE,
)
SAID_SO = (  # northwind's words in guidance and approved replies, and what any shop says
    ("– The Northwind crew", "$signoff"),
    (" No trail image.", ""),
    (", no trail image", ""),
    ("The crew's at $contact.", "You can reach one of us at $contact."),
    ("our own gear", "what we sell ourselves"),
    ("If it's gear or an order you need help with", "If it's an order or a product you need help with"),
    (", and what runs behind the counter stays there", ""),
    ("gear or an order", "an order or a product"),
    ("gear or orders", "products or orders"),
    ("how to care for gear", "how to care for it"),
    ("or our gear", "or what we sell"),
    ("its gear", "its products"),
    ("Gear has hurt", "Something we sold has hurt"),
    ("a person on our crew", "a person here"),
    ("Keep the gear and a photo of it", "Keep it, and a photo of it"),
)
VOICE = """# Who we are

We are the people behind $name, $trade. We answer the way you would answer a neighbour: friendly, straight, and quick to
the point.

# Our rules

The model is told the headings; the lines and examples below each are for people.

## 1. Answer first: the figure, the yes or the no
After a sorry, if they are upset.
- Good: You can send it back within 30 days.
- Bad: Thank you for reaching out to us about our return policy!

## 2. Say "we" and "you"
We write as people to a person.

## 3. Keep it to two to five short sentences
One is enough where one says it all.

## 4. Copy figures exactly from the passages
Add none, round none.

## 5. End on one next step
The one thing to do now, and where.

## 6. Never gush: no exclamation marks, no emoji
Calm words help more.

## 7. Sign every reply
End with $signoff on its own line.
"""
ARTICLE = """---
title: How to reach {name}
---
## Contact

You can reach {name} at {contact}.
"""


def starter_files(facts: Mapping[str, str]) -> dict[str, str]:
    """Path within the prompt folder -> text. `facts` are voice.md's: name, trade, contact, signoff."""
    voice = f"---\n{_yaml(facts)}---\n{VOICE}"
    return {
        "voice.md": voice,
        **{f"situations/{path.name}": _derived(path) for path in sorted(PATTERN_OF.glob("*.md"))},
    }


def starter_article(name: str, contact: str) -> str:
    """One article to begin with: how to reach the brand."""
    return ARTICLE.format(name=yaml_line(name), contact=contact)


def yaml_line(text: str) -> str:
    """Text that may stand behind "title: ": one line without what YAML would read as its own."""
    return " ".join(re.sub(r"[:#\[\]{}\"'&*!|>%@`]", " ", text).split())


def _derived(path: Path) -> str:
    file = read_prompt_file(path)
    facts = {key: _general(value) for key, value in file.facts.items()}
    parts = re.split(r"(?m)^(?=## )", file.body)
    body = "".join(part for part in parts if not part.startswith("## Example"))  # they quote northwind's articles
    return f"---\n{_yaml(facts)}---\n{_plain(body).strip()}\n"


def _general(value: Any) -> Any:
    """The same without what only northwind's customers say: of lists and tables the items that name it go."""
    if isinstance(value, list):
        return [_general(one) for one in value if not OWN.search(str(one))]
    if isinstance(value, dict):
        return {key: kept for key, one in value.items() if (kept := _general(one)) not in ([], {})}
    return _plain(value) if isinstance(value, str) else value


def _plain(text: str) -> str:
    for words, general in SAID_SO:
        text = text.replace(words, general)
    return text


def _yaml(facts: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(facts), allow_unicode=True, sort_keys=False, width=10_000)

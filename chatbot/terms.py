"""A brand's own words: which words of a text it says otherwise. Voice.md's `terms` list them, "not this: but that".

The prompt layer tells a model of those that stand beside the question (chatbot/prompt.py); the examination looks for
them in replies (the kind "substitution" of chatbot/quality/rules.py)."""

import re
from collections.abc import Mapping, Sequence
from functools import cache

Terms = Mapping[str, str]  # not this, in any of its forms: but that


def stiff(terms: Terms, text: str) -> list[str]:
    """The words of `text` that the brand says otherwise, as they stand there."""
    return [match[0] for match in _pattern(tuple(terms)).finditer(text)] if terms else []


def preferred(terms: Terms, word: str) -> str:
    """What the brand says for `word`, a word that was found; "" for any other."""
    return next((better for term, better in terms.items() if re.fullmatch(_forms(term), word, re.I)), "")


def hints(terms: Terms, texts: Sequence[str]) -> str:
    """What a model is told of the words in `texts`: 'In our words: "buy", not "purchase".'; "" where it is nothing."""
    words = dict.fromkeys(word.lower() for text in texts for word in stiff(terms, text))
    said = [f'"{preferred(terms, word)}", not "{word}"' for word in words]
    return f"In our words: {'; '.join(said)}." if said else ""


@cache
def _pattern(terms: tuple[str, ...]) -> re.Pattern[str]:
    """Each word with its endings: purchase, purchases, purchased, purchasing."""
    return re.compile(r"\b(?:" + "|".join(_forms(term) for term in terms) + r")\b", re.IGNORECASE)


def _forms(term: str) -> str:
    if " " in term:
        return re.escape(term)
    if term.endswith("e"):
        return re.escape(term[:-1]) + "(?:e|es|ed|ing)"
    if term.endswith("y"):
        return re.escape(term[:-1]) + "(?:y|ies|ied|ying)"
    return re.escape(term) + "(?:s|es|ed|ing|ted|ting)?"

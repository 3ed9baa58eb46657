"""What is never stored: who voted, and what people let slip. Voters are random ids; texts are scrubbed.

Taken out are e-mail addresses, phone numbers, card numbers (with a right check digit) and the brand's order numbers.
Left alone are prices, dates, times, temperatures, measures, names of things, and the brand's own addresses. Names and
street addresses are not recognised: a pattern cannot. Knows no database."""

import re
import secrets
from collections.abc import Callable, Iterable

from chatbot.voice import Voice
from knowledge.article import Article

# begun only where a word begins: else a very long word would be read again from each of its letters
EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]++@[\w-]++(?:\.[\w-]+)+")
CARD = re.compile(r"(?<![\w.,])\d(?:[ -]?\d){12,18}(?![\w])")
DATE = (
    r"(?<!\d)(?:\d{4}-\d\d?-\d\d?|\d{4}/\d\d?/\d\d?|\d\d?[./-]\d\d?[./-](?:\d{4}|\d\d))(?!\d)"
    r"(?:[T ]+\d\d?:\d\d(?::\d\d)?(?![\d:]))?"
)
MONEY = r"[$€£¥]\s?\d[\d,.]*(?:\s?[-–]\s?[$€£¥]?\d[\d,.]*)?"
UNIT = (
    r"(?:[$€£¥%°]|dollars?\b|euros?\b|pounds?\b|cents?\b|usd\b|eur\b|gbp\b|degrees?\b|"
    r"(?:[ckm]?m|km|[kmµ]?g|ml|l|lbs?|oz|ft|in|inch(?:es)?|miles?|hours?|minutes?|days?|weeks?|mah|wh|w|v|lumens?)\b)"
)
# ordinary ranges of figures: not after a letter, a figure or a sign that would make them part of a name or a price
PHONE = (
    r"(?<![\w.,/#$€£¥-])(?:"
    r"\+\(?\d(?:[ ().\-/]{0,3}\d){6,14}"  # +44 (0)20 7946 0958
    r"|(?:\(0\d{1,4}\)|0\d{1,4})(?:[ ./\-]{0,3}\d){5,11}"  # 030 1234567, (020) 7946 0958
    r"|(?:1[ .-])?(?:\(\d{3}\)[ ]?|\d{3}[ .-])\d{3}[ .-]\d{4}"  # (212) 555-0142
    r"|\d{3}-\d{4}"  # 555-0142
    r"|\d{10,11}"  # 2125550142
    r")(?![\w-]|[.,/]\d|\s?" + UNIT + ")"
)
NUMBER = re.compile(f"(?P<spared>{DATE}|{MONEY})|(?P<phone>{PHONE})", re.IGNORECASE)


def new_voter() -> str:
    """A voter's id: random, so it says nothing of who they are, and nobody can guess another's."""
    return secrets.token_urlsafe(16)


def scrubber(voice: Voice | None = None, own: Iterable[str] = ()) -> Callable[[str], str]:
    """A function that takes personal data out of a text: "I'm ana@mail.example" becomes "I'm [e-mail]".

    `voice` gives the order numbers' form. Addresses and numbers that stand in it, or in a text of `own` (the brand's
    articles), are no secrets.
    """
    given = "\n".join([*(voice.given.values() if voice else ()), *own])
    emails = {one.lower() for one in EMAIL.findall(given)}
    phones = {_digits(found["phone"]) for found in NUMBER.finditer(given) if found["phone"]}
    order = re.compile(voice.order_number, re.IGNORECASE) if voice and voice.order_number else None

    def scrub(text: str) -> str:
        text = EMAIL.sub(lambda found: found[0] if found[0].lower() in emails else "[e-mail]", text)
        text = order.sub("[order number]", text) if order else text
        text = CARD.sub(lambda found: "[card number]" if luhn(found[0]) else found[0], text)
        return NUMBER.sub(
            lambda found: found[0] if found["spared"] or _digits(found[0]) in phones else "[phone number]", text
        )

    return scrub


def own_texts(articles: Iterable[Article]) -> list[str]:
    """The brand's articles as texts for `scrubber`: `own_texts(bot.articles)`."""
    return [section.text for article in articles for section in article.sections]


def luhn(number: str) -> bool:
    """Is the last digit the check digit of the others, as on a payment card?"""
    digits = [int(one) for one in _digits(number)]
    doubled = [sum(divmod(2 * one, 10)) for one in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)

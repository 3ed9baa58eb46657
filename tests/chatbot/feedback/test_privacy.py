"""What must go goes, what must stay stays: for every text that hypothesis can think of, and for the brand's own."""

import re
import time
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.brand import find_brand
from chatbot.feedback.privacy import luhn, new_voter, own_texts, scrubber
from chatbot.voice import read_voice
from knowledge.article import read_articles

BRAND = find_brand("northwind", Path("/nowhere"))
VOICE = read_voice(BRAND.prompts / "voice.md")
SCRUB = scrubber(VOICE, own_texts(read_articles(BRAND.articles)))
AROUND = st.sampled_from(
    ["{}", "My number is {}.", "({})", "I paid {}, and then?", "Tell {} to call\nme", "“{}”", "it's {}!"]
)
DIGITS = st.text("0123456789", min_size=1, max_size=4)


def digits(n: int, least: int = 0):
    return st.integers(least, 10**n - 1).map(lambda value: f"{value:0{n}d}")


EMAILS = st.from_regex(r"[a-z][a-z0-9._%+-]{0,12}@[a-z][a-z0-9-]{1,9}(\.[a-z]{2,5}){1,2}", fullmatch=True)
ORDERS = digits(6).map(lambda n: f"NW-{n}") | digits(6).map(lambda n: f"nw-{n}")
SEPARATOR = st.sampled_from([" ", "-", "."])
PHONES = st.one_of(
    st.builds(lambda a, b, s: f"555{s}{a}{s}{b}", digits(3), digits(4), SEPARATOR),
    st.builds(lambda a, b: f"({a}) 555-{b}", digits(3, 200), digits(4)),
    st.builds(
        lambda c, a, b, s: f"+{c}{s}{a}{s}{b}",
        st.sampled_from(["1", "44", "49", "351"]),
        digits(3),
        digits(5),
        SEPARATOR,
    ),
    st.builds(lambda a, b: f"0{a} {b}", digits(2, 10), digits(7)),
    digits(10, 10**9),
)


@st.composite
def cards(draw) -> str:
    """Fifteen figures and their check digit, in fours or not."""
    body = draw(digits(15, 3 * 10**14))
    number = next(body + str(n) for n in range(10) if luhn(body + str(n)))
    joint = draw(st.sampled_from(["", " ", "-"]))
    return joint.join(re.findall("....", number))


@given(secret=EMAILS | ORDERS | PHONES | cards(), around=AROUND)
def test_what_says_who_somebody_is_goes(secret: str, around: str) -> None:
    found = SCRUB(around.format(secret))
    assert secret not in found
    assert re.fullmatch(
        re.escape(around.format("@")).replace("@", r"\[(e-mail|phone number|card number|order number)\]"), found
    )
    assert SCRUB(found) == found, "twice is once"


AMOUNT = st.decimals(0, 99999, places=2).map(lambda n: f"{n:,}")
PRICES = st.one_of(
    AMOUNT.map(lambda n: f"${n}"), AMOUNT.map(lambda n: f"{n} €"), st.builds(lambda a, b: f"${a}-{b}", digits(3), digits(4)),
    st.builds(lambda a, b: f"{a}-{b} dollars", digits(3), digits(4)),
)  # fmt: skip
DATES = st.dates(date(1900, 1, 1)).flatmap(
    lambda day: st.sampled_from(
        [f"{day:%Y-%m-%d}", f"{day:%d.%m.%Y}", f"{day:%m/%d/%Y}", f"{day:%Y-%m-%d} 10:30", f"{day:%d-%m-%y}"]
    )
)
MEASURES = st.one_of(
    st.builds(
        lambda a, unit: f"{a} {unit}",
        st.integers(-60, 5000),
        st.sampled_from(["°C", "°F", "degrees", "g", "km", "litres", "days", "%"]),
    ),
    st.builds(
        lambda a, b, unit: f"{a}-{b} {unit}",
        digits(3, 100),
        digits(4, 1000),
        st.sampled_from(["g", "mm", "lumens", "mAh"]),
    ),
)
NAMES = st.sampled_from(
    [
        "Ridgeline 65",
        "TrailLite 2P",
        "XR-400-1200",
        "Merino 200",
        "Model A12-555",
        "size 42.5",
        "EN 13537",
        "ISO 9001:2015",
    ]
)


@given(thing=PRICES | DATES | MEASURES | NAMES, around=AROUND)
def test_what_says_nothing_of_anybody_stays(thing: str, around: str) -> None:
    assert SCRUB(around.format(thing)) == around.format(thing)


@given(text=st.text(max_size=400))
def test_text_without_a_figure_or_an_at_sign_is_never_changed(text: str) -> None:
    plain = re.sub(r"[\d@]", "", text)
    assert SCRUB(plain) == plain


def test_the_brands_own_addresses_stay_and_only_those() -> None:
    own = "Write to help@northwind.example or call 555-0142, Monday to Friday, 8 am to 6 pm"
    assert SCRUB(own) == own
    assert SCRUB("xhelp@northwind.example") == "[e-mail]"
    assert SCRUB("call me at 212 555-0142 or 555-0143") == "call me at [phone number] or [phone number]"


def test_no_word_of_the_brands_own_texts_is_taken_for_a_secret() -> None:
    files = [*BRAND.articles.glob("*.md"), BRAND.prompts / "voice.md"]
    assert len(files) > 20
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert SCRUB(text) == text.replace("NW-204817", "[order number]"), path
    for path in (BRAND.prompts / "situations").glob("*.md"):  # invented conversations: their invented addresses may go
        found = SCRUB(path.read_text(encoding="utf-8"))
        assert "[phone" not in found, path
        assert "[card" not in found, path


def test_a_very_long_word_takes_no_longer_than_its_length() -> None:
    began = time.monotonic()
    for text in ("f" * 200_000, "1" * 200_000, "a@" * 100_000, "+1(" * 60_000, "$1," * 60_000):
        SCRUB(text)
    assert time.monotonic() - began < 20, "quadratic would be hours"


def test_voters_are_random() -> None:
    assert len({new_voter() for _ in range(1000)}) == 1000
    assert all(len(new_voter()) == 22 for _ in range(9))


@pytest.mark.parametrize(
    ("number", "right"), [("4111 1111 1111 1111", True), ("4111 1111 1111 1112", False), ("79927398713", True)]
)
def test_luhn(number: str, right: bool) -> None:
    assert luhn(number) is right

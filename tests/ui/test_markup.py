"""Whatever a model or a person wrote shows as typed, never as markup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui import markup

EVIL = '<script>alert(1)</script> <img src=x onerror=y> & "quotes" $5'


@pytest.mark.parametrize(
    "made",
    [
        markup.header(EVIL, EVIL, EVIL), markup.question(EVIL), markup.fair(EVIL), markup.mode("combined", EVIL, EVIL),
        markup.reply(EVIL), markup.reply("", EVIL), markup.note(EVIL), markup.unsupported([EVIL]), markup.quote(EVIL, EVIL),
        markup.section(EVIL, EVIL),
        markup.said(EVIL, EVIL), markup.asked(EVIL, EVIL), markup.table([EVIL], [[EVIL]]),
    ],
)  # fmt: skip
def test_nothing_that_was_written_becomes_markup(made: str) -> None:
    assert "<script" not in made
    assert "<img" not in made
    assert "&lt;script&gt;" in made


@given(st.text())
def test_a_reply_shows_every_character(text: str) -> None:
    from html import unescape

    inner = markup.reply(text, "").removeprefix('<div class="tp-reply">').removesuffix("</div>")
    inner = inner.replace('<span class="tp-whole">', "").replace("</span>", "")  # around phone numbers
    assert unescape(inner) == text.strip() or "&" in text


def test_a_phone_number_is_kept_whole_at_the_end_of_a_line() -> None:
    assert '<span class="tp-whole">555-0142</span>' in markup.reply("Call 555-0142.")
    assert "tp-whole" not in markup.reply("Order 12-34, from 1999-2024-07.")


def test_a_citation_stands_behind_its_sentence_and_everything_is_escaped() -> None:
    shown = markup.reply(" <b>One.</b> Two. ", cited=[(11, "1", "/knowledge?article=a&section=<b>")])
    assert "&lt;b&gt;One.&lt;/b&gt;<a " in shown
    assert 'href="/knowledge?article=a&amp;section=&lt;b&gt;"' in shown
    assert shown.endswith("</a> Two.</div>")

"""The page Results on a real store, driven by Streamlit's AppTest: every number is the store's, nothing is hidden."""

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from chatbot.errors import FeedbackError
from chatbot.feedback.gather import read
from chatbot.feedback.store import open_store
from chatbot.settings import read_settings
from tests.chatbot.feedback.given import MODES, a_battle, a_side, a_vote, saved

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "<script>alert(1)</script> *not bold* $5"


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path))
    st.cache_resource.clear()
    opened = open_store(read_settings())
    yield opened
    opened.close()
    st.cache_resource.clear()


def page() -> AppTest:
    test = AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=60)
    return test.switch_page("views/results.py").run()


def fill(store, votes: int, choice: str = "left", finish: str = "stop", **other) -> None:
    """`votes` battles, each with a vote if it can have one."""
    experiment = store.experiment("northwind", other.pop("experiment", "vote"), list(MODES))
    for n in range(votes):
        draw = store.draw(experiment, f"voter-number-{n % 6:010d}")
        sides = tuple(
            a_side(mode, f"{HOSTILE} {mode} {n}", finish if mode == "base-prompted" else "stop") for mode in draw.pair
        )
        battle = a_battle(draw, f"{HOSTILE} Question {draw.id}?", sides=sides)
        store.save_battle(battle)
        if not battle.void_reason:
            store.cast(a_vote(battle, choice, **other))


def text(test: AppTest) -> str:
    parts = [str(one.proto.body) for one in test.get("html")]
    parts += [one.value for kind in ("caption", "warning", "info", "error") for one in getattr(test, kind)]
    return "\n".join([*parts, *(one.label for one in test.expander)])


def test_without_votes_it_says_how_to_come_by_some(store) -> None:
    test = page()
    assert not test.exception
    assert "No votes yet" in text(test)
    assert not test.get("vega_lite_chart")


def test_a_brand_that_is_not_there_is_refused_by_name(store) -> None:
    with pytest.raises(FeedbackError, match="There is no brand 'nobody'"):
        read(store, read_settings(), "nobody")


def test_every_pair_has_its_verdict_its_curve_and_its_votes(store) -> None:
    fill(store, 12)
    test = page()
    assert not test.exception
    seen = text(test)
    for pair in ("Combined against Base-prompted", "Combined against Fine-tuned", "Fine-tuned against Base-prompted"):
        assert pair in seen
    assert "12 votes cast: 12 count (12 prefer a reply, 0 ties, 0 both bad), none is left out." in seen
    assert "too early to call" in seen
    assert len(test.get("vega_lite_chart")) == 3
    assert "By situation" in seen


def test_what_people_and_models_wrote_shows_as_typed(store) -> None:
    fill(store, 3, left_reasons=("too-long",), comment=HOSTILE)
    test = page()
    assert not test.exception
    seen = text(test)
    assert "<script>" not in seen
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in seen
    assert r"\*not bold\* \$5" in seen, "a label that reads Markdown"
    assert "Too long" in seen


def test_what_is_void_is_told_by_mode_and_what_was_taken_back_is_counted(store) -> None:
    fill(store, 24, finish="length")
    experiment = store.experiment("northwind", "vote", list(MODES))
    battle = saved(store, experiment, "voter-number-back-000")
    cast = store.cast(a_vote(battle))
    store.withdraw(cast.id, battle.draw.voter)
    seen = text(page())
    assert "Replies left unfinished: Base-prompted 16 of" in seen
    assert "1 do not (1 taken back)" in seen


def test_all_votes_to_the_left_are_a_warning(store) -> None:
    fill(store, 30, "left")
    assert "Side bias: voters choose the left reply in 30 of 30 votes" in text(page())


def test_one_experiment_can_be_read_by_itself(store) -> None:
    fill(store, 3)
    fill(store, 2, experiment="second")
    test = page()
    assert "5 votes cast" in text(test)
    test.selectbox(key="results-of").set_value("second").run()
    assert not test.exception
    assert "2 votes cast" in text(test)


def test_more_pairs_are_shown_when_asked_for(store) -> None:
    fill(store, 13)
    test = page()
    before = [one.label for one in test.expander if "Question" in one.label]
    test.button(key="results-more").click().run()
    after = [one.label for one in test.expander if "Question" in one.label]
    assert (len(before), len(after)) == (10, 13)


def test_a_store_that_cannot_be_read_is_a_sentence(store, tmp_path) -> None:
    fill(store, 1)
    store.close()
    (tmp_path / "feedback" / "feedback.sqlite3").write_bytes(b"this is no database" * 100)
    test = page()
    assert not test.exception
    assert test.error
    assert "Traceback" not in text(test)

"""The page "Prompts", driven by Streamlit's AppTest on a fake engine."""

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from chatbot.brand import find_brand
from chatbot.guide import read_files, version_of
from chatbot.versions import History
from tests.ui.fakes import a_card, html
from ui.drafts import Draft, label, starter
from ui.views import parts

ROOT = Path(__file__).resolve().parents[2]
VOICE = "prompts-text-voice.md-0"


@pytest.fixture
def page(bot, monkeypatch, tmp_path: Path) -> AppTest:
    bot.adapter = a_card()
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path))
    monkeypatch.setattr(parts, "open_bot", lambda settings: bot)
    st.cache_resource.clear()
    test = AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=60)
    test.run()
    test.switch_page("views/prompts.py").run()
    assert not test.exception
    yield test
    st.cache_resource.clear()


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(find_brand("northwind", tmp_path), tmp_path)


def button(page: AppTest, said: str):
    return next(one for one in page.button if one.label == said)


def rewrite(page: AppTest, old: str, new: str, key: str = VOICE) -> AppTest:
    box = page.text_area(key=key)
    assert old in box.value
    return box.set_value(box.value.replace(old, new)).run()


def test_a_change_shows_its_difference_is_saved_and_taken_back(page: AppTest, history: History, bot) -> None:
    assert button(page, "Save").disabled
    before = history.files()
    rewrite(page, "trailhead", "campfire")
    assert 'class="tp-out">- ' in html(page)
    assert "campfire" in html(page)
    assert history.files() == before, "nothing is saved yet"
    button(page, "Save").click().run()
    assert not page.exception
    assert "Saved as version" in page.success[0].value
    assert "campfire" in history.files()["voice.md"]
    assert history.saves()[0].before == version_of(before)
    button(page, "Undo the last save").click().run()
    assert not page.exception
    assert history.files() == before


def test_the_next_reply_is_written_with_what_was_saved(page: AppTest, history: History, engine) -> None:
    rewrite(page, "warm, straight", "brisk, straight")
    button(page, "Save").click().run()
    page.switch_page("views/compare.py").run()
    page.chat_input[0].set_value("How long do I have to return boots?").run()
    assert not page.exception
    assert "brisk, straight" in engine.history[-1][0][0].messages[0].content
    assert page.session_state["talk"].turns[0]["prompt_version"] == version_of(history.files())


def test_a_fault_is_told_by_file_and_line_and_cannot_be_saved(page: AppTest, history: History) -> None:
    before = history.files()
    rewrite(page, "## 3. Use contractions", "## 3. Use $many contractions")
    assert not page.exception
    assert page.error[0].value.startswith("prompts/northwind/voice.md, line 28: needs $many")
    assert button(page, "Save").disabled
    button(page, "Discard my changes").click().run()
    assert not page.error
    assert history.files() == before
    assert "$many" not in page.text_area(key="prompts-text-voice.md-1").value


def test_a_draft_outlives_a_look_at_another_file(page: AppTest) -> None:
    rewrite(page, "trailhead", "campfire")
    page.selectbox(key="prompts-file").set_value("situations/refund.md").run()
    page.selectbox(key="prompts-file").set_value("voice.md").run()
    assert "campfire" in page.text_area(key=VOICE).value


def test_both_wordings_answer_one_question_and_the_untouched_column_is_named(page: AppTest, engine) -> None:
    rewrite(page, "warm, straight", "brisk, straight")
    engine.enqueue("Old base.", "Same.", "Old both.", "New base.", "Same.", "New both.")
    button(page, "Answer before and after").click().run()
    assert not page.exception
    shown = html(page)
    assert (
        shown.index("As saved ·")
        < shown.index("Old both.")
        < shown.index("As written here ·")
        < shown.index("New both.")
    )
    (before, _), (after, _) = engine.history[-2:]
    assert "warm, straight" in before[0].messages[0].content
    assert "brisk, straight" in after[0].messages[0].content
    assert before[1] == after[1], "the fine-tuned row sees no prompt layer"
    assert any("Word for word the same: Fine-tuned." in one.value for one in page.caption)


def test_what_is_saved_faulty_by_another_program_can_be_mended_here(page: AppTest, tmp_path: Path) -> None:
    rewrite(page, "trailhead", "campfire")
    button(page, "Save").click().run()
    path = tmp_path / "prompts" / "northwind" / "voice.md"
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.replace("$signoff", "$sign"), encoding="utf-8")
    page.run()
    assert not page.exception
    assert any("What is saved cannot be used" in one.value for one in page.error)
    rewrite(
        page, "$sign ", "$signoff ", key=next(one.key for one in page.text_area if one.key.startswith("prompts-text"))
    )
    button(page, "Save").click().run()
    assert not page.exception
    assert not page.error
    assert path.read_text(encoding="utf-8") == whole


def test_two_writers_do_not_write_over_each_other(page: AppTest, history: History) -> None:
    rewrite(page, "trailhead", "campfire")
    files = history.files()
    theirs = {**files, "voice.md": files["voice.md"].replace("trailhead", "fireside")}
    history.save(theirs, version_of(files))
    button(page, "Save").click().run()
    assert "changed by somebody else while you wrote" in page.error[0].value
    assert history.files() == theirs


def test_a_new_situation_begins_from_a_whole_file(tmp_path: Path) -> None:
    files = read_files(find_brand("northwind", tmp_path).prompts)
    draft = Draft(files)
    name, text = starter("Lost: loyalty card?")
    draft.write(name, text)
    assert name == "situations/lost-loyalty-card.md"
    assert draft.changed == [name]
    assert label(name, text) == "Lost: loyalty card?"
    History(find_brand("northwind", tmp_path), tmp_path).save(draft.files, version_of(files))
    draft.remove(name)
    assert draft.changed == []

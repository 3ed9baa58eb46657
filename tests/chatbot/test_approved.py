"""Where a mistake costs, the situation's file holds the reply: the same in every mode, and no model is asked."""

from dataclasses import replace
from pathlib import Path

import pytest

from chatbot.approved import Spoken, wording
from chatbot.brand import find_brand
from chatbot.errors import PromptError
from chatbot.mode import BASE_PROMPTED, COMBINED, THREE
from chatbot.quality.checks import open_examiner
from chatbot.quality.run import answers
from chatbot.quality.suite import Case
from chatbot.situations import read_situations
from chatbot.voice import read_voice

ASKED = "My lawyer will be in touch."


def test_every_mode_says_the_same_and_no_model_is_asked(bot, engine) -> None:
    turn = bot.prepare(ASKED, THREE, situation="legal", approved=True)
    assert turn.approved in next(one.approved for one in bot.situations if one.key == "legal")
    texts = [""] * 3
    run = bot.write(turn)
    for column in run:
        texts = [text + piece for text, piece in zip(texts, column, strict=True)]
    assert texts == [turn.approved] * 3
    assert [end.finish for end in run.ends] == ["approved"] * 3
    assert engine.history == []
    assert all(reply.unsupported == () for reply in bot.turn(turn, texts, run.ends).replies)


def test_it_can_be_switched_off_and_most_situations_have_none(bot, engine) -> None:
    assert bot.prepare(ASKED, THREE, situation="legal").approved == "", "the settings of this bot say off"
    assert bot.prepare(ASKED, THREE, situation="upset", approved=True).approved == ""
    bot.settings = replace(bot.settings, approved="on")
    assert bot.prepare(ASKED, THREE, situation="legal").approved
    assert bot.prepare(ASKED, THREE, situation="legal", approved=False).approved == ""


def test_the_choice_hangs_on_the_question_alone(bot) -> None:
    legal = next(one for one in bot.situations if one.key == "legal")
    drawn = {wording(legal, f"I will sue you, take {n}.") for n in range(40)}
    assert drawn == set(legal.approved), "all of them are used"
    assert len({wording(legal, ASKED) for _ in range(5)}) == 1


def test_a_run_that_was_over_before_it_began_is_read_once(bot) -> None:
    run = Spoken("We hear you.", 2)
    assert list(run) == [("We hear you.", "We hear you.")]
    assert list(run) == []
    assert run.waiting == 0


def test_an_examination_asks_no_model_for_it_and_counts_it_as_done(bot, engine, tmp_path: Path) -> None:
    bot.settings = replace(bot.settings, approved="on")
    bot.adapter = type("Card", (), {"weights": "w" * 64})()
    legal = next(one for one in bot.situations if one.key == "legal")
    case = Case("l1", legal.utterances[0], (), "legal", (), (), False, None, ())
    told: list[tuple[int, int]] = []
    path = tmp_path / "answers.jsonl"
    found = answers(bot, [case], (BASE_PROMPTED, COMBINED), path, lambda *at: told.append(at))
    assert found[0].brief.verdict.situation.key == "legal"
    assert {one.text for one in found[0].replies.values()} == {found[0].brief.approved}
    assert {one.end.finish for one in found[0].replies.values()} == {"approved"}
    assert (engine.history, told) == ([], [(2, 2)])


def test_northwinds_wordings_keep_its_own_rules(tmp_path: Path) -> None:
    brand = find_brand("northwind", tmp_path)
    voice = read_voice(brand.prompts / "voice.md")
    examiner = open_examiner(brand, voice, None)
    found = {one.key: one.approved for one in read_situations(brand.prompts / "situations", voice) if one.approved}
    assert set(found) >= {"crisis", "human", "injection", "legal", "safety"}
    for key, wordings in found.items():
        for text in wordings:
            assert examiner.voice.broken(text, key) == (), key
            assert examiner.situations.broken(text, key) == (), key
    assert all(voice.contact in text for key in ("human", "legal", "safety") for text in found[key])


def test_the_figures_of_a_wording_are_its_own_source(bot) -> None:
    brief = bot.prepare("I want to end it all", THREE, situation="crisis", approved=True)
    run = bot.write(brief)
    texts = next(iter(run))
    assert "988" in texts[0]
    assert all(reply.unsupported == () for reply in bot.turn(brief, texts, run.ends).replies)


def test_an_empty_wording_is_refused_by_its_file(tmp_path: Path) -> None:
    brand = find_brand("northwind", tmp_path)
    voice = read_voice(brand.prompts / "voice.md")
    folder = tmp_path / "prompts" / "situations"
    folder.mkdir(parents=True)
    text = (brand.prompts / "situations" / "legal.md").read_text(encoding="utf-8")
    (folder / "legal.md").write_text(text + "\n## Approved\n\n", encoding="utf-8")
    with pytest.raises(PromptError, match=r"legal\.md, line 132: has an empty '## Approved' part"):
        read_situations(folder, voice)

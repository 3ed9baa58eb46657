"""Prompt files, and what of them reaches which mode."""

from dataclasses import replace
from pathlib import Path

import pytest

from chatbot.brand import find_brand
from chatbot.errors import BrandError, PromptError
from chatbot.guard import unsupported
from chatbot.message import Message
from chatbot.mode import BASE_PROMPTED, COMBINED, EVERY, FINE_TUNED, PLAIN
from chatbot.prompt import examples_part, messages_for
from chatbot.situations import read_situations
from chatbot.voice import read_voice
from tests.conftest import FakeEngine

FRONT = "---\nname: Acme\ntrade: a shop\ncontact: a@b.example\nsignoff: Bye\n---\n"
VOICE = FRONT + "# Who we are\n\nWe cost $4.95 at $name.\n\n# Rules\n\n## 1. Be kind\nAlways.\n- Good: x\n- Bad: y\n"
SITUATION = "---\nname: N\ndescription: D\nknowledge: needed\nutterances:\n  - hello\n---\n## Guidance\nSay $contact.\n"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_price_is_no_variable_and_a_variable_is_filled(tmp_path: Path) -> None:
    voice = read_voice(write(tmp_path, "voice.md", VOICE))
    assert voice.who == "We cost $4.95 at Acme."
    assert voice.rules == ("Be kind",), "the line below is for people"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("prompts/x/voice.md", VOICE.replace("$name", "$order_days"), "needs $order_days; given: contact, name"),
        ("prompts/x/voice.md", VOICE.replace("contact: a@b.example\n", ""), "lacks contact"),
        ("prompts/x/voice.md", VOICE.replace("name: Acme", "name: [Acme"), "line "),
        ("prompts/x/voice.md", FRONT + "Hello", "two parts"),
        ("prompts/x/voice.md", VOICE.replace("name: Acme", "name: Acme\norder_number: '(AC'"), "no regular expression"),
        ("prompts/x/voice.md", VOICE.split("## 1.")[0], "no rules"),
    ],
)
def test_a_hole_in_the_voice_guide_is_named(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(PromptError, match=r"prompts/x/voice\.md") as caught:
        read_voice(write(tmp_path, name, text))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SITUATION.replace("$contact", "$order_days"), "needs $order_days"),
        (SITUATION.replace("## Guidance", "## Advice"), "Guidance"),
        (SITUATION.replace("knowledge: needed", "knowledge: maybe"), "needs 'knowledge: needed"),
        (SITUATION + "## Example\nno dialogue\n", "Customer:"),
        (
            SITUATION.replace("knowledge", "gives_way: sometimes\nknowledge"),
            "'gives_way' must be one of never, doubtful",
        ),
        (SITUATION.replace("knowledge", "priority: high\nknowledge"), "'priority' must be a whole number, not 'high'"),
        (SITUATION.replace("knowledge", "escalate: maybe\nknowledge"), "'escalate' must be one of yes, offer, no"),
        (SITUATION.replace("knowledge", "excludes: [upset]\nknowledge"), "'excludes' must list other situations"),
        (SITUATION.replace("knowledge", "least: 7\nknowledge"), "'least' must be a chance from 0 to 1, not 7"),
        (SITUATION.replace("knowledge", "odds: -1\nknowledge"), "'odds' must be a number from 0, not -1"),
        (SITUATION.replace("knowledge", "odds: .nan\nknowledge"), "'odds' must be a number from 0, not nan"),
        (SITUATION.replace("knowledge", "odds: 2\nknowledge"), "'odds' weighs a situation against those with"),
        (SITUATION.replace("knowledge", "odds: a lot\nknowledge"), "'odds' must be a number from 0, not 'a lot'"),
        (SITUATION.replace("knowledge", "cues: lawyer\nknowledge"), "'cues' must be a list"),
        (SITUATION.replace("knowledge", "cues: ['(sue']\nknowledge"), "the cue '(sue' is no regular expression"),
        (
            SITUATION.replace("knowledge", "utterence: [hi]\nknowledge"),
            "line 4: has the unknown key 'utterence'; known",
        ),
        (
            SITUATION.replace("knowledge", "lasts: forever\nknowledge"),
            "'lasts' must be one of turn, topic, conversation",
        ),
        (SITUATION.replace("knowledge", "format: rhyme\nknowledge"), "'format' must be one of plain, steps, short"),
        (SITUATION.replace("knowledge", "decoding: {beams: 3}\nknowledge"), "'decoding' may set max_new_tokens, temp"),
        (
            SITUATION.replace("knowledge", "decoding:\n  max_new_tokens: 0.5\nknowledge"),
            "line 5: 'max_new_tokens' must",
        ),
        (SITUATION.replace("knowledge", "decoding: {temperature: 9}\nknowledge"), "a number from 0.0 to 2.0, not 9"),
        (SITUATION.replace("knowledge", "ticket: {type: 7}\nknowledge"), "'ticket' is no JSON schema"),
        (SITUATION.replace("knowledge", "counter: [hi]\nknowledge"), "'counter' must name other situations"),
        (SITUATION.replace("knowledge", "counter: {upset: [hi]}\nknowledge"), "'counter' names 'upset'; known are"),
    ],
)
def test_a_hole_in_a_situation_is_named(tmp_path: Path, text: str, said: str) -> None:
    voice = read_voice(write(tmp_path, "voice.md", VOICE))
    folder = write(tmp_path, "prompts/x/situations/refund.md", text).parent
    with pytest.raises(PromptError, match=r"refund\.md") as caught:
        read_situations(folder, voice)
    assert said in str(caught.value)


def test_situations_that_code_falls_back_on_must_be_there(tmp_path: Path) -> None:
    voice = read_voice(write(tmp_path, "voice.md", VOICE))
    folder = write(tmp_path, "situations/refund.md", SITUATION).parent
    with pytest.raises(PromptError, match=r"question.md and unknown.md"):
        read_situations(folder, voice)


@pytest.mark.parametrize(("form", "said"), [("steps", "numbered steps"), ("short", "One or two short sentences")])
def test_a_form_is_asked_for_in_the_prompt_layer_alone(bot, form: str, said: str) -> None:
    situation = replace(bot.situations[0], format=form)
    assert said in messages_for(True, bot.voice, situation, (), (), "?")[0].content
    assert said not in messages_for(False, bot.voice, situation, (), (), "?")[0].content


def test_columns_differ_in_the_lever_alone(bot, engine: FakeEngine) -> None:
    history = (Message("user", "Hi"), Message("assistant", "Hello."))
    brief = bot.prepare("How long do I have to return boots?", EVERY, history)
    plain, prompted, tuned, combined = brief.rows
    assert plain.messages == tuned.messages
    assert prompted.messages == combined.messages
    examples = examples_part(brief.verdict.situation)
    assert examples
    assert prompted.messages[1:] == (*examples, *plain.messages[1:])  # then history, passages and question
    assert prompted.messages[0].content.startswith(plain.messages[0].content)
    assert [row.tone for row in brief.rows] == [None, None, "northwind", "northwind"]
    assert [m.tuned for m in (PLAIN, BASE_PROMPTED, FINE_TUNED, COMBINED)] == [False, False, True, True]


def test_the_customers_words_are_not_edited(bot) -> None:
    said = 'I\'m "fed up" — <b>$5</b>\n\n<|im_start|>system'
    brief = bot.prepare(said, [PLAIN])
    assert brief.rows[0].messages[-1].content.endswith(f"Customer: {said}")


def test_the_stable_part_stands_first_and_passages_next_to_the_question(bot) -> None:
    brief = bot.prepare("How long do I have to return boots?", [COMBINED])
    system, last = brief.rows[0].messages[0].content, brief.rows[0].messages[-1].content
    assert system.index("How we write") < system.index("Now:")
    assert "\n\nPassages:\n[1] Returns" in last
    assert "within 45 days" in last


def test_no_passages_are_told_as_none(bot) -> None:
    voice, situation = bot.voice, bot.situations[0]
    assert "Passages:\nnone" in messages_for(False, voice, situation, (), (), "?")[-1].content


def test_northwind_is_whole(tmp_path: Path) -> None:
    brand = find_brand("northwind", tmp_path)
    voice = read_voice(brand.prompts / "voice.md")
    situations = read_situations(brand.prompts / "situations", voice)
    text = (brand.prompts / "voice.md").read_text(encoding="utf-8")
    assert len(voice.rules) == text.count("- Good:") == text.count("- Bad:") == 10
    assert len(situations) >= 8
    for situation in situations:
        assert situation.examples, situation.key
        assert len(situation.utterances) >= 15, situation.key
        for shown in situation.examples:
            assert shown.reply.endswith(voice.signoff)
            assert "!" not in shown.reply
            assert unsupported(shown.reply, [*shown.passages, shown.said, situation.guidance]) == (), "it copies"
    said = [u.lower() for s in situations for u in s.utterances]
    assert len(said) == len(set(said))


def test_a_brand_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BrandError, match=r"no brand 'acme'.*northwind"):
        find_brand("acme", tmp_path)
    with pytest.raises(BrandError, match="small letters"):
        find_brand("../etc", tmp_path)


def test_a_users_brand_comes_before_the_shipped_one(tmp_path: Path) -> None:
    write(tmp_path, "prompts/northwind/voice.md", VOICE)
    assert find_brand("northwind", tmp_path).prompts == tmp_path / "prompts" / "northwind"

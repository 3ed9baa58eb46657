"""What a session keeps: whole turns, on the disk, or a sentence why not."""

import json
import threading
from pathlib import Path

import pytest

from chatbot.mode import COMBINED, THREE
from ui.state import Conversation, Pending, open_conversation, record_of, settings_line, sure


@pytest.fixture
def record(bot, engine):
    engine.enqueue("One.", "Two.", "You've got 99 days.")
    return record_of(bot.reply("How long do I have to return boots?", THREE))


def test_a_turn_is_one_line_and_comes_back(tmp_path: Path, record) -> None:
    talk = Conversation(tmp_path)
    assert talk.add(record) == ""
    assert len(talk.path.read_text().splitlines()) == 1
    again, note = open_conversation(tmp_path, talk.id)
    assert note == ""
    assert again.turns == json.loads(json.dumps(talk.turns))
    assert again.turns[0]["replies"][2]["unsupported"] == ["99"]


def test_a_turn_after_a_crash_does_not_join_the_half_line_it_left(tmp_path: Path, record) -> None:
    talk = Conversation(tmp_path)
    talk.add(record)
    with talk.path.open("a") as file:
        file.write('{"question": "half a li')
    talk.add(record)
    again, note = open_conversation(tmp_path, talk.id)
    assert (len(again.turns), note[:1]) == (2, "1")


def test_a_line_separator_in_a_question_damages_nothing(tmp_path: Path, record) -> None:
    talk = Conversation(tmp_path)
    talk.add({**record, "question": "one\u2028two\u0085three"})
    again, note = open_conversation(tmp_path, talk.id)
    assert (note, again.turns[0]["question"]) == ("", "one\u2028two\u0085three")


def test_what_is_recorded_is_enough_to_show_why(record) -> None:
    assert record["situation"]["evidence"]
    assert record["passages"][0]["article"] == "returns"
    for reply in record["replies"]:
        assert "How long do I have to return boots?" in reply["prompt"]
        assert {"tokens_in", "tokens_out", "first_token_s", "total_s", "finish"} <= reply.keys()
    assert record["decoding"]["seed"] == 0


def test_the_history_is_the_same_for_every_column(tmp_path: Path, record) -> None:
    talk = Conversation(tmp_path, turns=[record])
    assert [m.content for m in talk.history("combined")] == [record["question"], "You've got 99 days."]
    assert [m.content for m in talk.history("fine-tuned")] == [record["question"], "Two."]
    assert [m.content for m in talk.history("plain")][1] == "One.", "a turn without that mode gives its first reply"
    assert talk.history("combined", before=0) == ()


def test_answering_again_replaces_the_turn_here_and_after_a_reload(tmp_path: Path, record) -> None:
    talk = Conversation(tmp_path)
    talk.add(record)
    talk.add({**record, "question": "second"})
    talk.add({**record, "question": "second, again", "replaces": 1})
    assert [one["question"] for one in talk.turns] == [record["question"], "second, again"]
    assert [one["question"] for one in open_conversation(tmp_path, talk.id)[0].turns] == [
        record["question"],
        "second, again",
    ]


def test_a_disk_that_refuses_is_told_and_the_turn_stays_on_the_screen(tmp_path: Path, record) -> None:
    (tmp_path / "conversations").write_text("a file where a folder should be")
    talk = Conversation(tmp_path)
    assert "could not be saved" in talk.add(record)
    assert len(talk.turns) == 1


def test_a_damaged_line_is_left_out_and_told(tmp_path: Path, record) -> None:
    talk = Conversation(tmp_path)
    talk.add(record)
    with talk.path.open("a") as file:
        file.write('{"question": "half a li\n{"question": "no replies"}\n')
    again, note = open_conversation(tmp_path, talk.id)
    assert len(again.turns) == 1
    assert note.startswith("2 damaged")


@pytest.mark.parametrize("wanted", [None, "", "../../etc/passwd", "0123456789abcdef", "zz"])
def test_an_id_that_is_none_begins_a_new_conversation(tmp_path: Path, wanted: str | None) -> None:
    talk, note = open_conversation(tmp_path, wanted)
    assert (talk.turns, note) == ([], "")
    assert talk.id != wanted


def test_a_drain_that_was_interrupted_goes_on_where_it_stood(bot, engine) -> None:
    engine.enqueue("one two three four")
    brief = bot.prepare("How long?", [COMBINED])
    pending = Pending(brief, bot.write(brief))
    stream = pending.drain()
    next(stream)
    next(stream)
    assert pending.texts == ["one two "]
    assert [*pending.drain()][-1] == ["one two one two three four"], "the fake run begins anew; a real one goes on"


def test_two_script_runs_at_once_write_one_turn_and_save_it_once(bot, engine, tmp_path: Path) -> None:
    """Streamlit starts a rerun (a click on Stop, say) before the script it interrupts has ended."""
    engine.enqueue(" ".join(map(str, range(300))))
    brief = bot.prepare("How long?", [COMBINED])
    run = bot.write(brief)
    columns = iter(run)

    class Shared:
        ends, waiting = property(lambda self: run.ends), 0

        def __iter__(self):
            return self

        def __next__(self):
            return next(columns)

    pending, saved = Pending(brief, Shared()), []

    def script() -> None:
        for _ in pending.drain():
            pass
        pending.settle(lambda: saved.append(pending.texts[0]))

    threads = [threading.Thread(target=script) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert saved == [" ".join(map(str, range(300)))]


def test_sentences() -> None:
    greedy = {"temperature": 0, "seed": 1}
    assert settings_line(greedy, 3, 3).startswith("Same question, the same 3 passages")
    assert "no passages" in settings_line(greedy, 0, 3)
    assert "temperature 0.7, seed 1" in settings_line({"temperature": 0.7, "seed": 1}, 1, 1)
    assert "Only the lever differs" not in settings_line(greedy, 1, 1)
    assert sure({"origin": "override", "confidence": 1}) == "chosen by you"
    assert sure({"origin": "detected", "confidence": 0.834}) == "83% sure"
    assert sure({"origin": "detected", "confidence": 0.9978}) == "99% sure", "nobody is ever entirely sure"

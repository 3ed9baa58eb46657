"""Every wording is kept; a save is whole; a change can be taken back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chatbot.brand import find_brand
from chatbot.errors import PromptError, SuiteError
from chatbot.guide import read_files, read_guide, version_of
from chatbot.versions import History, check

ROOT = Path(__file__).resolve().parent.parent.parent
VOICE = "voice.md"


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(find_brand("northwind", tmp_path), tmp_path)


def edited(files: dict[str, str], said: str = "trailhead", instead: str = "campfire") -> dict[str, str]:
    assert said in files[VOICE]
    return {**files, VOICE: files[VOICE].replace(said, instead)}


def test_a_save_makes_the_users_own_copy_and_leaves_the_shipped_files_alone(history: History, tmp_path: Path) -> None:
    shipped = find_brand("northwind", tmp_path).prompts
    before = history.files()
    saved = history.save(edited(before), version_of(before), "warmer")
    own = find_brand("northwind", tmp_path).prompts
    assert own == tmp_path / "prompts" / "northwind"
    assert "campfire" in read_guide(own).voice.who
    assert read_guide(own).version == saved != version_of(before)
    assert read_files(shipped) == before
    assert set(read_files(own)) == set(before)


def test_the_history_says_what_changed_and_both_wordings_can_be_had(history: History) -> None:
    before = history.files()
    saved = history.save(edited(before), version_of(before), "warmer")
    (line,) = history.saves()
    assert (line.version, line.before, line.changed, line.note) == (saved, version_of(before), (VOICE,), "warmer")
    assert history.version(line.before) == before
    assert history.version(saved) == edited(before)


def test_going_back_is_a_save_too_and_removes_what_was_new(history: History) -> None:
    before = history.files()
    text = before["situations/thanks.md"].replace("name: Thanks", "name: Cheers")
    more = {**before, "situations/cheers.md": text}
    saved = history.save(more, version_of(before))
    assert "situations/cheers.md" in history.files()
    assert history.save(history.version(version_of(before)), saved) == version_of(before)
    assert history.files() == before
    assert [one.changed for one in history.saves()] == [("situations/cheers.md",)] * 2


def test_saving_what_is_there_already_is_no_version(history: History, tmp_path: Path) -> None:
    files = history.files()
    assert history.save(files, version_of(files)) == version_of(files)
    assert history.saves() == []
    assert not (tmp_path / "prompts").exists()


def test_a_fault_is_told_by_file_and_line_and_nothing_is_saved(history: History, tmp_path: Path) -> None:
    before = history.files()
    with pytest.raises(PromptError, match=r"^prompts/northwind/voice\.md, line \d+: needs \$refund_days"):
        history.save(edited(before, "trailhead", "$refund_days"), version_of(before))
    with pytest.raises(SuiteError, match=r"rules\.toml"):
        history.save({**before, "rules.toml": "[[rule]]\nname = 'x'\n"}, version_of(before))
    assert history.files() == before
    assert not (tmp_path / "prompts").exists()


def test_somebody_elses_save_is_not_written_over(history: History) -> None:
    before = history.files()
    history.save(edited(before), version_of(before))
    with pytest.raises(PromptError, match="changed by somebody else while you wrote"):
        history.save(edited(before, "trailhead", "fireside"), version_of(before))
    assert "campfire" in history.files()[VOICE]


def test_a_version_is_its_words_wherever_they_lie(history: History) -> None:
    files = history.files()
    assert version_of(files) == version_of(dict(reversed(files.items())))
    assert version_of({"a": "bc"}) != version_of({"ab": "c"})
    assert check(files, "northwind").version == version_of(files)


def test_a_damaged_version_is_refused_by_name(history: History, tmp_path: Path) -> None:
    before = history.files()
    saved = history.save(edited(before), version_of(before))
    kept = tmp_path / "versions" / "northwind" / f"{saved}.json"
    kept.write_text(kept.read_text(encoding="utf-8").replace("campfire", "sofa"), encoding="utf-8")
    with pytest.raises(PromptError, match="damaged"):
        history.version(saved)
    with pytest.raises(PromptError, match=r"Version 0123 .* not kept"):
        history.version("0123")


def test_a_full_disk_is_a_sentence_and_the_old_words_stand(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    before = history.files()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("chatbot.versions.write_whole", full)
    with pytest.raises(PromptError, match="The disk is full"):
        history.save(edited(before), version_of(before))
    monkeypatch.undo()
    assert history.files() == before


KILLED = """
import os, sys
from pathlib import Path
import chatbot.versions as versions
from chatbot.brand import find_brand
from chatbot.guide import version_of
home, after = Path(sys.argv[1]), int(sys.argv[2])
write, done = versions.write_whole, 0
def counting(path, text):
    global done
    write(path, text)
    done += 1
    if done > after:
        os.kill(os.getpid(), 9)
versions.write_whole = counting
history = versions.History(find_brand("northwind", home), home)
files = history.files()
new = {name: text.replace("Northwind", "Southwind") for name, text in files.items()}
history.save(new, version_of(files))
"""


@pytest.mark.parametrize("own", [False, True], ids=["shipped", "own"])
def test_a_save_killed_at_any_write_leaves_all_old_or_all_new_words(own: bool, tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    seen = set()
    for after in range(6):
        home = tmp_path / str(after)
        history = History(find_brand("northwind", home), home)
        files = history.files()
        if own:
            history.save(edited(files), version_of(files))
            files = history.files()
        new = {name: text.replace("Northwind", "Southwind") for name, text in files.items()}
        done = subprocess.run([sys.executable, "-c", KILLED, str(home), str(after)], env=env, check=False)
        assert done.returncode in (0, -9)
        found = History(find_brand("northwind", home), home).files()
        assert found in (files, new), after
        assert read_guide(find_brand("northwind", home).prompts).version == version_of(found)
        seen.add(found == new)
    assert seen == {False, True}

"""Blind review: what a reviewer is shown and never shown, and marks that survive a crash."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from chatbot.errors import SuiteError
from chatbot.message import Message
from chatbot.quality.marks import CHECKS, Mark
from chatbot.quality.review import Desk, Verdict, pile_sizes, read_reviews, runs
from chatbot.quality.suite import Case
from tests.chatbot.quality.fakes import an_outcome

MODES = ("base-prompted", "fine-tuned", "combined")
MARK = Mark(False, ("MACHINE SAYS SO",), ("MACHINE",))
OUTCOMES = [
    an_outcome(f"case-{n}", mode, f"Reply {n} of {k}.", marks=dict.fromkeys(CHECKS, MARK), question=f"Question {n}?")
    for n in range(20)
    for k, mode in enumerate(MODES)
]
YES, NO = Verdict(True, True), Verdict(False, False, ("no-slang",), "Too “chummy”.\nReally.")


def a_desk(home: Path, reviewer: str = "ana", outcomes=OUTCOMES, **other) -> Desk:
    return Desk(outcomes, home / "reviews" / "run 1", reviewer, **other)


def go_through(desk: Desk, verdict: Verdict = YES) -> list:
    seen = []
    while (item := desk.next()) is not None:
        seen.append(item)
        desk.save(item.number, verdict, "2026-11-20T10:00")
    return seen


def test_a_reviewer_sees_every_reply_and_one_in_twenty_twice(tmp_path: Path) -> None:
    desk = a_desk(tmp_path)
    seen = go_through(desk)
    texts = [item.text for item in seen]
    assert set(texts) == {one.text for one in OUTCOMES}
    assert len(texts) == 60 + 3
    assert [item.number for item in seen] == list(range(63))
    again = [one for one in desk.mine() if one.again]
    assert len(again) == 3
    first = {(one.case, one.mode): one.number for one in desk.mine() if not one.again}
    assert all(first[one.case, one.mode] < one.number for one in again)
    assert desk.finished()


def test_nothing_shown_tells_the_mode_or_the_machines_marks(tmp_path: Path) -> None:
    for item in go_through(a_desk(tmp_path)):
        shown = repr(asdict(item)) + repr(vars(item))
        assert not any(word in shown for word in (*MODES, *CHECKS, "MACHINE", "case-", "again"))


def test_the_order_is_drawn_anew_for_each_reviewer_and_stays(tmp_path: Path) -> None:
    def order(name: str, outcomes=OUTCOMES, seed: int = 0) -> list[str]:
        desk = a_desk(tmp_path, name, outcomes, seed=seed)
        return [desk.item(n).text for n in range(63)]

    assert order("ana") == order("ana") == order("Ana", OUTCOMES[::-1])
    assert order("ana") != order("ben")
    assert order("ana") != order("ana", seed=1)


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    desk = a_desk(tmp_path)
    for number in (0, 1, 3):
        desk.save(number, YES, "now")
    assert a_desk(tmp_path).next().number == 2


def test_a_mark_comes_back_as_it_was_and_the_last_word_counts(tmp_path: Path) -> None:
    desk = a_desk(tmp_path)
    desk.save(5, YES, "now")
    desk.save(5, NO, "later")
    assert [(one.number, one.verdict) for one in desk.mine()] == [(5, NO)]
    lines = (tmp_path / "reviews" / "run 1" / "ana.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["when"] for line in lines] == ["now", "later"]


@pytest.mark.parametrize(
    "damage", [b'{"number": 2, "verd', b"\xff\xfe\n", b"[]\n", b'{"number":1,"verdict":{}}\n', b"\n\n"]
)
def test_damaged_lines_are_passed_over_and_lose_nothing_else(tmp_path: Path, damage: bytes) -> None:
    desk = a_desk(tmp_path)
    desk.save(0, YES, "now")
    with desk.path.open("ab") as file:
        file.write(damage)
    desk.save(1, NO, "now")
    assert [(one.number, one.verdict) for one in desk.mine()] == [(0, YES), (1, NO)]


def test_no_reviewer_sees_anothers_marks_before_finishing(tmp_path: Path) -> None:
    ana, ben = a_desk(tmp_path), a_desk(tmp_path, "ben")
    go_through(ben, NO)
    ana.save(0, YES, "now")
    assert [one.reviewer for one in ana.mine()] == ["ana"]
    with pytest.raises(SuiteError, match="ana still has 62 replies to mark"):
        ana.everyones()
    go_through(ana)
    assert {one.reviewer for one in ana.everyones()} == {"ana", "ben"}
    assert len(read_reviews(tmp_path / "reviews" / "run 1")) == 126


@pytest.mark.parametrize("name", ["", " ", "../ana", "a/b", ".hidden", "a" * 41, "a\x00b", "a."])
def test_a_name_that_is_no_files_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SuiteError, match="cannot name a reviewer"):
        a_desk(tmp_path, name)


def test_a_number_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="pile has 63"):
        a_desk(tmp_path).save(63, YES, "now")


def test_a_pile_of_nothing_is_finished(tmp_path: Path) -> None:
    assert a_desk(tmp_path, outcomes=[]).next() is None
    assert read_reviews(tmp_path / "none") == []


def test_marks_of_another_draw_of_the_run_do_not_count(tmp_path: Path) -> None:
    a_desk(tmp_path, seed=0).save(0, YES, "now")
    assert a_desk(tmp_path, seed=1).mine() == []


def test_earlier_messages_are_shown(tmp_path: Path) -> None:
    said = (Message("user", "Hello?"), Message("assistant", "Hi."))
    case = Case("c1", "And now?", said, None, (), (), True, None, ())
    asked = an_outcome("c1", question="And now?")
    assert a_desk(tmp_path, outcomes=[asked], cases=[case]).next().history == said
    other = an_outcome("c1", question="Another suite's?")
    assert a_desk(tmp_path, outcomes=[other], cases=[case]).next().history == (), "not this conversation's"


def test_a_disk_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    desk = a_desk(tmp_path)
    (tmp_path / "reviews").write_text("")
    with pytest.raises(SuiteError, match="was not saved"):
        desk.save(0, YES, "now")


def test_a_file_of_marks_that_cannot_be_read_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "reviews" / "run 1" / "ana.jsonl").mkdir(parents=True)
    with pytest.raises(SuiteError, match="cannot be read"):
        a_desk(tmp_path)


def test_piles_hold_whole_cases_even_over_situations_and_grow_into_each_other(tmp_path: Path) -> None:
    outcomes = [
        an_outcome(f"case-{n}", mode, f"Reply {n} of {mode}.", situation=("refund", "upset", "rare")[n % 7 % 3])
        for n in range(100)
        for mode in MODES
    ]
    assert pile_sizes(outcomes) == [19, 60, 315]
    small, middle, whole = (a_desk(tmp_path, outcomes=outcomes, size=size) for size in (19, 60, None))
    assert (small.total, middle.total, whole.total) == (19, 60, 315)
    orders = [[desk.item(n).text for n in range(desk.total)] for desk in (small, middle, whole)]
    assert orders[0] == orders[1][:19]
    assert orders[1] == orders[2][:60]
    ben = a_desk(tmp_path, "ben", outcomes, size=19)
    assert {ben.item(n).text for n in range(19)} == set(orders[0]), "two reviewers share the small pile"
    go_through(small)
    by_case = [(one.case, one.mode) for one in small.mine() if not one.again]
    assert len({case for case, _ in by_case}) * 3 == len(by_case) == 18
    situations = {one.case: one.situation for one in outcomes}
    counts = [situations[case] for case, mode in by_case if mode == "combined"]
    assert sorted(map(counts.count, set(counts))) == [2, 2, 2]


def test_a_pile_once_begun_is_to_be_finished(tmp_path: Path) -> None:
    outcomes = [an_outcome(f"case-{n}", mode, f"{n} {mode}") for n in range(100) for mode in MODES]
    for number in range(25):
        a_desk(tmp_path, outcomes=outcomes, size=60).save(number, YES, "now")
    again = a_desk(tmp_path, outcomes=outcomes, size=19)
    assert (again.total, again.next().number) == (60, 25)


def test_a_repeat_comes_long_after_the_first(tmp_path: Path) -> None:
    for name in ("ana", "ben", "eve"):
        desk = a_desk(tmp_path, name)
        texts = [desk.item(n).text for n in range(63)]
        gaps = [last - texts.index(text) for last, text in enumerate(texts) if texts.index(text) < last]
        assert len(gaps) == 3
        assert min(gaps) >= 9


def test_marks_of_a_run_made_anew_under_the_same_name_do_not_count(tmp_path: Path) -> None:
    go_through(a_desk(tmp_path, "ben"))
    anew = [replace(one, text=f"{one.text} Anew.") for one in OUTCOMES]
    assert a_desk(tmp_path, "ben", anew).mine() == []
    ana = a_desk(tmp_path, "ana", anew)
    go_through(ana)
    assert {one.reviewer for one in ana.everyones()} == {"ana"}


def test_runs_are_listed_newest_first(tmp_path: Path) -> None:
    for age, name in enumerate(("new", "old", "empty")):
        folder = tmp_path / "qa" / "northwind" / name
        folder.mkdir(parents=True)
        if name != "empty":
            (folder / "outcomes.jsonl").write_text("")
            os.utime(folder / "outcomes.jsonl", (1000 - age, 1000 - age))
    assert [one.name for one in runs(tmp_path, "northwind")] == ["new", "old"]
    assert runs(tmp_path, "acme") == []


def test_a_kill_right_after_save_loses_nothing(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from tests.chatbot.quality.test_review import a_desk, YES\n"
        "desk = a_desk(Path(sys.argv[1]))\n"
        "for n in range(5): desk.save(n, YES, 'now')\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, cwd=Path(__file__).parents[3])
    assert len(a_desk(tmp_path).mine()) == 5

"""From the order to the report: what is checked first, what is judged, and how long a customer waits."""

from dataclasses import replace
from pathlib import Path

import pytest

from chatbot.mode import BASE_PROMPTED, COMBINED, FINE_TUNED
from chatbot.quality import checks, session
from chatbot.quality.latency import measure
from chatbot.quality.session import Order, carry_out, judge, order, runs
from chatbot.quality.suite import read_suite
from tests.chatbot.quality.fakes import an_outcome
from tests.ui.fakes import a_card, a_suite


@pytest.fixture
def ready(bot, monkeypatch, tmp_path: Path):
    """A bot whose brand has eight questions and no voice score."""
    bot.adapter = a_card()
    a_suite(tmp_path / "northwind.jsonl")
    monkeypatch.setattr(session, "SUITES", tmp_path)
    monkeypatch.setattr(checks, "PAIRS", tmp_path / "none")
    return bot


def quiet(done: int, total: int) -> None:
    pass


@pytest.mark.parametrize(
    ("names", "found", "judged"),
    [
        (["all"], ["base-prompted", "fine-tuned", "combined"], "combined"),
        (["combined", "plain", "combined"], ["plain", "combined"], "combined"),
        (["fine-tuned"], ["fine-tuned"], "fine-tuned"),
        (["fine-tuned", "plain"], ["plain", "fine-tuned"], "fine-tuned"),
    ],
)
def test_modes_stand_once_in_the_order_of_the_columns(ready, names, found, judged) -> None:
    what = order(ready.settings, modes=names)
    assert [mode.key for mode in what.modes] == found
    assert what.judged == judged


def test_what_is_judged_is_what_training_never_saw_or_else_everything(ready) -> None:
    what = order(ready.settings)
    outcomes = [an_outcome(f"c{n}", held_out=n < 3) for n in range(5)]
    assert judge(what, outcomes).judged.startswith("3 cases about articles that training never saw (of 8)")
    seen = [replace(one, held_out=False) for one in outcomes]
    assert judge(what, seen).judged == "5 cases (of 8), held against the bars"
    gate = judge(replace(what, baseline=tuple(seen)), outcomes)
    assert (gate.judged, gate.paired) == ("5 cases paired with the baseline", 5)


def test_runs_are_listed_newest_first_and_none_overwrites_another(ready, monkeypatch) -> None:
    monkeypatch.setattr(session.time, "strftime", lambda form: "2026-11-24-101500")
    what = order(ready.settings, size=2)
    folders = [carry_out(ready, what, quiet).folder for _ in range(3)]
    assert len(set(folders)) == 3
    assert runs(ready.settings) == sorted(folders, reverse=True)


def test_replies_are_counted_through_all_parts_of_a_run(ready) -> None:
    told: list[tuple[int, int]] = []
    what: Order = order(ready.settings, size=4, modes=["combined"], consistency=True)
    carry_out(ready, what, lambda done, total: told.append((done, total)))
    assert told[0] == (0, 27), "4 replies, five times more, and 3 live ones"
    assert told[-1] == (27, 27)
    assert told == sorted(told)


def test_a_customers_wait_is_measured_one_mode_and_one_question_at_a_time(ready, engine, tmp_path) -> None:
    cases = read_suite(tmp_path / "northwind.jsonl")[:3]
    found = measure(ready, cases, [BASE_PROMPTED, FINE_TUNED, COMBINED], ready.settings.decoding, quiet)
    assert [len(rows) for rows, _ in engine.history] == [1] * 9
    assert {mode: (one.n, one.first_token_s, one.total_s) for mode, one in found.items()} == {
        "base-prompted": (3, 0.1, 0.2), "fine-tuned": (3, 0.1, 0.2), "combined": (3, 0.1, 0.2),
    }  # fmt: skip

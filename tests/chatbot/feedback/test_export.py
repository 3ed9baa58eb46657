"""What is taken out: every vote accounted for, pairs that TRL takes, and cells that no spreadsheet runs."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from adapters.pairs import read_pairs
from chatbot.feedback.export import account, as_csv, as_jsonl, cell, preference_pairs, records
from chatbot.feedback.store import Store, open_store
from chatbot.settings import Settings
from tests.chatbot.feedback.given import MODES, a_battle, a_side, a_vote, saved
from ui.cli import app

RUN = CliRunner()


def filled(store: Store) -> None:
    """Two that prefer a reply, a tie, both bad, one withdrawn, one void; and another brand's."""
    experiment = store.experiment("northwind", "demo", MODES)
    for choice in ("left", "right", "tie", "both-bad"):
        store.cast(a_vote(saved(store, experiment, "ana"), choice, comment="=1+1", left_reasons=("too-long",)))
    store.withdraw(store.cast(a_vote(saved(store, experiment, "ben"))).id, "ben")
    later = saved(store, experiment, "ben")
    store.cast(a_vote(later))
    store.void(later.draw.id, "a name was seen")
    saved(store, experiment, "carl")
    store.cast(a_vote(saved(store, store.experiment("acme", "demo", MODES), "ana", brand="acme")))


def test_counted_and_excluded_are_all_that_was_cast(store: Store) -> None:
    filled(store)
    found = records(store, "northwind")
    every = account(store, found, "northwind")
    assert (every.cast, every.counted, every.excluded) == (6, 4, {"void: a name was seen": 1, "withdrawn": 1})
    pairs = account(store, found, "northwind", pairs=True)
    assert (pairs.cast, pairs.counted) == (6, 2)
    assert pairs.excluded == {"a tie": 1, "both bad": 1, "void: a name was seen": 1, "withdrawn": 1}
    for told in (every, pairs):
        assert told.counted + sum(told.excluded.values()) == told.cast
    assert account(store, records(store)).cast == 7
    assert [one["kind"] for one in found] == ["vote"] * 6 + ["battle"]


def test_a_pair_has_the_winners_text_as_chosen_wherever_it_stood(store: Store) -> None:
    experiment = store.experiment("northwind", "demo", MODES)
    wanted = []
    for n in range(12):
        draw = store.draw(experiment, "ana")
        battle = a_battle(draw, f"Question {n}?", sides=tuple(a_side(mode, f"{mode} {n}") for mode in draw.pair))
        store.save_battle(battle)
        choice = "left" if n % 2 else "right"
        won, lost = (battle.left, battle.right) if n % 2 else (battle.right, battle.left)
        store.cast(a_vote(battle, choice))
        wanted.append((won.text, lost.text, f"Question {n}?"))
    pairs = preference_pairs(records(store))
    assert [
        (one["chosen"][0]["content"], one["rejected"][0]["content"], one["prompt"][-1]["content"]) for one in pairs
    ] == wanted
    assert {won.split()[1] for won, _, _ in wanted} == {str(n) for n in range(12)}


def test_what_is_exported_can_be_trained_on(store: Store, tmp_path: Path) -> None:
    filled(store)
    (tmp_path / "pairs.jsonl").write_text(as_jsonl(preference_pairs(records(store))), encoding="utf-8")
    pairs = read_pairs(tmp_path / "pairs.jsonl")
    assert len(pairs) == 3
    assert {pair.chat[0] for pair in pairs} == {("system", "You help.")}
    assert all(pair.chosen != pair.rejected for pair in pairs)


def test_trl_takes_the_pairs(store: Store, tmp_path: Path) -> None:
    """TRL's own reading of a preference example, in a process of its own: trl is slow to import."""
    filled(store)
    path = tmp_path / "pairs.jsonl"
    path.write_text(as_jsonl(preference_pairs(records(store))), encoding="utf-8")
    code = (
        "import json, sys\n"
        "from trl.data_utils import is_conversational, extract_prompt\n"
        "rows = [json.loads(line) for line in open(sys.argv[1])]\n"
        "assert rows and all(is_conversational(row) for row in rows)\n"
        "assert all(set(row) == {'prompt', 'chosen', 'rejected'} for row in rows)\n"
        "assert all(extract_prompt({'chosen': r['prompt'] + r['chosen'], 'rejected': r['prompt'] + r['rejected']})['prompt'] == r['prompt'] for r in rows)\n"
        "print(len(rows))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "3", done.stderr[-800:]


@given(
    text=st.text(max_size=30) | st.sampled_from(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "\n@x"])
)
def test_no_cell_begins_a_formula(text: str) -> None:
    told = cell(text)
    assert not told.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
    assert told in (text, f"'{text}")


def test_a_table_has_all_columns_and_comes_back_whole(store: Store) -> None:
    filled(store)
    found = records(store)
    table = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert len(table) == len(found)
    assert table[0]["comment"] == "'=1+1"
    assert json.loads(table[0]["history"]) == found[0]["history"]
    assert table[0]["first_reasons"] + table[0]["second_reasons"] in ('["too-long"][]', '[]["too-long"]')
    assert {"left_arm", "first_prompt_hash", "second_adapter", "seed", "version", "void_reason"} <= set(table[0])


@pytest.fixture
def home(monkeypatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path))
    store = open_store(Settings(home=tmp_path))
    filled(store)
    store.close()
    return tmp_path


def test_the_command_writes_a_file_and_prints_the_account(home: Path) -> None:
    out = home / "pairs.jsonl"
    done = RUN.invoke(
        app, ["feedback", "export", "--brand", "northwind", "--format", "dpo", "--out", str(out), "--json"]
    )
    document = json.loads(done.stdout)
    assert (document["format"], document["cast"], document["counted"], document["written"]) == ("dpo", 6, 2, 2)
    assert [set(json.loads(line)) for line in out.read_text().splitlines()] == [{"prompt", "chosen", "rejected"}] * 2
    printed = RUN.invoke(app, ["feedback", "export", "--format", "csv"])
    assert printed.stdout.startswith("kind,battle,brand")
    assert "7 votes cast, 5 counted, excluded: 1 void: a name was seen, 1 withdrawn. 8 rows." in printed.stderr
    lines = RUN.invoke(app, ["feedback", "export"]).stdout.splitlines()
    assert [json.loads(line)["kind"] for line in lines].count("vote") == 7
    assert len(json.loads(RUN.invoke(app, ["feedback", "export", "--json"]).stdout)["rows"]) == 8


def test_purge_asks_first_and_says_what_went(home: Path) -> None:
    refused = RUN.invoke(app, ["feedback", "purge", "--voter", "ana", "--json"])
    assert refused.exit_code == 1
    assert "5 battles, 5 votes and 0 thumbs would be deleted for good. Nothing was" in " ".join(refused.stderr.split())
    assert RUN.invoke(app, ["feedback", "purge", "--voter", "ana"], input="n\n").exit_code == 1
    assert json.loads(RUN.invoke(app, ["feedback", "export", "--json"]).stdout)["cast"] == 7
    done = RUN.invoke(app, ["feedback", "purge", "--voter", "ana", "--yes", "--json"])
    assert json.loads(done.stdout) == {"battles": 5, "votes": 5, "thumbs": 0, "deleted": True}
    left = json.loads(RUN.invoke(app, ["feedback", "export", "--json"]).stdout)
    assert (left["cast"], left["counted"], left["excluded"]["deleted: the voter's wish"]) == (7, 0, 5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["purge"], "Say what to delete"),
        (["purge", "--older-than", "soon"], "write 90d"),
        (["export", "--out", "/nowhere/x.csv"], "Choose another --out"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(home: Path, arguments: list[str], said: str) -> None:
    done = RUN.invoke(app, ["feedback", *arguments])
    assert done.exit_code == 1
    assert said in " ".join(done.stderr.split())

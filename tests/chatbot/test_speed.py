"""`triptych bench` on the tiny model: what is timed is what was asked for, and what cannot be is refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chatbot.engine import local
from chatbot.errors import EngineError, SettingError
from chatbot.settings import Settings
from chatbot.speed import ROUNDS, measure_speed
from ui.cli import app

RUN = CliRunner()


@pytest.fixture
def settings(versioned_home: Path, tiny_folder: Path) -> Settings:
    return Settings(home=versioned_home, base=str(tiny_folder), dtype="float32", adapter="2")


@pytest.fixture
def runs(monkeypatch) -> list[local.LocalRun]:
    """Every batch that is written."""
    made, write = [], local.LocalEngine.write

    def kept(*what) -> local.LocalRun:
        made.append(write(*what))
        return made[-1]

    monkeypatch.setattr(local.LocalEngine, "write", kept)
    return made


def nothing(done: int, total: int) -> None:
    """Tell nobody."""


def test_every_row_writes_as_many_tokens_as_asked(settings: Settings, runs: list) -> None:
    told = []
    found = measure_speed(settings, 3, 90, 12, lambda *how: told.append(how))
    timed = runs[2:]  # the first two are to get warm
    assert [len(run.rows) for run in timed] == [3, 1] * ROUNDS
    assert {(end.tokens_in, end.tokens_out) for run in timed for end in run.ends} == {(90, 12)}
    assert [row.tone for row in timed[0].rows] == [None, "northwind", "northwind"]
    assert timed[1].rows[0].tone == "northwind"
    assert (found.prompt_tokens, found.new_tokens, found.modes, found.adapter, found.fault) == (90, 12, 3, "2", "")
    assert told == [(done, 2 * ROUNDS) for done in range(2 * ROUNDS + 1)]


def test_its_medians_are_those_of_the_batches(settings: Settings, runs: list) -> None:
    found = measure_speed(settings, 3, 90, 12, nothing)
    together, alone = (sorted(run.ends[-1].total_s for run in runs[2 + kind :: 2])[1] for kind in (0, 1))
    assert (found.three_mode_s, found.one_mode_s) == (round(together, 3), round(alone, 3))
    assert 0 < found.first_token_s < found.three_mode_s
    assert found.load_s > 0


def test_one_mode_wears_the_adapter(settings: Settings, runs: list) -> None:
    found = measure_speed(settings, 1, 90, 2, nothing)
    assert [len(run.rows) for run in runs] == [1] * (1 + ROUNDS), "the same is not timed twice"
    assert (found.ratio, found.one_mode_s) == (1.0, found.three_mode_s)
    assert {row.tone for run in runs for row in run.rows} == {"northwind"}


def test_without_an_adapter_the_base_is_timed_and_the_reason_said(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "adapters" / "northwind" / "versions" / "2" / "adapter_model.safetensors").unlink()
    found = measure_speed(settings, 2, 90, 2, nothing)
    assert found.adapter == ""
    assert "adapter_model.safetensors" in found.fault


@pytest.mark.parametrize(("prompt", "new", "why"), [(5, 5, "too short"), (4000, 97, "more than the 4096")])
def test_a_length_that_cannot_be_is_refused(settings: Settings, prompt: int, new: int, why: str) -> None:
    with pytest.raises(SettingError, match=why):
        measure_speed(settings, 3, prompt, new, nothing)


def test_rows_that_end_early_say_nothing(settings: Settings, monkeypatch) -> None:
    write = local.LocalEngine.write

    def cut(engine, rows, decoding) -> local.LocalRun:
        return write(engine, rows, replace(decoding, max_new_tokens=3))

    monkeypatch.setattr(local.LocalEngine, "write", cut)
    with pytest.raises(EngineError, match="did not write all 8 tokens"):
        measure_speed(settings, 3, 90, 8, nothing)


def test_the_command_prints_one_document_or_a_table(settings: Settings, monkeypatch) -> None:
    for name in ("home", "base", "dtype"):
        monkeypatch.setenv(f"TRIPTYCH_{name.upper()}", str(getattr(settings, name)))
    short = ["bench", "--prompt-tokens", "90", "--new-tokens", "3", "--adapter", "2"]
    done = RUN.invoke(app, [*short, "--json"])
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert {"three_mode_s", "one_mode_s", "first_token_s", "steps_per_s", "load_s"} <= document.keys()
    shown = " ".join(RUN.invoke(app, short, env={"COLUMNS": "140"}).stdout.split())
    assert "3 modes together" in shown
    assert "adapter 2, float32 on cpu" in shown
    refused = RUN.invoke(app, ["bench", "--prompt-tokens", "3"])
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "too short" in refused.stderr

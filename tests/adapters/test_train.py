"""Training a tone, on the tiny model: it learns, repeats, resumes, and writes whole or not at all."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from adapters import keep as keep_module
from adapters import train as train_module
from adapters.attach import WEIGHTS, attach
from adapters.base import load_base
from adapters.card import read_card
from adapters.errors import AdapterError, ExampleError, TrainingStopped
from adapters.keep import prove
from adapters.loop import Progress
from adapters.pack import Lesson
from adapters.train import Recipe, train

RECIPE = Recipe(rank=4, alpha=8, epochs=3, packs=1, share=4, learning_rate=5e-3)


def lessons(count: int = 16) -> list[Lesson]:
    chat = [("system", "You are a shop."), ("user", "?")]
    return [Lesson((*chat[:1], ("user", f"question {n}")), "Yes. Crew", f"line {n}") for n in range(count)]


def trained(folder: Path, tiny_folder: Path, tell=lambda progress: None, recipe: Recipe = RECIPE, parent=None):
    base = load_base(str(tiny_folder), tiny_folder, dtype="float32", attention="sdpa")
    passes = [lessons()] * recipe.epochs
    return train(base, passes, lessons(4), folder, "tone", "data", 16, recipe, tell, parent)


@pytest.fixture(scope="module")
def first(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "tone"
    trained(folder, tiny_folder)
    return folder


def test_it_learns_the_reply_and_says_so_on_the_card(first: Path) -> None:
    card = read_card(first)
    assert card.eval_loss < card.eval_loss_before - 2
    assert (card.steps, card.examples, card.data) == (12, 16, "data")
    assert card.tokens_per_s > 0
    assert card.recipe["rank"] == 4
    assert set(card.versions) == {"torch", "transformers", "peft", "trl", "safetensors"}


def test_it_writes_safetensors_card_and_model_card_and_nothing_else(first: Path) -> None:
    assert sorted(p.name for p in first.iterdir()) == ["README.md", "adapter_config.json", WEIGHTS, "card.toml"]
    assert [p.name for p in first.parent.iterdir()] == ["tone"], "no checkpoints, no half-made folders"
    config = json.loads((first / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == read_card(first).base.name


def test_it_passes_its_own_gate(first: Path, tiny_base) -> None:
    prove(tiny_base, first, "tone")


def test_the_same_seed_gives_the_same_weights(first: Path, tiny_folder: Path, tmp_path: Path) -> None:
    trained(tmp_path / "again", tiny_folder)
    one, two = load_file(first / WEIGHTS), load_file(tmp_path / "again" / WEIGHTS)
    assert all((one[key] == two[key]).all() for key in one)
    trained(tmp_path / "other", tiny_folder, recipe=replace(RECIPE, seed=8))
    assert read_card(tmp_path / "other").weights != read_card(first).weights


def test_progress_is_told(tiny_folder: Path, tmp_path: Path) -> None:
    said: list[Progress] = []
    trained(tmp_path / "tone", tiny_folder, said.append)
    assert [one.step for one in said] == list(range(13))
    assert {one.steps for one in said} == {12}
    assert said[-1].loss is not None
    assert said[-1].loss < said[1].loss


def test_it_goes_on_from_an_adapter_which_it_leaves_alone(first: Path, tiny_folder: Path, tmp_path: Path) -> None:
    files = {path.name: path.read_bytes() for path in first.iterdir()}
    said: list[Progress] = []
    made = trained(tmp_path / "next", tiny_folder, said.append, replace(RECIPE, rank=2, alpha=2, seed=9), first)
    before = read_card(first)
    assert made.parent == before.weights
    assert before.parent is None
    assert (made.recipe["rank"], made.recipe["alpha"], made.recipe["lower"]) == (4, 8, 0.0), "the parent's shape holds"
    gained = before.eval_loss_before - before.eval_loss
    assert said[1].loss == pytest.approx(before.eval_loss, abs=gained / 4), "it begins where the parent ended"
    assert made.eval_loss < before.eval_loss
    assert made.eval_loss_before == before.eval_loss_before, "of the bare base"
    assert {path.name: path.read_bytes() for path in first.iterdir()} == files
    assert "--go-on" in (tmp_path / "next" / "README.md").read_text("utf-8")


def test_a_stopped_training_that_goes_on_from_another_adapter_takes_no_checkpoint_of_this_one(
    first: Path, tiny_folder: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(train_module, "SAVE_EVERY", 2)

    def stop(progress: Progress) -> None:
        if progress.step == 6:
            raise KeyboardInterrupt

    with pytest.raises(TrainingStopped):
        trained(tmp_path / "tone", tiny_folder, stop, parent=first)
    said: list[Progress] = []
    trained(tmp_path / "tone", tiny_folder, said.append)
    assert said[0].step == 0, "another beginning is another training"
    with pytest.raises(AdapterError, match="There is no adapter folder"):
        trained(tmp_path / "tone", tiny_folder, parent=tmp_path / "nowhere")


def test_a_stopped_training_writes_nothing_and_goes_on_where_it_was(
    first: Path, tiny_folder: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(train_module, "SAVE_EVERY", 4)
    folder = tmp_path / "tone"

    def stop(progress: Progress) -> None:
        if progress.step == 7:
            raise KeyboardInterrupt

    with pytest.raises(TrainingStopped, match="goes on from the last checkpoint"):
        trained(folder, tiny_folder, stop)
    assert not folder.exists()
    said: list[int] = []
    trained(folder, tiny_folder, lambda progress: said.append(progress.step))
    assert said[0] == 4, "from the checkpoint, not from the start"
    one, two = load_file(first / WEIGHTS), load_file(folder / WEIGHTS)
    assert all((one[key] - two[key]).abs().max() < 1e-2 for key in one)
    assert read_card(folder).train_loss == pytest.approx(read_card(first).train_loss, abs=1e-2), "of all steps"
    assert [p.name for p in tmp_path.iterdir()] == ["tone"]


def test_a_lesson_too_long_is_refused_by_its_place(tiny_folder: Path, tmp_path: Path) -> None:
    base = load_base(str(tiny_folder), tiny_folder, dtype="float32")
    long = Lesson((("system", "s"), ("user", "x" * 900)), "Yes.", "examples.jsonl, line 3")
    with pytest.raises(ExampleError, match=r"examples\.jsonl, line 3 is \d+ tokens long"):
        train(base, [[long]], lessons(1), tmp_path / "tone", "tone", "data", 1, replace(RECIPE, longest=500))


def test_a_full_disk_is_one_sentence_and_leaves_the_old_adapter(
    first: Path, tiny_folder: Path, tmp_path: Path, monkeypatch
) -> None:
    import errno
    import shutil

    folder = Path(shutil.copytree(first, tmp_path / "tone"))
    before = {p.name: p.read_bytes() for p in folder.iterdir()}

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(keep_module, "save", full)
    with pytest.raises(AdapterError, match="is full"):
        trained(folder, tiny_folder, recipe=replace(RECIPE, epochs=1))
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_a_new_adapter_replaces_the_old_one_whole(first: Path, tiny_folder: Path, tmp_path: Path, tiny_base) -> None:
    folder = tmp_path / "tone"
    trained(folder, tiny_folder, recipe=replace(RECIPE, epochs=1))
    before = read_card(folder)
    trained(folder, tiny_folder, recipe=replace(RECIPE, epochs=2))
    assert read_card(folder).weights != before.weights
    attach(tiny_base, folder, "tone")

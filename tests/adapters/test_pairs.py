"""Preference files: what is read, what is refused and how it is told, and what is held out."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import ExampleError
from adapters.pairs import COLUMNS, Pair, check_pair, contradicted, read_pairs, split

SYSTEM, USER = {"role": "system", "content": "You are a shop."}, {"role": "user", "content": "How long?"}


def says(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def a_line(**other) -> dict:
    return {"prompt": [SYSTEM, USER], "chosen": says("45 days."), "rejected": says("Dear Sir."), **other}


def written(path: Path, *lines) -> Path:
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines), encoding="utf-8")
    return path


def test_a_file_is_read_line_by_line(tmp_path: Path) -> None:
    history = [SYSTEM, USER, *says("45 days."), {"role": "user", "content": "<|im_start|>system"}]
    path = written(tmp_path / "pairs.jsonl", a_line(), "", a_line(prompt=history, score=3))
    first, second = read_pairs(path)
    assert first == Pair(
        (("system", "You are a shop."), ("user", "How long?")), "45 days.", "Dear Sir.", "pairs.jsonl, line 1"
    )
    assert second.place == "pairs.jsonl, line 3"
    assert second.chat[-1] == ("user", "<|im_start|>system"), "a customer may type that; the chat format tames it"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 1 is not valid JSON"),
        ("[]", "is not a JSON object"),
        ({"prompt": [SYSTEM, USER], "chosen": says("a")}, "lacks 'rejected'"),
        (a_line(rejected=says(" 45  days.\n")), "are the same reply"),
        (a_line(prompt="How long?"), "'prompt' must be a list of messages"),
        (a_line(prompt=[]), "'prompt' must be a list of messages"),
        (a_line(prompt=[USER]), "message 1 of 'prompt' is from 'user' where 'system' is due"),
        (a_line(prompt=[SYSTEM]), "must end with the customer's message"),
        (a_line(prompt=[SYSTEM, USER, USER]), "message 3 of 'prompt' is from 'user' where 'assistant' is due"),
        (a_line(prompt=[SYSTEM, USER, *says("45.")]), "must end with the customer's message"),
        (a_line(chosen=[USER]), "'chosen' must be one message with the role 'assistant'"),
        (a_line(rejected=says("a") + says("b")), "'rejected' must be one message"),
        (a_line(rejected=says("  ")), "a 'content' in 'rejected' must be text and not empty"),
        (a_line(chosen=[{"role": "assistant"}]), "a 'content' in 'chosen' must be text"),
        (a_line(chosen=says("Yes.<|im_end|>")), "'chosen' holds the control token '<|im_end|>'"),
        ('{"prompt": [], "chosen": "\\ud800"}', "lacks 'rejected'"),
        (json.dumps(a_line(chosen=says("\ud800"))), "half a character"),
    ],
)
def test_a_bad_line_is_named_with_its_place_and_a_way_out(tmp_path: Path, line, said: str) -> None:
    with pytest.raises(ExampleError) as error:
        read_pairs(written(tmp_path / "pairs.jsonl", line))
    assert said in str(error.value)
    assert "pairs.jsonl, line 1" in str(error.value)
    assert "Take the line out, or export the votes again" in str(error.value)


def test_all_bad_lines_are_named_at_once(tmp_path: Path) -> None:
    path = written(tmp_path / "pairs.jsonl", a_line(), "{", a_line(), "[]", a_line(chosen=says("Dear Sir.")))
    with pytest.raises(
        ExampleError, match=r"^pairs\.jsonl, line 2 is not valid JSON.* Lines with faults besides: 4, 5\."
    ):
        read_pairs(path)


def test_a_file_without_pairs_or_without_text_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(ExampleError, match=r"holds no preference pairs\. Collect votes"):
        read_pairs(written(tmp_path / "pairs.jsonl", "", " "))
    with pytest.raises(ExampleError, match="cannot be read"):
        read_pairs(tmp_path / "nowhere.jsonl")
    (tmp_path / "pairs.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(ExampleError, match="not UTF-8"):
        read_pairs(tmp_path / "pairs.jsonl")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*COLUMNS, "role", "content"]), inner),
    max_leaves=12,
)
messages = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant", "tool"]), "content": st.text()}),
    max_size=5,
)
lines = st.one_of(
    st.text(),
    anything.map(json.dumps),
    st.fixed_dictionaries(dict.fromkeys(COLUMNS, messages | anything)).map(json.dumps),
    st.fixed_dictionaries(dict.fromkeys(COLUMNS, st.text(min_size=1))).map(
        lambda said: json.dumps({
            "prompt": [SYSTEM, {"role": "user", "content": said["prompt"]}],
            "chosen": says(said["chosen"]), "rejected": says(said["rejected"]),
        })
    ),
)  # fmt: skip


@given(line=lines)
def test_any_line_is_a_whole_pair_or_one_sentence(line: str) -> None:
    fault = ""
    try:
        pair = check_pair(line, "pairs.jsonl, line 9")
    except ExampleError as error:
        fault = str(error)
    if fault:
        assert fault.startswith("pairs.jsonl, line 9")
        return
    roles = [role for role, _ in pair.chat]
    assert roles == ["system", *["user", "assistant"] * (len(roles) // 2 - 1), "user"]
    assert all(
        text.strip() and text.encode() for text in (*(text for _, text in pair.chat), pair.chosen, pair.rejected)
    )
    assert pair.chosen != pair.rejected


def a_pair(prompt: int, chosen: str = "a", rejected: str = "b") -> Pair:
    return Pair((("system", "s"), ("user", str(prompt))), chosen, rejected, "")


@given(prompts=st.lists(st.integers(0, 40), min_size=2, max_size=120), seed=st.integers(0, 99))
def test_a_tenth_is_held_out_and_no_question_is_on_both_sides(prompts: list[int], seed: int) -> None:
    pairs = [a_pair(n) for n in prompts]
    if len(set(prompts)) == 1:
        with pytest.raises(ExampleError, match="one and the same prompt"):
            split(pairs, 0.1, seed)
        return
    learnt, held = split(pairs, 0.1, seed)
    assert sorted(map(repr, [*learnt, *held])) == sorted(map(repr, pairs))
    assert learnt
    assert held
    assert not {one.chat for one in learnt} & {one.chat for one in held}
    most = max(prompts.count(n) for n in prompts)
    assert len(held) < max(round(0.1 * len(pairs)), 1) + most
    assert split(pairs, 0.1, seed) == (learnt, held)


def test_opposite_tastes_are_counted() -> None:
    assert contradicted([a_pair(1), a_pair(1, "b", "a"), a_pair(1), a_pair(2), a_pair(3, "b", "a")]) == 3

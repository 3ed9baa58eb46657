"""The head that tells situations: learnt once, kept, and learnt again when anything changes."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from chatbot import head as module
from chatbot.brand import find_brand
from chatbot.guide import read_guide
from chatbot.head import SIGNS, calibrate, kept, learn, signs, sure
from chatbot.situation import Detector, Situation
from chatbot.taught import detector_for, detector_from, messages_of
from knowledge.brought import brought, write
from knowledge.embed import MiniLM, MPNet
from knowledge.kept import key_of

SAID = [
    *(("upset", text) for text in ("I AM FURIOUS!!", "worst shop EVER!", "this is a DISGRACE!!!", "never again!!")),
    *(("question", text) for text in ("what does it cost?", "do you ship abroad?", "how heavy is it?", "which size?")),
    *(("thanks", text) for text in ("thank you", "thanks a lot", "cheers, that helped", "great, thanks")),
]


class Counting(MiniLM):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []

    @property
    def calls(self) -> int:
        return len(self.asked)

    def encode(self, texts):
        self.asked.append(list(texts))
        return super().encode(texts)


@pytest.fixture(scope="module")
def encoder() -> Counting:
    return Counting()


def chances(head: module.Head, encoder: MiniLM, message: str) -> dict[str, float]:
    return head.chances(encoder.encode([message])[0], message)


def test_the_mood_counts_beside_the_topic(encoder: Counting) -> None:
    head = learn(SAID, encoder)
    calm, loud = (chances(head, encoder, text) for text in ("what does shipping cost?", "WHAT DOES SHIPPING COST!!!"))
    assert max(calm, key=calm.__getitem__) == "question"
    assert loud["upset"] > calm["upset"]
    assert sum(calm.values()) == pytest.approx(1)


@pytest.mark.parametrize("message", ["", "!", "OK", "¿?", "12 34"])
def test_signs_are_numbers_for_any_message(message: str) -> None:
    assert len(signs(message)) == SIGNS
    assert np.isfinite(signs(message)).all()


def test_a_head_is_learnt_once_and_again_for_other_messages_or_another_encoder(
    encoder: Counting, tmp_path: Path
) -> None:
    first = kept(SAID, encoder, tmp_path)
    before = encoder.calls
    again = kept(SAID, encoder, tmp_path)
    assert first is not None
    assert again is not None
    assert encoder.calls == before, "it was read"
    np.testing.assert_array_equal(first.weights, again.weights)
    kept([*SAID, ("upset", "shame on you")], encoder, tmp_path)
    encoder.fingerprint = "another"
    kept(SAID, encoder, tmp_path)
    assert encoder.calls == before + 2
    assert len(list(tmp_path.iterdir())) == 1, "older ones are swept"


def test_chances_are_sharpened_or_softened_and_still_add_up() -> None:
    chances = {"a": 0.6, "b": 0.3, "c": 0.1}
    assert sure(chances, 1.0) == pytest.approx(chances)
    assert sure(chances, 2.0)["a"] > 0.6 > sure(chances, 0.5)["a"]
    assert sum(sure(chances, 1.7).values()) == pytest.approx(1.0)
    assert list(sure({"a": 1.0, "b": 0.0}, 3.0)) == ["a", "b"]


def test_a_head_that_is_right_more_often_than_it_says_is_sharpened() -> None:
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(0)
    keys = [str(n % 3) for n in range(300)]
    plain = np.array([[float(key == str(k)) for k in range(3)] for key in keys])
    clear, noise = csr_matrix(plain * 0.5), csr_matrix(rng.normal(size=(300, 40)))
    assert calibrate(clear, keys) > 1.2, "a small C keeps what is plain too doubtful"
    assert calibrate(noise, keys) < 1.0, "what says nothing must not sound sure"


def test_a_damaged_head_is_learnt_again(encoder: Counting, tmp_path: Path) -> None:
    kept(SAID, encoder, tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    before = encoder.calls
    assert kept(SAID, encoder, tmp_path) is not None
    assert encoder.calls == before + 1


def test_a_head_that_cannot_be_kept_is_used_all_the_same(encoder: Counting, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert kept(SAID, encoder, tmp_path / "file" / "below") is not None


def test_too_few_messages_teach_nothing(encoder: Counting, tmp_path: Path) -> None:
    assert kept(SAID[:6], encoder, tmp_path) is None
    assert kept([*SAID, ("rare", "one")], encoder, tmp_path) is None


def test_a_detector_with_a_head_asks_it_and_shows_the_nearest_utterances(encoder: Counting) -> None:
    situations = [
        Situation(key, key, "", False, tuple(text for other, text in SAID if other == key), "", ())
        for key in ("upset", "question", "thanks")
    ]
    verdict = Detector(situations, encoder, head=learn(SAID, encoder)).detect("how heavy is the tent?")
    assert (verdict.situation.key, verdict.origin) == ("question", "detected")
    assert verdict.evidence[0].utterance == "how heavy is it?"
    assert Detector(situations, encoder, head=learn(SAID, encoder)).detect("xqzt 99 vvkp").origin == "fallback"


def test_a_brand_opens_without_embedding_what_its_head_was_learnt_from_and_an_edit_costs_what_is_new(
    bot, encoder: Counting, tmp_path: Path
) -> None:
    few = [replace(one, utterances=one.utterances[:4], counter=()) for one in bot.guide.situations[:4]]
    few += [one for one in bot.guide.situations if one.key == "question" and one not in few]
    brand, guide = replace(bot.brand, examples=tmp_path / "none.jsonl"), replace(bot.guide, situations=tuple(few))
    fresh = detector_for(brand, guide, encoder, tmp_path)
    before = encoder.calls
    again = detector_for(brand, guide, encoder, tmp_path)
    assert encoder.calls == before, "all was read"
    told = "my brother set fire to the tent"
    assert again.detect(told) == fresh.detect(told)
    edited = (replace(few[0], utterances=(*few[0].utterances, told, "and laughed")), *few[1:])
    before = encoder.calls
    found = detector_from(again, brand, edited).detect(told)
    assert encoder.asked[before:] == [[told, "and laughed"], [told]]
    assert found.evidence[0].cosine == pytest.approx(1, abs=1e-5)


def test_an_example_may_teach_the_tone_alone(bot, tmp_path: Path) -> None:
    both = [(detect, f"MY JACKET CAME UNWAXED {n} {detect}") for n in range(6) for detect in (True, False)]
    reply = {"role": "assistant", "content": "We're sorry."}
    lines = [
        {"situation": "upset", "detect": detect, "messages": [{"role": "user", "content": text}, reply]}
        for detect, text in both
    ]
    path = tmp_path / "examples.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    taught = {text for _, text in messages_of(replace(bot.brand, examples=path), bot.guide.situations)}
    assert {text for _, text in both} & taught == {text for detect, text in both if detect}


def test_northwind_brings_the_vectors_of_all_its_messages_and_of_no_others() -> None:
    brand = find_brand("northwind", Path("/nowhere"))
    keys, _ = brought(brand.prompts, MPNet.fingerprint)
    wanted = {key_of(message): message for _, message in messages_of(brand, read_guide(brand.prompts).situations)}
    missing = [message for key, message in wanted.items() if key not in set(keys)]
    assert not missing, (
        f"{len(missing)} messages have none, {missing[0]!r} for one. Write it anew: python -m chatbot.taught"
    )
    assert not set(keys) - set(wanted), "Some are of messages that are gone. Write it anew: python -m chatbot.taught"


def test_a_first_head_is_learnt_from_what_is_brought_and_only_the_rest_is_embedded(tmp_path: Path, monkeypatch) -> None:
    brand = find_brand("northwind", Path("/nowhere"))
    guide, asked = read_guide(brand.prompts), []

    class Wide:
        fingerprint = MPNet.fingerprint

        def encode(self, texts):
            asked.extend(texts)
            return np.zeros((len(texts), MPNet.width), np.float32)

    def learnt(said, encoder, folder):  # the fit takes half a minute and is not the point
        return SimpleNamespace(vectors=encoder.encode([message for _, message in said]))

    monkeypatch.setattr("chatbot.taught.kept", learnt)
    keys, vectors = brought(brand.prompts, MPNet.fingerprint)
    (tmp_path / "prompts").mkdir()
    write(tmp_path / "prompts", MPNet.fingerprint, keys[3:], vectors[3:])
    elsewhere = replace(brand, prompts=tmp_path / "prompts")
    detector_for(elsewhere, guide, Wide(), tmp_path)
    assert len(asked) == 3
    assert {key_of(text) for text in asked} == set(keys[:3])

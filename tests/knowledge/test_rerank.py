"""A cross-encoder reorders the best lines, if a folder with one is named: a tiny random BERT, made here, offline."""

from pathlib import Path

import pytest

from chatbot.settings import read_settings
from knowledge.embed import model_folder
from knowledge.errors import KnowledgeError
from knowledge.ingest import build_index
from knowledge.rerank import CrossEncoder, open_reranker
from knowledge.search import RERANKED, open_searcher, reordered
from tests.conftest import FakeEncoder, hit

ARTICLE = "---\ntitle: Lamps\n---\n" + "\n\n".join(
    f"## Lamp {n}\nThe lamp number {n} is sold in {n} colours of glass." for n in range(14)
)
QUESTION = "In how many colours is the lamp sold?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_cross_encoder(tmp_path_factory.mktemp("rerank") / "tiny-judge")


def tiny_cross_encoder(folder: Path, labels: int = 1) -> Path:
    """A random BERT of 2 layers that reads letters."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    signs = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = Tokenizer(models.BPE({t: i for i, t in enumerate([*signs, *letters])}, []))
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokens, model_max_length=256, **names).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(signs) + len(letters), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=256, num_labels=labels, initializer_range=0.5,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


class ByNumber:
    """Likes a line the more, the higher the number in it."""

    name = "by-number"

    def scores(self, question: str, lines: list[str]) -> list[float]:
        self.read = list(lines)
        return [float("".join(filter(str.isdigit, line))) for line in lines]


def test_the_best_ten_are_reordered_and_the_others_stay() -> None:
    hits = [hit(f"Fact {n}.", heading=f"h{n}") for n in range(100, 114)]
    by = ByNumber()
    found = reordered(QUESTION, hits, by)
    assert len(by.read) == RERANKED == 10
    assert [one.text for one in found] == [f"Fact {n}." for n in (*range(109, 99, -1), *range(110, 114))]
    assert [one.reordered and one.reordered.before for one in found] == [*range(10, 0, -1), *[None] * 4]
    assert found[0].reordered.by == "by-number"


def test_nothing_found_is_nothing_to_read(folder: Path) -> None:
    assert reordered(QUESTION, (), CrossEncoder(folder)) == ()


def test_equals_keep_their_order() -> None:
    class Even(ByNumber):
        def scores(self, question: str, lines: list[str]) -> list[float]:
            return [1.0] * len(lines)

    hits = [hit(f"Fact {n}.", heading=f"h{n}") for n in range(5)]
    assert [one.text for one in reordered(QUESTION, hits, Even())] == [one.text for one in hits]


def test_a_cross_encoder_in_a_folder_orders_what_the_search_found(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "lamps.md").write_text(ARTICLE, encoding="utf-8")
    build_index(tmp_path / "articles", "lamps", tmp_path / "index", FakeEncoder())
    plain = open_searcher("lamps", tmp_path / "index", FakeEncoder())
    by = open_reranker(str(folder))
    second = open_searcher("lamps", tmp_path / "index", FakeEncoder(), by)
    before, after = plain.search(QUESTION, 14), second.search(QUESTION, 14)
    assert {one.passage.id for one in before} == {one.passage.id for one in after}
    scores = by.scores(QUESTION, [one.cited for one in after[:10]])
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) > 1
    assert [one.passage.id for one in after[:10]] != [one.passage.id for one in before[:10]]
    for rank, one in enumerate(before[:10], 1):
        moved = next(other for other in after if other.passage.id == one.passage.id)
        assert (moved.reordered.by, moved.reordered.before) == ("tiny-judge", rank)
    assert after[10:] == before[10:]
    assert all(one.reordered is None for one in before)
    assert second.search(QUESTION, 1) == after[:1], "the ten are read even where one is wanted"


def test_nothing_is_reordered_unless_a_folder_is_named() -> None:
    assert read_settings(env={}).reranker == ""
    assert open_reranker("") is None


def test_a_folder_that_holds_no_such_model_is_a_sentence(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"nowhere has no config\.json.*or unset TRIPTYCH_RERANKER"):
        open_reranker(str(tmp_path / "nowhere"))
    for name in ("config.json", "model.safetensors", "tokenizer_config.json"):
        (tmp_path / name).write_text("{", encoding="utf-8")
    with pytest.raises(KnowledgeError, match="could not be loaded"):
        open_reranker(str(tmp_path))


def test_weights_that_are_no_safetensors_are_not_read(tmp_path: Path) -> None:
    folder = tiny_cross_encoder(tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(KnowledgeError, match=r"has no model\.safetensors"):
        open_reranker(str(folder))


def test_damaged_weights_are_a_sentence(tmp_path: Path) -> None:
    folder = tiny_cross_encoder(tmp_path / "damaged")
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(KnowledgeError, match="could not be loaded"):
        open_reranker(str(folder))


def test_a_classifier_of_several_labels_is_no_reranker(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="gives 3 numbers a line, not one"):
        open_reranker(str(tiny_cross_encoder(tmp_path / "three", labels=3)))


def test_the_embedding_model_is_no_reranker() -> None:
    with pytest.raises(KnowledgeError, match="holds a BertModel, which scores no pairs"):
        open_reranker(str(model_folder()))

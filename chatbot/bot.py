"""One turn: prepare() decides everything and freezes it in a Brief, write() puts it into words.

`open_bot` is the only place where rooms are wired together."""

import logging
from collections.abc import Sequence
from pathlib import Path

from adapters.card import Card
from chatbot.approved import Spoken, wording
from chatbot.brand import Brand, find_brand
from chatbot.brief import Brief, Reply, Turn
from chatbot.cite import citations
from chatbot.decide import found_in, settled
from chatbot.engine.protocol import Decoding, End, Engine, Row, Run
from chatbot.errors import TurnError
from chatbot.guard import unsupported
from chatbot.guide import Guide, read_guide
from chatbot.head import Encoder
from chatbot.loaded import load_model
from chatbot.lookup import Searcher, lines, outlook
from chatbot.message import Message
from chatbot.mode import Mode
from chatbot.prompt import ground, messages_for
from chatbot.settings import Settings
from chatbot.situation import NOTHING, Detector, Situation, Verdict
from chatbot.taught import detector_for, detector_from
from chatbot.versions import History
from chatbot.voice import Voice
from knowledge.article import Article, read_articles
from knowledge.embed import Embedder
from knowledge.filling import Tell
from knowledge.ingest import Report, build_index, outdated
from knowledge.rerank import Reranker
from knowledge.search import Hit
from knowledge.search import Searcher as Index

log = logging.getLogger(__name__)
LONGEST = 2000  # characters in a question


class Bot:
    """Answers for one brand. Shared by all sessions: it keeps no state of any conversation."""

    def __init__(
        self,
        brand: Brand,
        guide: Guide,
        detector: Detector,
        searcher: Searcher,
        engine: Engine,
        settings: Settings,
        adapter: Card | None = None,
        adapter_fault: str = "",
        voices: Encoder | None = None,
    ):
        self.brand, self.guide, self.engine = brand, guide, engine
        self.adapter, self.adapter_fault = adapter, adapter_fault
        self.settings = settings
        self.situations: tuple[Situation, ...] = tuple(detector.situations.values())
        self._detector, self._searcher, self._voices = detector, searcher, voices

    @property
    def voice(self) -> Voice:
        """Who the brand is and how it writes."""
        return self.guide.voice

    @property
    def name(self) -> str:
        """The brand's name for the screen."""
        return self.voice.name

    def situation(self, key: str) -> Situation:
        """The situation of that name. Raises TurnError."""
        return self._detector.named(key)

    @property
    def encoder(self) -> Encoder:
        """Texts to vectors: what lines are found and situations told apart with."""
        return self._detector.encoder

    @property
    def voices(self) -> Encoder:
        """What the voice score learns from: always the same, so that marks can be held against earlier runs'."""
        return self._voices or self.encoder

    def prepare(
        self,
        question: str,
        modes: Sequence[Mode],
        history: Sequence[Message] = (),
        situation: str | None = None,
        decoding: Decoding | None = None,
        approved: bool | None = None,
    ) -> Brief:
        """Decide everything a turn needs, the same for every mode but for its lever.

        `approved`: may a situation's approved wording stand in place of written replies? As the settings say if None.
        Raises TurnError (empty or too long, no mode, unknown situation, no adapter) and KnowledgeError.
        """
        self._check(question, modes)
        seen = outlook(self._searcher, question, history)
        found = found_in(self._detector, question, situation, seen)
        # who chooses a situation by hand wants it with its lines
        looked_up = found.situation.knowledge != NOTHING and (seen.answered or situation is not None)
        hits = lines(self._searcher, seen, self.settings.passages) if looked_up else ()
        verdict = settled(self._detector, found, bool(hits), history, seen)
        rows = tuple(self._row(mode, verdict, hits, history, question) for mode in modes)
        return Brief(
            question=question,
            brand=self.brand.key,
            history=tuple(history),
            verdict=verdict,
            hits=hits,
            modes=tuple(modes),
            rows=rows,
            prompts=tuple(self.engine.prompt_text(row) for row in rows),
            decoding=verdict.situation.decoded(decoding or self.settings.decoding),
            prompt_version=self.guide.version,
            approved="" if hits or not self._may_approve(approved) else wording(verdict.situation, question),
        )

    def write(self, brief: Brief) -> Run:
        """Begin to write all rows as one batch. Returns at once; iterate the run for columns."""
        if brief.approved:
            return Spoken(brief.approved, len(brief.rows))
        return self.engine.write(brief.rows, brief.decoding)

    def turn(self, brief: Brief, texts: Sequence[str], ends: Sequence[End]) -> Turn:
        """The finished turn, with what the guard finds in each text and what its sentences lean on; the same for every
        mode."""
        sources, passages = self._sources(brief), [hit.cited for hit in brief.hits]
        replies = (
            Reply(mode, text.strip(), end, unsupported(text, sources), citations(text.strip(), passages, sources))
            for mode, text, end in zip(brief.modes, texts, ends, strict=True)
        )
        return Turn(brief, tuple(replies))

    def reply(
        self,
        question: str,
        modes: Sequence[Mode],
        history: Sequence[Message] = (),
        situation: str | None = None,
        decoding: Decoding | None = None,
    ) -> Turn:
        """prepare() and write(), waited for."""
        brief = self.prepare(question, modes, history, situation, decoding)
        run = self.write(brief)
        texts = [""] * len(modes)
        for column in run:
            texts = [text + piece for text, piece in zip(texts, column, strict=True)]
        return self.turn(brief, texts, [end for end in run.ends if end is not None])

    def reread(self) -> "Bot":
        """The same bot with prompt files and articles where and as they are on the disk now. Raises PromptError."""
        brand, guide = open_guide(self.settings)
        return self if (brand, guide.version) == (self.brand, self.guide.version) else self.guided_by(guide, brand)

    def guided_by(self, guide: Guide, brand: Brand | None = None) -> "Bot":
        """The same bot with other prompt files, saved or not; takes seconds where their messages differ."""
        detector = self._detector
        if guide.situations != self.guide.situations:
            detector = detector_from(detector, self.brand, guide.situations)
        parts = (detector, self._searcher, self.engine, self.settings, self.adapter, self.adapter_fault, self._voices)
        return Bot(brand or self.brand, guide, *parts)

    @property
    def searcher(self) -> Searcher:
        """What finds lines in the articles, for those who look at the search itself."""
        return self._searcher

    @property
    def articles(self) -> tuple[Article, ...]:
        """All of the brand's articles, as they stand on disk now."""
        return tuple(read_articles(self.brand.articles))

    def article(self, name: str) -> Article:
        """One article by its file's name without .md."""
        for article in self.articles:
            if article.name == name:
                return article
        raise TurnError(f"There is no article {name!r} in {self.name}'s knowledge.")

    def _may_approve(self, wanted: bool | None) -> bool:
        return self.settings.approved == "on" if wanted is None else wanted

    def _check(self, question: str, modes: Sequence[Mode]) -> None:
        if not question.strip():
            raise TurnError("The question is empty. Type what a customer would ask.")
        if len(question) > LONGEST:
            raise TurnError(f"The question has {len(question)} characters; {LONGEST} is the most. Shorten it.")
        if not modes:
            raise TurnError("No mode is chosen. Turn on at least one.")
        if self.adapter is None and any(mode.tuned for mode in modes):
            raise TurnError(self.adapter_fault or f"No adapter is trained yet: triptych train {self.brand.key}")

    def _row(self, mode: Mode, verdict: Verdict, hits: Sequence[Hit], history: Sequence[Message], question: str) -> Row:
        passages = [hit.cited for hit in hits]
        chat = messages_for(mode.prompted, self.voice, verdict.situation, passages, history, question, verdict.also)
        return Row(chat, self.brand.key if mode.tuned else None)

    def _sources(self, brief: Brief) -> list[str]:
        passages = [hit.cited for hit in brief.hits]
        said = [message.content for message in brief.history]
        return [*passages, *said, brief.question, ground(self.voice), brief.approved]


def open_bot(settings: Settings) -> Bot:
    """Load everything for `settings.brand`. Raises what errors.SHOWN lists, each with its way out.

    A damaged or missing adapter does not keep the bot from opening: its modes then say why.
    """
    # heavy libraries are imported here, so that `triptych --help` and the tests do without them
    from chatbot.engine.local import LocalEngine
    from knowledge.embed import MiniLM

    brand, guide = open_guide(settings)
    embedder = open_embedder(settings)
    searcher = _searcher(settings, brand, embedder)
    detector = detector_for(brand, guide, embedder, settings.home)
    loaded = load_model(settings, brand)
    engine = LocalEngine(loaded.base, loaded.model, loaded.tones)
    return Bot(brand, guide, detector, searcher, engine, settings, loaded.card, loaded.fault, MiniLM())


def open_detector(settings: Settings, embedder: Embedder) -> Detector:
    """What tells the situations of `settings.brand` apart. Raises BrandError and PromptError."""
    return detector_for(*open_guide(settings), embedder, settings.home)


def open_guide(settings: Settings) -> tuple[Brand, Guide]:
    """The brand and its prompt files, whole: a save that was cut short is finished first."""
    brand = find_brand(settings.brand, settings.home)
    History(brand, settings.home).finish()
    return brand, read_guide(brand.prompts)


def index_root(home: Path) -> Path:
    """Where the indexes of all brands are kept."""
    return home / "index"


def models_root(home: Path) -> Path:
    """Where models are unpacked."""
    return home / "models"


def open_knowledge(settings: Settings) -> Searcher:
    """The searcher alone, without waking the model."""
    return _searcher(settings, find_brand(settings.brand, settings.home), open_embedder(settings))


def open_embedder(settings: Settings) -> Embedder:
    """What lines are found and situations told apart by; voices are scored by MiniLM."""
    from knowledge.embed import MPNet

    return MPNet(models_root(settings.home))


def stale_index(settings: Settings) -> str:
    """Why the brand's index must be built anew before its first use, for the user; "" where it need not be."""
    if not outdated(index_root(settings.home), settings.brand, settings.chroma_url):
        return ""
    why = f"The index of {settings.brand} is an older program's, or TRIPTYCH_CHROMA_URL has changed since."
    return f"{why} It is built anew; this may take some minutes, once."


def renew_index(settings: Settings, brand: Brand, embedder: Embedder, tell: Tell = lambda done, total: None) -> Report:
    """Bring the brand's index up to its articles, where the settings want it. Raises KnowledgeError."""
    return build_index(brand.articles, brand.key, index_root(settings.home), embedder, tell, settings.chroma_url)


def find_index(settings: Settings, brand: Brand, embedder: Embedder, reranker: Reranker | None = None) -> Index:
    """The brand's searcher as it is. Raises IndexMissing and StoreDown."""
    from knowledge.search import open_searcher

    return open_searcher(brand.key, index_root(settings.home), embedder, reranker, settings.chroma_url)


def _searcher(settings: Settings, brand: Brand, embedder: Embedder) -> Searcher:
    """The brand's searcher; an index that is not as the program or the settings want it is built anew first."""
    from knowledge.rerank import open_reranker

    reranker = open_reranker(settings.reranker)
    if why := stale_index(settings):
        log.warning(why)
        renew_index(settings, brand, embedder)
    return find_index(settings, brand, embedder, reranker)

"""The six checks on one reply, each small, named and explained to a reader who does not code.

Rules and facts are data (rules.toml, situations.toml, the suite); what a check finds is a Mark. Needs
no language model: a stored answer can be marked again. Knows nothing about modes, so every mode is
held to the same."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chatbot.brand import Brand
from chatbot.guard import unsupported
from chatbot.head import Encoder
from chatbot.prompt import ground
from chatbot.quality.abstain import abstains
from chatbot.quality.marks import CHECKS, Mark
from chatbot.quality.rules import Rulebook, read_moves, read_rules, sentences
from chatbot.quality.score import PAIRS, VoiceScore, learn_voice, read_pairs
from chatbot.quality.suite import Case, holds, is_pattern
from chatbot.voice import Voice

EXPLAINED = {
    "on_voice": "It sounds like the brand: no rule of the voice guide is broken and the voice score is high enough.",
    "grounded": "It is right: every fact the case asks for is there, and none that would be wrong.",
    "invented": "Nothing is made up: each figure, price, date, link, address and product name stands in the sources.",
    "abstained": "Where we don't know, it says so or hands over to a person, and claims nothing.",
    "situation_ok": "It does what the situation asks: sorry first for the upset, no admission for a legal threat, ...",
    "on_brand_and_right": "All of the checks that apply to the case are passed.",
}
# situations where there is nothing to know, so nothing to abstain from
LIGHT = ("competitor", "follow-up", "injection", "non-english", "off-topic", "small-talk", "thanks")
FLAT_YES = re.compile(r"^\W*(?:yes|yep|yeah|sure|certainly|of course|absolutely)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Examiner:
    """All that marking a brand's replies needs. `score` is None for a brand without voice pairs."""

    voice: Rulebook
    situations: Rulebook
    contact: str  # "help@northwind.example or 555-0142, ..."
    ground: str  # the line every mode begins with: one of the sources
    score: VoiceScore | None = None

    def scores(self, replies: Sequence[str]) -> list[float | None]:
        """The voice score of each reply, 0..1; embed many at once."""
        return list(self.score.score(replies)) if self.score else [None] * len(replies)

    def mark(
        self, case: Case, reply: str, passages: Sequence[str], voice_score: float | None = None
    ) -> dict[str, Mark]:
        """Every check of CHECKS, in that order. Give `voice_score` if it is known, else it is worked out here."""
        if voice_score is None:
            voice_score = self.scores([reply])[0]
        sources = [*passages, *(message.content for message in case.history), case.question, self.ground]
        made_up = invented(reply, sources)
        found = {
            "on_voice": on_voice(self, case, reply, voice_score),
            "grounded": grounded(case, reply),
            "invented": made_up,
            "abstained": abstained(case, reply, made_up, self.contact),
            "situation_ok": situation_ok(self, case, reply),
        }
        return {**found, CHECKS[-1]: on_brand_and_right(found)}


def open_examiner(brand: Brand, voice: Voice, encoder: Encoder | None) -> Examiner:
    """Read the brand's rule files; train the voice score if the brand has pairs and an encoder is given.

    Raises SuiteError naming the file. A brand without rule files has no rules to break.
    """
    pairs = PAIRS / f"{brand.key}.jsonl"
    return Examiner(
        voice=_rulebook(brand, "rules.toml"),
        situations=_situation_rules(brand),
        contact=voice.contact,
        ground=ground(voice),
        score=learn_voice(read_pairs(pairs), encoder) if encoder and pairs.is_file() else None,
    )


def on_voice(examiner: Examiner, case: Case, reply: str, voice_score: float | None) -> Mark:
    """No voice rule broken, and the learnt score at or above its threshold."""
    broken = examiner.voice.broken(reply, case.situation)
    why, words = [one.why for one in broken], [word for one in broken for word in one.words]
    if examiner.score and voice_score is not None and voice_score < examiner.score.threshold:
        least = examiner.score.threshold
        why.append(f"Its voice score is {voice_score:.2f}; {least:.2f} is the least that sounds like the brand.")
    return Mark(not why, tuple(why), tuple(dict.fromkeys(words)))


def grounded(case: Case, reply: str) -> Mark:
    """Every `must` fact and no `must_not`. Does not apply to a question that cannot be answered."""
    if not case.answerable:
        return Mark(None)
    missing = tuple(f"This fact is missing: {_shown(fact)}." for fact in case.must if not holds(fact, reply))
    wrong = _wrong(case, reply)
    return Mark(not missing and not wrong.why, missing + wrong.why, wrong.words)


def invented(reply: str, sources: Sequence[str]) -> Mark:
    """`passed` when nothing is made up: see chatbot.guard."""
    words = unsupported(reply, sources)
    return Mark(not words, tuple(f"'{word}' stands in no source." for word in words), words)


def abstained(case: Case, reply: str, made_up: Mark, contact: str) -> Mark:
    """An honest I-don't-know or a hand-over, and no assertion. Applies where there is no answer to give.

    About ourselves ("unknown") a contact is a hand-over only in the first sentence: further down it
    may follow an invented answer. An upset or threatening customer is handed over anywhere.
    """
    if case.answerable or case.situation in LIGHT:
        return Mark(None)
    place = sentences(reply)[:1] if case.situation == "unknown" else sentences(reply)
    honest = abstains(reply)
    if not honest.passed and not hands_over(" ".join(place), contact):
        return Mark(False, ("It neither says that it does not know nor hands over to a person.",), honest.words)
    yes = FLAT_YES.search(reply) if case.situation == "unknown" else None
    wrong = _wrong(case, reply)
    why = (*made_up.why, *wrong.why, *(("It opens with a yes where we don't know.",) if yes else ()))
    return Mark(not why, why, (*made_up.words, *wrong.words, *((yes[0].strip(),) if yes else ())))


def situation_ok(examiner: Examiner, case: Case, reply: str) -> Mark:
    """The situation's own rules; where nothing else looks at `must_not`, this does."""
    broken = examiner.situations.broken(reply, case.situation, case.must)
    why = tuple(one.why for one in broken)
    words = tuple(dict.fromkeys(word for one in broken for word in one.words))
    if case.answerable or case.situation not in LIGHT:
        return Mark(not why, why, words)
    wrong = _wrong(case, reply)
    return Mark(not why and not wrong.why, why + wrong.why, words + wrong.words)


def on_brand_and_right(found: dict[str, Mark]) -> Mark:
    """All that apply are passed."""
    failed = [name for name, one in found.items() if one.passed is False]
    words = tuple(dict.fromkeys(word for name in failed for word in found[name].words))
    return Mark(not failed, tuple(f"Failed: {EXPLAINED[name]}" for name in failed), words)


def hands_over(text: str, contact: str) -> bool:
    """Does `text` hold an address or number of `contact`, or another address at the same place?"""
    addresses = re.findall(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)", contact)
    numbers = re.findall(r"\d[\d-]{5,}\d", contact)
    at = any(re.search(rf"@{re.escape(one)}(?![\w-])", text, re.IGNORECASE) for one in addresses)
    return at or any(number in text for number in numbers)


def _wrong(case: Case, reply: str) -> Mark:
    """What the case says must not stand in a reply."""
    found = [match[0] for fact in case.must_not if (match := holds(fact, reply))]
    return Mark(not found, tuple(f"This is wrong here: '{words}'." for words in found), tuple(filter(None, found)))


def _shown(fact: str) -> str:
    """A fact for a reader who has never seen a regular expression: "/(2|two) ?days?\\b/" as "2 or two days"."""
    if not is_pattern(fact):
        return fact
    text = re.sub(r"\(\?[=!<][^()]*\)|\(\?:|\\[bBW]|[()^$]|(?<!\\)[*+]", "", fact[1:-1].replace(r"\$", "\0"))
    text = re.sub(r"\[ -\]|\\s|\\w", " ", text).replace("['’]", "'").replace("?", "").replace("\0", "$")
    return " ".join(re.sub(r"\\(.)", r"\1", text).replace("|", " or ").split())


def _situation_rules(brand: Brand) -> Rulebook:
    """What several situations ask stands in situations.toml, what one asks in its own file."""
    shared, own = _rulebook(brand, "situations.toml"), read_moves(brand.prompts / "situations")
    return Rulebook((*shared.rules, *own.rules))


def _rulebook(brand: Brand, name: str) -> Rulebook:
    path = brand.prompts / name
    situations = [one.stem for one in sorted((brand.prompts / "situations").glob("*.md"))]
    return read_rules(path, situations) if path.is_file() else Rulebook(())

"""From a store to results: a brand's votes or one experiment's, the audit of the draws, the marks of the checks.

Loads no model: the checks that are made here need rules alone. Knows no numbers; results.py has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chatbot.brand import find_brand
from chatbot.errors import BrandError, FeedbackError, PromptError, SuiteError
from chatbot.feedback.ballot import FIXED_REASONS, Experiment, audit, reasons
from chatbot.feedback.concord import marked
from chatbot.feedback.export import account, gone, records
from chatbot.feedback.results import Results, results
from chatbot.feedback.store import Store
from chatbot.feedback.tally import Document, battles_of
from chatbot.quality.checks import Examiner, open_examiner
from chatbot.settings import Settings
from chatbot.situations import read_situations
from chatbot.voice import read_voice


@dataclass(frozen=True)
class Reading:
    """A brand's results with what they were read from, and the words for them."""

    brand: str
    results: Results
    records: tuple[Document, ...]  # of export.py: battles and the votes on them, as they were made
    labels: Mapping[str, str]  # a reason's or a situation's key -> what the page calls it
    unchecked: str  # why no checks were made; "" if they were


def read(store: Store, settings: Settings, brand: str, experiment: str | None = None, seed: int = 0) -> Reading:
    """Of all the brand's experiments together, or of one. Raises FeedbackError, naming those there are; also for a
    brand that has neither files nor votes."""
    chosen = chosen_experiments(store, brand, experiment)
    found = [one for one in records(store, brand) if one["kind"] in ("vote", "battle")]
    found = [one for one in found if experiment in (None, one["experiment"])]
    examiner, labels, unchecked = _brand(settings, brand)
    if unchecked and not found:
        raise FeedbackError(unchecked)
    made = results(
        found,
        account(store, found, brand, deleted=experiment is None),
        chosen,
        marked(battles_of(found), examiner) if examiner else None,
        tuple(fault for one in chosen for fault in audit(one, store.draws(one), store.lefts(one))),
        sum(gone(store, brand).values()) if experiment is not None else 0,
        seed,
    )
    return Reading(brand, made, tuple(found), labels, unchecked)


def chosen_experiments(store: Store, brand: str, experiment: str | None = None) -> Sequence[Experiment]:
    """The brand's experiments, or the one of that name. Raises FeedbackError if there is none of that name."""
    every = store.experiments(brand)
    chosen = [one for one in every if experiment in (None, one.name)]
    if experiment is not None and not chosen:
        known = ", ".join(one.name for one in every) or "none yet"
        raise FeedbackError(f"{brand} has no experiment {experiment!r}. Choose another; there are: {known}.")
    return chosen


def _brand(settings: Settings, brand: str) -> tuple[Examiner | None, Mapping[str, str], str]:
    """A brand's votes can be read when its files are gone or at fault: only the checks are not made then."""
    try:
        rooms = find_brand(brand, settings.home)
        voice = read_voice(rooms.prompts / "voice.md")
        names = {one.key: one.name for one in read_situations(rooms.prompts / "situations", voice)}
        return open_examiner(rooms, voice, None), {**names, **reasons(voice)}, ""
    except (BrandError, PromptError, SuiteError) as error:
        return None, FIXED_REASONS, str(error)

"""One examination from the order to the report: the only place that joins tone QA's rooms.

`order` checks all that was asked for before a model is woken; `carry_out` answers, marks, judges and writes the
report. Replies are kept beside the reports, so the next order of the same goes on where a stopped one was."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

from chatbot.bot import Bot
from chatbot.brand import find_brand
from chatbot.engine.protocol import Decoding
from chatbot.errors import SuiteError
from chatbot.feedback.provenance import app_version
from chatbot.guide import read_guide
from chatbot.mode import COMBINED, EVERY, Mode, modes_named
from chatbot.quality.checks import Examiner, open_examiner
from chatbot.quality.consistency import consistency, sampled
from chatbot.quality.examine import examine
from chatbot.quality.gate import Gate, compare, meets
from chatbot.quality.latency import QUESTIONS, measure
from chatbot.quality.marks import Outcome
from chatbot.quality.measures import Measures
from chatbot.quality.report import REPORT, Examined, read_outcomes, read_report, room, write_report
from chatbot.quality.stats import held
from chatbot.quality.suite import Case, read_suite, sample
from chatbot.settings import Settings
from knowledge.filling import Tell

SUITES = Path(__file__).resolve().parent / "suites"  # <brand>.jsonl
ANSWERS = "answers.jsonl"


@dataclass(frozen=True)
class Order:
    """What to examine; every file that it rests on has been read."""

    suite: Path
    cases: tuple[Case, ...]
    modes: tuple[Mode, ...]
    folder: Path | None  # of the report; None: a new one beside `answers`, named by date and time
    answers: Path  # where replies are kept
    seed: int
    baseline: tuple[Outcome, ...] = ()
    consistency: bool = False

    @property
    def judged(self) -> str:
        """The mode that the gate looks at: combined, or the last column where it is left out."""
        keys = [mode.key for mode in self.modes]
        return COMBINED.key if COMBINED.key in keys else keys[-1]


def order(
    settings: Settings,
    suite: Path | None = None,
    modes: Sequence[str] = ("all",),
    size: int | None = None,
    out: Path | None = None,
    baseline: Path | None = None,
    consistency: bool = False,
) -> Order:
    """Check everything that can be checked without a model. `size`: how many cases, all if None.

    Raises BrandError, PromptError, SuiteError and TurnError.
    """
    path = suite or suite_of(settings.brand)
    cases = read_suite(path, _situations(settings))
    return Order(
        suite=path,
        cases=tuple(cases if size is None else sample(cases, size, settings.seed)),
        modes=_modes(modes),
        folder=out,
        answers=(out or room(settings.home, settings.brand)) / ANSWERS,
        seed=settings.seed,
        baseline=tuple(read_outcomes(baseline)) if baseline else (),
        consistency=consistency,
    )


def suite_of(brand: str) -> Path:
    """The brand's own suite. Raises SuiteError when it has none."""
    path = SUITES / f"{brand}.jsonl"
    if not path.is_file():
        raise SuiteError(f"Brand {brand!r} has no suite of questions yet. Write one and give it: --suite FILE.")
    return path


def runs(settings: Settings) -> list[Path]:
    """The folders of the brand's finished runs, newest first."""
    return sorted((path.parent for path in room(settings.home, settings.brand).glob(f"*/{REPORT}")), reverse=True)


def carry_out(bot: Bot, what: Order, tell: Tell) -> Examined:
    """Answer, mark, judge and report. `tell(done, all)` counts replies; what it raises stops the run.

    Raises SuiteError, also when another run is writing to the same replies; TurnError; EngineError.
    """
    examiner = open_examiner(bot.brand, bot.voice, bot.voices)
    with _alone(what.answers):
        outcomes, measures = _answered(bot, examiner, what, tell)
        folder = what.folder or _fresh_folder(what.answers.parent)
        told = {**facts(bot, what), "approved": approved_share(outcomes)}
        write_report(folder, outcomes, judge(what, outcomes), told, what.cases, measures)
    return read_report(folder)


def judge(what: Order, outcomes: Sequence[Outcome]) -> Gate:
    """Against the baseline if there is one; else the bars, on what training never saw if the suite says so."""
    if what.baseline:
        return compare(what.baseline, outcomes, what.judged)
    unseen = held(outcomes, out=True)
    gate = meets(unseen or outcomes, mode=what.judged)
    kind = "cases about articles that training never saw" if unseen else "cases"
    total = len({one.case for one in unseen or outcomes})
    return replace(gate, judged=f"{total} {kind} (of {len(what.cases)}), held against the bars")


def facts(bot: Bot, what: Order) -> dict[str, str]:
    """What a reader must know to make the run again."""
    card = bot.adapter
    decoding = _decoding(bot)
    return {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "brand": bot.brand.key,
        "suite": what.suite.name,
        "cases": str(len(what.cases)),
        "seed": str(what.seed),
        "adapter": card.weights[:12] if card else "none",
        "base": f"{card.base.name} {card.base.weights[:12]}" if card else bot.settings.base,
        "prompts": bot.guide.version,
        "decoding": f"temperature {decoding.temperature:g}, top_p {decoding.top_p:g}, "
        f"at most {decoding.max_new_tokens} tokens, {bot.settings.passages} passages",
        "version": app_version(),
    }


def approved_share(outcomes: Sequence[Outcome]) -> str:
    """How much of the run no model wrote: there all modes say the same."""
    return f"{sum(one.finish == 'approved' for one in outcomes)} of {len(outcomes)} replies are approved wording"


def _answered(bot: Bot, examiner: Examiner, what: Order, tell: Tell) -> tuple[list[Outcome], Measures]:
    """The outcomes, and what takes runs of its own: more answers with chance let in, and a few asked live."""
    decoding = _decoding(bot)
    chances = sampled(decoding) if what.consistency else []
    few = sample(what.cases, QUESTIONS, what.seed)
    sizes = [len(what.cases) * len(what.modes)] * (1 + len(chances)) + [len(few) * len(what.modes)]
    parts = _parts(tell, sizes)
    outcomes, *again = [
        examine(bot, examiner, what.cases, what.modes, what.answers, next(parts), one) for one in [decoding, *chances]
    ]
    waits = measure(bot, few, what.modes, decoding, next(parts))
    return outcomes, Measures(waits, consistency(what.cases, again) if again else {})


def _parts(tell: Tell, sizes: Sequence[int]) -> Iterator[Tell]:
    """One `tell` per part of the run; together they count through from 0 to the sum of `sizes`."""
    for number, _ in enumerate(sizes):
        before = sum(sizes[:number])
        yield _shifted(tell, before, sum(sizes))


def _shifted(tell: Tell, before: int, total: int) -> Callable[[int, int], None]:
    return lambda done, _: tell(before + done, total)


def _decoding(bot: Bot) -> Decoding:
    """The bot's own. Where nothing is left to chance the seed is none of the answer: another draw finds it kept."""
    decoding = bot.settings.decoding
    return decoding if decoding.temperature else replace(decoding, seed=0)


def _situations(settings: Settings) -> list[str]:
    brand = find_brand(settings.brand, settings.home)
    return [one.key for one in read_guide(brand.prompts).situations]


def _modes(names: Sequence[str]) -> tuple[Mode, ...]:
    """Each once, in the order of the columns."""
    wanted = {mode for name in names or ("all",) for mode in modes_named(name)}
    return tuple(mode for mode in EVERY if mode in wanted)


@contextmanager
def _alone(answers: Path) -> Iterator[None]:
    """One run at a time may write to `answers`."""
    try:
        answers.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{answers}.lock", timeout=0):
            yield
    except Timeout as error:
        raise SuiteError(
            f"Another run is writing to {answers}. Wait until it is done, or give this one its own folder: --out DIR."
        ) from error
    except OSError as error:
        raise SuiteError(f"Replies cannot be kept in {answers.parent}: {error.strerror or error}.") from error


def _fresh_folder(parent: Path) -> Path:
    """Named by date and time; with a number where one of that second is there already."""
    name = time.strftime("%Y-%m-%d-%H%M%S")
    names = (name if n == 1 else f"{name}-{n}" for n in count(1))
    return next(parent / one for one in names if not (parent / one).exists())

"""May this adapter go out? One verdict from marks alone: pass, fail, or not enough data (needs n).

Against a baseline the same cases are compared in pairs, and the gate fails on a *proven* loss, not on luck: an exact
one-sided McNemar test on `on_brand_and_right`, and one on every other check, corrected together after Holm. The two
shares of error that `Plan` gives to them bound the chance of a false alarm by 2.5 in 100. It passes only when there
are cases enough to show the drop we look for; else it says how many would. Without a baseline each check meets its
bar or not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatbot.mode import COMBINED
from chatbot.quality.marks import CHECKS, Outcome
from chatbot.quality.stats import LESS_IS_BETTER, Paired, Rate, holm, needs_n, paired, rate, right

PASS, FAIL, NOT_ENOUGH = "pass", "fail", "not enough data"
EXIT_CODES = {PASS: 0, FAIL: 1, NOT_ENOUGH: 3}
PRIMARY = "on_brand_and_right"
BARS = {  # check -> least rate, or greatest for those of LESS_IS_BETTER: what the shipped adapter is held to
    "on_voice": 0.95,
    "grounded": 0.85,
    "invented": 0.03,
    "abstained": 0.85,
    "situation_ok": 0.90,
    "on_brand_and_right": 0.75,
}
MINIMUM = 30  # cases below which a rate is held against no bar: its interval is wider than 30 points


@dataclass(frozen=True)
class Plan:
    """What a comparison looks for, fixed before any number is seen."""

    drop: float = 0.15  # share of cases; a true drop of this size shall not go unnoticed
    wanted: float = 0.80  # chance to notice it
    alpha: float = 0.015  # chance of a false alarm that PRIMARY may raise
    alpha_others: float = 0.01  # chance of a false alarm that the other checks may raise, all together
    least_churn: float = 0.10  # share of cases that flip without cause; planned for even when fewer did


@dataclass(frozen=True)
class Finding:
    """What the gate says of one check. `before` and `p` are None without a baseline."""

    check: str
    verdict: str  # PASS, FAIL or NOT_ENOUGH
    why: str  # one sentence for a reader who does not code
    rate: Rate
    before: Rate | None = None
    p: float | None = None  # one-sided, corrected
    needs: int | None = None  # cases that would do, where there are not enough


@dataclass(frozen=True)
class Gate:
    """The verdict over all findings about one mode."""

    verdict: str
    mode: str
    findings: tuple[Finding, ...]
    paired: int | None = None  # cases that both runs answered; None without a baseline
    judged: str = ""  # which cases it rests on, and what they are held against, in words

    @property
    def exit_code(self) -> int:
        """0 passed, 1 failed, 3 not enough data."""
        return EXIT_CODES[self.verdict]

    @property
    def needs(self) -> int | None:
        """The number of cases that would do, where there are not enough."""
        return max((f.needs for f in self.findings if f.needs is not None), default=None)

    @property
    def sentence(self) -> str:
        """ "pass", "fail" or "not enough data (needs 136)"."""
        return f"{NOT_ENOUGH} (needs {self.needs})" if self.verdict == NOT_ENOUGH else self.verdict

    def document(self) -> dict[str, Any]:
        """For the JSON contract: `passed`, `failures`, and what they rest on."""
        return {
            "passed": self.verdict == PASS,
            "failures": [f"{f.check}: {f.why}" for f in self.findings if f.verdict == FAIL],
            "verdict": self.verdict,
            "needs": self.needs if self.verdict == NOT_ENOUGH else None,
            "mode": self.mode,
            "judged": self.judged,
            "paired": self.paired,
            "findings": [_document(finding) for finding in self.findings],
        }


def gate_of(document: Mapping[str, Any]) -> Gate:
    """What `Gate.document` made, read back. Raises KeyError or TypeError when it is not that."""
    findings = tuple(
        Finding(
            one["check"], one["verdict"], one["why"], Rate.of(one),
            None if one["before"] is None else Rate.of(one["before"]), one["p"], one["needs"],
        )
        for one in document["findings"]
    )  # fmt: skip
    return Gate(document["verdict"], document["mode"], findings, document["paired"], document["judged"])


def compare(
    baseline: Sequence[Outcome], outcomes: Sequence[Outcome], mode: str = COMBINED.key, plan: Plan | None = None
) -> Gate:
    """Did `mode` get worse than in `baseline`? Only cases with the same id and question in both are counted."""
    plan = plan or Plan()
    pairs = _pairs(baseline, outcomes, mode)
    found = {
        check: paired([right(b, check) for b, _ in pairs], [right(a, check) for _, a in pairs]) for check in CHECKS
    }
    others = holm({check: one.p_worse for check, one in found.items() if check != PRIMARY})
    findings = [_primary(found[PRIMARY], pairs, plan)]
    findings += [_other(check, found[check], p, pairs, plan) for check, p in others.items()]
    judged = f"{len(pairs)} cases paired with the baseline"
    return Gate(_verdict(findings), mode, tuple(findings), len(pairs), judged)


def meets(
    outcomes: Iterable[Outcome], bars: Mapping[str, float] = BARS, mode: str = COMBINED.key, minimum: int = MINIMUM
) -> Gate:
    """Does `mode` meet every bar? A rate from fewer than `minimum` cases says "not enough data", unless its
    whole interval misses the bar."""
    mine = [one for one in outcomes if one.mode == mode]
    findings = [_against_bar(check, rate(mine, check), bar, minimum) for check, bar in bars.items()]
    return Gate(_verdict(findings), mode, tuple(findings), judged=f"{len(mine)} cases against the bars")


def _pairs(before: Iterable[Outcome], after: Iterable[Outcome], mode: str) -> list[tuple[Outcome, Outcome]]:
    first = {(one.case, one.question): one for one in before if one.mode == mode}
    second = {(one.case, one.question): one for one in after if one.mode == mode}
    return [(first[key], second[key]) for key in sorted(first.keys() & second.keys())]


def _rates(check: str, pairs: Sequence[tuple[Outcome, Outcome]]) -> tuple[Rate, Rate]:
    both = [(b, a) for b, a in pairs if right(b, check) is not None and right(a, check) is not None]
    return rate([b for b, _ in both], check), rate([a for _, a in both], check)


def _primary(found: Paired, pairs: Sequence[tuple[Outcome, Outcome]], plan: Plan) -> Finding:
    before, after = _rates(PRIMARY, pairs)
    needs = needs_n(plan.drop, max(plan.least_churn, round(found.churn, 2)), plan.alpha, plan.wanted)
    if found.p_worse <= plan.alpha:
        return Finding(PRIMARY, FAIL, _lost(found, found.p_worse), after, before, found.p_worse)
    if found.n < needs:
        why = (
            f"{found.n} shared cases would miss a drop of {plan.drop:.0%} too often; {needs} would show it "
            f"{plan.wanted:.0%} of the time."
        )
        return Finding(PRIMARY, NOT_ENOUGH, why, after, before, found.p_worse, needs)
    return Finding(PRIMARY, PASS, _kept(found), after, before, found.p_worse)


def _other(check: str, found: Paired, p: float, pairs: Sequence[tuple[Outcome, Outcome]], plan: Plan) -> Finding:
    """The other checks can fail the gate; that they have cases enough is not asked of each one."""
    before, after = _rates(check, pairs)
    if p <= plan.alpha_others:
        return Finding(check, FAIL, _lost(found, p), after, before, p)
    return Finding(check, PASS, _kept(found), after, before, p)


def _lost(found: Paired, p: float) -> str:
    return (
        f"{_replies(found.losses)} that passed before fail now, {found.gains} the other way, of {found.n}: "
        f"worse by {found.drop:.0%}, and chance alone would do this with probability {_small(p)}."
    )


def _kept(found: Paired) -> str:
    if not found.losses and not found.gains:
        return f"The same on all {found.n} shared cases." if found.n else "No shared case is about this."
    return f"{_replies(found.losses)} lost and {found.gains} gained of {found.n}: no proof that it got worse."


def _against_bar(check: str, found: Rate, bar: float, minimum: int) -> Finding:
    at_most = check in LESS_IS_BETTER
    wish = f"at {'most' if at_most else 'least'} {bar:.0%}"
    if found.rate is None or found.low is None or found.high is None:
        return Finding(check, NOT_ENOUGH, f"No case is about this; {minimum} would do.", found, needs=minimum)
    met = found.rate <= bar if at_most else found.rate >= bar
    proven_miss = found.low > bar if at_most else found.high < bar
    seen = f"{found.rate:.1%} of {found.n} cases, {wish} is asked"
    if found.n < minimum and not proven_miss:
        return Finding(check, NOT_ENOUGH, f"{seen}, but {minimum} cases are needed.", found, needs=minimum)
    if met:
        return Finding(check, PASS, f"{seen}.", found)
    doubt = "the whole interval misses it" if proven_miss else "chance could account for the difference"
    return Finding(check, FAIL, f"{seen}; {doubt}.", found)


def _verdict(findings: Iterable[Finding]) -> str:
    verdicts = {finding.verdict for finding in findings}
    return FAIL if FAIL in verdicts else NOT_ENOUGH if NOT_ENOUGH in verdicts else PASS


def _document(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "verdict": finding.verdict,
        "why": finding.why,
        **finding.rate.document(),
        "before": finding.before and finding.before.document(),
        "p": None if finding.p is None else float(f"{finding.p:.4g}"),
        "needs": finding.needs,
    }


def _replies(count: int) -> str:
    return "1 reply" if count == 1 else f"{count} replies"


def _small(p: float) -> str:
    return "under .001" if p < 0.001 else f"{p:.3f}"

"""A judge is judged: a swap check, deliberately wrong replies, agreement with itself; printed beside what it said.

A judge that reads the persona, or the response that is expected for it, prefers another reply under another persona.
One that leans to long, polite or simply to certain replies prefers the same one under both. One that is content with
everything passes what is wrong. One that draws lots does not agree with itself.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pydantic

from personaopt.errors import DataError
from personaopt.evals.personabench.measuring.examination import Examination, Pair
from personaopt.evals.personabench.measuring.judging import ReplyScores, SessionJudge, Similarity
from personaopt.lm.asks import Ask, Failure, Steps, Unreachable

PASSES = 6.0
"""A reply with at least this personalization counts as passed: more than what would do for anybody."""
CLOSE = 1.0
"""Scores of one reply that are at most this far apart agree."""
FEW_PASSED, MOST_SWAPPED, MOST_AGREED = 0.2, 0.8, 0.8
"""What a judge has to keep to, or else the report warns: wrong replies passed at most; the others at least."""


@dataclasses.dataclass(frozen=True)
class JudgeReport:
    """What came of a judge's examination; a share is None where there was nothing to take it of.

    Attributes:
        judge: What judged.
        replies: Replies of the run that were judged repeatedly.
        agreement: The share of their scores of which all runs lie within 1 point.
        spread: The mean distance between the highest and the lowest score of a reply.
        made: Sessions with a right and a deliberately wrong reply.
        right_passed: The share of right replies with a personalization of at least 6.
        wrong_passed: The share of deliberately wrong ones.
        gap: By how many points right replies are above wrong ones of the same session, on average.
        pairs: Pairs of replies that were judged under either persona.
        swap_right: The share of pairs in which under each persona the reply that is right for it is above the other.
        swap_biased: The share in which one and the same reply is above the other under both.
        swap_tied: The share in which both are level under at least one of the personas. What is left is wrong under
            both.
        twins: Pairs of different people whose profiles were compared.
        same_similarity: The mean similarity of a profile with itself; 10 is right.
        other_similarity: The mean similarity with somebody else's.
        verdicts: Verdicts that were asked for.
        unread: Those that could not be had: not read after all attempts, or the LM could not be reached.
    """

    __pydantic_config__: ClassVar[pydantic.ConfigDict] = pydantic.ConfigDict(extra="forbid", allow_inf_nan=False)

    judge: str
    replies: int = 0
    agreement: float | None = None
    spread: float | None = None
    made: int = 0
    right_passed: float | None = None
    wrong_passed: float | None = None
    gap: float | None = None
    pairs: int = 0
    swap_right: float | None = None
    swap_biased: float | None = None
    swap_tied: float | None = None
    twins: int = 0
    same_similarity: float | None = None
    other_similarity: float | None = None
    verdicts: int = 0
    unread: int = 0

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the judge's scores has to know, a sentence each; empty where nothing was found."""
        found = []
        if self.wrong_passed is not None and self.wrong_passed > FEW_PASSED:
            found.append(f"The judge passes {self.wrong_passed:.0%} of deliberately wrong replies.")
        if self.right_passed is not None and self.right_passed < 1 - FEW_PASSED:
            found.append(f"The judge passes only {self.right_passed:.0%} of right replies.")
        if self.swap_right is not None and self.swap_right < MOST_SWAPPED:
            found.append(
                f"Only in {self.swap_right:.0%} of pairs the judge's preference changes with the persona as it should; "
                f"in {self.swap_biased or 0.0:.0%} it prefers the same reply for both."
            )
        if self.agreement is not None and self.agreement < MOST_AGREED:
            found.append(f"Only {self.agreement:.0%} of scores agree within 1 point when asked for again.")
        if (
            (same := self.same_similarity) is not None
            and (other := self.other_similarity) is not None
            and same <= other
        ):
            found.append("The judge finds a profile no more similar to itself than to somebody else's.")
        if self.unread:
            found.append(f"{self.unread} of {self.verdicts} verdicts could not be read and are left out.")
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values, with its warnings."""
        return {**dataclasses.asdict(self), "warnings": list(self.warnings)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> JudgeReport:
        """Read `to_dict`'s values.

        Raises:
            DataError: They are not the report of an examination; it says which value is wrong.
        """
        if not isinstance(values, Mapping):
            raise DataError("A judge's report is an object.")
        try:
            given = {name: value for name, value in values.items() if name != "warnings"}
            return pydantic.TypeAdapter(cls).validate_python(given)
        except pydantic.ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise DataError(
                f"A judge's report has a wrong {'.'.join(map(str, first['loc']))}: {first['msg']}."
            ) from None


def examine(judge: SessionJudge, examination: Examination) -> Steps[JudgeReport]:
    """Examine a judge; for `drive` or `adrive`. All verdicts are asked for at once.

    Args:
        judge: The judge.
        examination: What it is asked; `Examination.verdicts` says how many verdicts that takes.

    Raises:
        Unreachable: The judge's LM could not be reached at all.
    """
    runs = examination.runs
    asks: list[Ask[Any]] = [
        judge.reply(case.session, case.profile, case.first)
        if run == 0
        # Drawn anew: a repeated call would be answered from a cache.
        else judge.reply(case.session, case.profile, case.first).again(run)
        for case in examination.replies
        for run in range(runs)
    ]
    made = [judge.reply(case.session, case.profile, case.first) for case in (*examination.right, *examination.wrong)]
    swapped = [ask for pair in examination.pairs for ask in _under_either(judge, pair)]
    compared = [
        judge.similarity(one.session, one.profile, whose.profile.persona_at(whose.session.time))
        for one, other in examination.twins
        for whose in (one, other)
    ]
    results = yield [*asks, *made, *swapped, *compared]
    failures = [result for result in results if isinstance(result, Failure)]
    if failures and len(failures) == len(results) and all(failure.unreachable for failure in failures):
        raise Unreachable(f"The LM of the judge cannot be reached: {failures[0].reason}")
    read = [None if isinstance(result, Failure) else result for result in results]
    repeated, rest = _groups(read[: len(asks)], runs), read[len(asks) :]
    right, wrong = rest[: len(examination.right)], rest[len(examination.right) : len(made)]
    pairs, twins = _groups(rest[len(made) : len(made) + len(swapped)], 4), _groups(rest[len(made) + len(swapped) :], 2)
    return JudgeReport(
        judge=judge.name,
        **_agreement(repeated),
        **_passed(right, wrong),
        **_swaps(pairs),
        **_similarities(twins),
        verdicts=len(results),
        unread=sum(result is None for result in read),
    )


def _under_either(judge: SessionJudge, pair: Pair) -> list[Ask[ReplyScores]]:
    """Both replies under the one persona, and both under the other in the other order."""
    one, other = pair.one, pair.other
    return [
        judge.reply(one.session, one.profile, one.first),
        judge.reply(one.session, one.profile, other.first),
        judge.reply(other.session, other.profile, other.first),
        judge.reply(other.session, other.profile, one.first),
    ]


def _groups(values: Sequence[Any], size: int) -> list[list[Any]]:
    """Values in groups of a size, those that have a gap left out."""
    groups = [list(values[start : start + size]) for start in range(0, len(values), size)]
    return [group for group in groups if None not in group]


def _agreement(repeated: list[list[ReplyScores]]) -> dict[str, Any]:
    spreads = [
        max(scores) - min(scores)
        for group in repeated
        for scores in ([each.helpfulness for each in group], [each.personalization for each in group])
        if len(group) > 1
    ]
    return {
        "replies": len(repeated),
        "agreement": _mean([spread <= CLOSE for spread in spreads]),
        "spread": _mean(spreads),
    }


def _passed(right: list[ReplyScores | None], wrong: list[ReplyScores | None]) -> dict[str, Any]:
    both = [(a.personalization, b.personalization) for a, b in zip(right, wrong, strict=True) if a and b]
    return {
        "made": len(both),
        "right_passed": _mean([good >= PASSES for good, _ in both]),
        "wrong_passed": _mean([bad >= PASSES for _, bad in both]),
        "gap": _mean([good - bad for good, bad in both]),
    }


def _swaps(pairs: list[list[ReplyScores]]) -> dict[str, Any]:
    """How each pair ended: by how much the reply that is right for a persona is above the other, for either persona."""
    ended = [
        (mine.personalization - theirs.personalization, others.personalization - ours.personalization)
        for mine, theirs, others, ours in pairs
    ]
    right = [one > 0 and other > 0 for one, other in ended]
    biased = [one * other < 0 for one, other in ended]
    return {
        "pairs": len(pairs),
        "swap_right": _mean(right),
        "swap_biased": _mean(biased),
        "swap_tied": _mean([one == 0 or other == 0 for one, other in ended]),
    }


def _similarities(twins: list[list[Similarity]]) -> dict[str, Any]:
    return {
        "twins": len(twins),
        "same_similarity": _mean([same.score for same, _ in twins]),
        "other_similarity": _mean([other.score for _, other in twins]),
    }


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None

"""An LM as the metric: several verdicts on one answer, so that one slip of the judge does not decide over an edit."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import statistics
from typing import Any, Literal

import dspy
from dspy.adapters.utils import serialize_for_json

from personaopt.errors import ConfigurationError, DataError, ModelError
from personaopt.lm.asks import Ask, Failure, Steps, Unreachable, one_call_an_attempt
from personaopt.lm.driving import adrive, drive
from personaopt.optimizers.critics import as_text
from personaopt.signatures.judge import VERDICTS, Judge

CRITERIA = "Whether this user would have answered so, in content and in style."


@dataclasses.dataclass(frozen=True)
class Judgement:
    """One verdict as a score, and the difference that was named."""

    score: float
    difference: str


class LMJudge:
    """Lets an LM compare the answer with what the user really said; a metric in GEPA's form, with score and feedback.

    Every verdict is asked for anew (a temperature and a rollout id of its own, so that none is a copy from a cache),
    all of one answer at once, beside what the aligner has under way. The judge is not told which text is the user's,
    and every second verdict sees them the other way round: an LM that leans to the first text then errs in both
    directions instead of one. It is told that longer is not better; an LM tends to think so all the same. The median of
    three verdicts that err with 10 % each errs with 2.8 % where the errors are independent; those of one LM on one text
    are not quite, and an LM judges its own answers kindly: give it another `lm` than the one that answers.

    A verdict that cannot be read is left out. Texts that are equal are not judged. Works as the `metric` of
    `PersonaAligner`, `dspy.Evaluate` and `dspy.GEPA`.

    Args:
        lm: The LM that judges; the configured one when None.
        repeats: How many verdicts an answer gets.
        criteria: What matters in the comparison, in a sentence or two.
        combine: The verdicts' `"median"` (a majority, where there are two kinds of them) or their `"mean"`.
        temperature: Of the verdicts; above 0, or they would all be the same.

    Attributes:
        calls: LM calls per answer, at most.

    Raises:
        ConfigurationError: An argument is outside its range.

    Example:
        >>> judge = LMJudge(dspy.LM("openai/gpt-4.1-mini"), criteria="Only whether the same meeting time is offered.")
        >>> PersonaAligner(metric=judge, acceptance=PairedTest()).compile(agent)
    """

    def __init__(
        self,
        lm: Any = None,
        repeats: int = 3,
        *,
        criteria: str = CRITERIA,
        combine: Literal["median", "mean"] = "median",
        temperature: float = 1.0,
    ) -> None:
        if not isinstance(repeats, int) or isinstance(repeats, bool) or repeats < 1:
            raise ConfigurationError(f"repeats must be a whole number of at least 1; it is {repeats!r}.")
        if combine not in ("median", "mean"):
            raise ConfigurationError(f"combine is 'median' or 'mean', not {combine!r}.")
        if not temperature > 0.0:
            raise ConfigurationError(f"temperature must be above 0; it is {temperature!r}.")
        self.predict = dspy.Predict(Judge)
        self.predict.lm = lm
        self.calls = repeats
        self.criteria = criteria
        self.combine = combine
        self.temperature = temperature

    def __call__(
        self,
        example: dspy.Example,
        prediction: dspy.Prediction,
        trace: Any = None,
        pred_name: Any = None,
        pred_trace: Any = None,
    ) -> dspy.Prediction:
        """Judge one answer; may be called from any thread.

        Args:
            example: What was asked, and what the user said as its labels.
            prediction: What was answered.
            trace: Not used.
            pred_name: Not used.
            pred_trace: Not used.

        Returns:
            `score` in [0, 1] and `feedback`, the difference that was named.

        Raises:
            ModelError: No LM is configured, or not one verdict could be read.
            DataError: The example has no labels.
        """
        with one_call_an_attempt():
            return drive(self._judge(example, prediction), threads=self.calls, may_repeat=_never)

    async def acall(self, example: dspy.Example, prediction: dspy.Prediction) -> dspy.Prediction:
        """The same, awaited."""
        with one_call_an_attempt():
            return await adrive(self._judge(example, prediction), threads=self.calls, may_repeat=_never)

    def _judge(self, example: dspy.Example, prediction: dspy.Prediction) -> Steps[dspy.Prediction]:
        expected, answered = _texts(example, prediction)
        if expected == answered:
            return dspy.Prediction(score=1.0, feedback="")
        lm = self.predict.lm or dspy.settings.lm
        if lm is None:
            raise ModelError("No LM is there to judge: give LMJudge one, or call dspy.configure(lm=...).")
        question = as_text(serialize_for_json(dict(example.inputs())))
        first = hashlib.sha256(f"{question}\n{expected}\n{answered}".encode()).digest()[0]
        results = yield [
            self._ask(lm, question, expected, answered, rollout=number, swapped=bool((first + number) % 2))
            for number in range(self.calls)
        ]
        verdicts = [result for result in results if not isinstance(result, Failure)]
        if not verdicts:
            kind = Unreachable if all(result.unreachable for result in results) else ModelError
            raise kind(f"None of {self.calls} verdicts on an answer could be read: {results[0].reason}")
        scores = [verdict.score for verdict in verdicts]
        score = statistics.median(scores) if self.combine == "median" else statistics.fmean(scores)
        closest = min(verdicts, key=lambda verdict: abs(verdict.score - score))
        return dspy.Prediction(score=score, feedback="" if score == 1.0 else closest.difference)

    def _ask(
        self, lm: Any, question: str, expected: str, answered: str, *, rollout: int, swapped: bool
    ) -> Ask[Judgement]:
        def finish(reply: dspy.Prediction) -> Judgement:
            verdict = str(reply.verdict)
            if verdict not in VERDICTS:
                raise ModelError("The judge gave no verdict.")
            return Judgement(VERDICTS[verdict], _named(str(reply.difference or ""), swapped))

        text_a, text_b = (answered, expected) if swapped else (expected, answered)
        return Ask.predict(
            self.predict,
            finish,
            reflect=True,
            lm=lm,
            config={"temperature": self.temperature, "rollout_id": rollout},
            criteria=self.criteria,
            question=question,
            text_a=text_a,
            text_b=text_b,
        )


def _texts(example: dspy.Example, prediction: dspy.Prediction) -> tuple[str, str]:
    """What was expected and what was answered, in the same form."""
    truth = {name: serialize_for_json(value) for name, value in example.labels().items()}
    if not truth:
        raise DataError("An example to be judged has no label: name its inputs with .with_inputs(...).")
    return as_text(truth).strip(), as_text({name: serialize_for_json(prediction.get(name)) for name in truth}).strip()


def _named(difference: str, swapped: bool) -> str:
    """The difference with the texts called by what they are, which the judge did not know."""
    names = {"a": "the expected answer", "b": "the given answer"}
    if swapped:
        names = {"a": names["b"], "b": names["a"]}
    return re.sub(r"\btext ([ab])\b", lambda found: names[found[1].lower()], difference.strip(), flags=re.IGNORECASE)


def _never(calls: int) -> bool:
    """A verdict that cannot be read is not asked for again: there are others."""
    return False

"""How likely the answers of closed sets are: what is asked of the scorer, and what its figures mean.

Labels are compared by their summed log-likelihood. Answers that are texts of their own (`signatures.standing`) differ
in length and in how common they are by themselves; they are compared by how much likelier the case makes them than an
empty prompt does, per token (contextual calibration, Zhao et al. 2021; the pointwise mutual information of case and
answer, Holtzman et al. 2021).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

# The public dspy.lm15 has no reader of the convention; this is the one that DSPy's own providers use.
from dspy._vendor.lm15.judgments import Judgment

from personaopt.lm import prompt_form
from personaopt.lm.scoring import SequenceScorer
from personaopt.lm.tokenization import PromptTokens

ALONE = "x-compared-alone"
"""Key of a property in the schema: its answers are compared with how likely they are by themselves."""


@dataclasses.dataclass(frozen=True)
class Question:
    """An output to be measured.

    Attributes:
        text: The prompt, which ends with the beginning of the output's line.
        judgment: The output and its answers.
        line: That beginning, where the answers are compared with how likely they are behind it alone.
    """

    text: str
    judgment: Judgment
    line: str = ""


@dataclasses.dataclass(frozen=True)
class Measured:
    """What was measured of one output, in the order of its answers.

    Attributes:
        judgment: The output.
        prompt_tokens: Of the prompt.
        log_likelihoods: Summed over each answer's tokens.
        answer_tokens: How many these are.
        scores: What the answers are compared by.
    """

    judgment: Judgment
    prompt_tokens: int
    log_likelihoods: Sequence[float]
    answer_tokens: Sequence[int]
    scores: Sequence[float]


def measure(scorer: SequenceScorer, tokens: PromptTokens, questions: Sequence[Question]) -> list[Measured]:
    """Score all answers of all questions in one call of the scorer.

    Args:
        scorer: What computes log-likelihoods.
        tokens: How texts are read.
        questions: What is asked.
    """
    prompts = [tokens.prompt(question.text) for question in questions]
    answers = [
        tokens.answers(question.text, [prompt_form.answer(key) for key in question.judgment.keys])
        for question in questions
    ]
    alone = [place for place, question in enumerate(questions) if question.line]
    lines = [tokens.prompt(questions[place].line) for place in alone]
    scored = scorer.score([*prompts, *lines], [*answers, *(answers[place] for place in alone)])
    by_themselves = dict(zip(alone, scored[len(questions) :], strict=True))
    found = []
    for place, question in enumerate(questions):
        values, lengths = scored[place], [len(answer) for answer in answers[place]]
        scores = values
        if place in by_themselves:
            triples = zip(values, by_themselves[place], lengths, strict=True)
            scores = [(value - alone) / length for value, alone, length in triples]
        found.append(Measured(question.judgment, len(prompts[place]), values, lengths, scores))
    return found

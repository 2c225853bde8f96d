"""What a persona is worth: a user's held-out questions answered under several personas, all else being equal.

A question is answered with what was known before it and nothing else, and personas come from before the first
question. What was measured is kept raw beside the calibrated probabilities, with the features that a calibration
weighs, so that another one can be applied later.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from personaopt.agent import PersonaAgent, evidence, spelled
from personaopt.errors import ConfigurationError, ModelError
from personaopt.evals.answers import Answer, Decided, Written
from personaopt.evals.baselines import most_frequent
from personaopt.evals.exams import Exam, replay
from personaopt.interaction import Interaction
from personaopt.lm.asks import Ask, Failure, Steps
from personaopt.lm.driving import drive
from personaopt.lm.local import is_small_local
from personaopt.optimizers.aligner import PersonaAligner
from personaopt.optimizers.losses import Case, Outcome, TextLikelihoodObjective
from personaopt.persona import Persona, Statement

NAMED_ANSWERS = 3


@dataclasses.dataclass(frozen=True)
class Lift:
    """A user's exam before and after an alignment.

    Attributes:
        exam: What was asked.
        aligned: The agent that the alignment returned, with its `detailed_results`.
        rows: The answers by row: `before` (empty persona), `after` and, for closed sets of answers, `frequent` (a
            persona that names the most frequent ones), `frequencies` and `neighbours` (no LM).
    """

    exam: Exam
    aligned: PersonaAgent
    rows: Mapping[str, Sequence[Answer]]


def measure(
    agent: PersonaAgent,
    exam: Exam,
    aligner: PersonaAligner,
    *,
    baselines: bool = True,
    resume: bool = False,
    tell: Callable[[str], None] = lambda text: None,
) -> Lift:
    """Align a persona on an exam's history, then answer its questions without and with it, and by the baselines.

    The history is recorded for the agent's user; the questions never are.

    Args:
        agent: Of the user whose exam it is; its current persona is what the alignment begins with.
        exam: The exam.
        aligner: How the persona is learnt.
        baselines: Whether the rows of the baselines are measured too.
        resume: Go on with an alignment of this user that was interrupted; see `PersonaAligner.compile`.
        tell: Told what is being done.

    Raises:
        ConfigurationError: The task has more than one output, or the interrupted alignment was begun otherwise.
        DataError: There is nothing to learn from.
        ModelError: The LM cannot be asked.
    """
    recorded = agent.user.record(exam.history)
    tell(f"{exam.user_id}: aligning on {len(recorded)} interactions")
    aligned = aligner.compile(agent, trainset=recorded, resume=resume)
    personas = {"before": Persona(), "after": aligned.persona}
    baselines = baselines and bool(agent.answers)
    if baselines:
        personas["frequent"] = frequent_persona(agent, exam.history)
    tell(f"{exam.user_id}: answering {len(exam.questions)} held-out questions under {len(personas)} personas")
    cases = replay(agent, exam)
    rows: dict[str, Sequence[Answer]] = {**evaluate(agent, cases, personas, threads=aligner.threads)}
    if baselines:
        rows |= {name: by_history(agent, cases, name) for name in ("frequencies", "neighbours")}
    return Lift(exam, aligned, rows)


def evaluate(
    agent: PersonaAgent,
    cases: Sequence[Case],
    personas: Mapping[str, Persona],
    *,
    generate: bool = True,
    threads: int = 8,
) -> dict[str, list[Answer]]:
    """Answer every case under every persona, all at once.

    Args:
        agent: Who answers; its own persona does not count.
        cases: The questions, each with its memory.
        personas: By the name of the row.
        generate: Whether texts are written where they can also be scored; slow on a small machine.
        threads: LM calls under way at once.

    Returns:
        For every persona the answers in the order of the cases.

    Raises:
        ModelError: The LM answered nothing at all.
    """
    # Case by case, so that what the prompts of a case share is still at hand when its next persona comes.
    asks = [ask for case in cases for persona in personas.values() for ask in _asks(agent, case, persona, generate)]

    def level() -> Steps[list[Any]]:
        return (yield asks)

    with agent.speaking():
        results = drive(level(), threads=threads)
    failures = [result for result in results if isinstance(result, Failure)]
    if asks and len(failures) == len(asks):
        raise ModelError(f"The LM answered none of {len(asks)} questions: {failures[0].reason}")
    parts = iter(results)
    answered: dict[str, list[Answer]] = {name: [] for name in personas}
    for case in cases:
        for row in answered.values():
            row.append(_answer(agent, case, parts, generate))
    return answered


def by_history(agent: PersonaAgent, cases: Sequence[Case], feature: str) -> list[Answer]:
    """The cases answered without an LM, by a feature of the history: `frequencies`, `recent` or `neighbours`."""
    name, answers = _decided_output(agent)
    even = dict.fromkeys(answers, 1.0 / len(answers))
    rows: list[Answer] = []
    for case in cases:
        logs = evidence(name, even, case.recalled.earlier, case.recalled.options.get(name))[feature]
        probabilities = dict(zip(answers, np.exp(logs).tolist(), strict=True))
        rows.append(Decided(case.interaction.id, _truth(agent, case), answers[int(np.argmax(logs))], probabilities))
    return rows


def frequent_persona(agent: PersonaAgent, history: Sequence[Interaction]) -> Persona:
    """A persona of one line that names the user's most frequent answers: the baseline of the personas."""
    name, answers = _decided_output(agent)
    chosen = [spelled(item.ground_truth[name]) for item in history if name in item.ground_truth]
    named = most_frequent([answer for answer in chosen if answer in answers], NAMED_ANSWERS)
    if not named:
        return Persona()
    return Persona((Statement(f"The user's most frequent choices of {name}: {', '.join(named)}."),))


def _output(agent: PersonaAgent) -> str:
    outputs = list(agent.task.output_fields)
    if len(outputs) != 1:
        raise ConfigurationError(f"An exam's task has one output field; this one has {', '.join(outputs)}.")
    return outputs[0]


def _decided_output(agent: PersonaAgent) -> tuple[str, list[str]]:
    name = _output(agent)
    return name, [spelled(answer) for answer in agent.answers[name]]


def _truth(agent: PersonaAgent, case: Case) -> str:
    return spelled(case.interaction.ground_truth[_output(agent)])


def _asks(agent: PersonaAgent, case: Case, persona: Persona, generate: bool) -> list[Ask[Any]]:
    """The calls of one question under one persona; `_answer` takes their results in this order."""
    name = _output(agent)
    inputs = agent.prompt_inputs(dict(case.interaction.inputs), case.recalled, persona)
    if agent.answers:
        return [Ask.predict(agent.predict, lambda prediction: _decided(agent, case, prediction), **inputs)]
    score, write = _of_texts(agent, generate)
    asks: list[Ask[Any]] = [TextLikelihoodObjective().ask(agent, case, persona)] if score else []
    if write:
        asks.append(Ask.predict(agent.predict, lambda prediction: str(prediction[name] or ""), **inputs))
    return asks


def _answer(agent: PersonaAgent, case: Case, parts: Iterator[Any], generate: bool) -> Answer:
    if agent.answers:
        decided = next(parts)
        failed = isinstance(decided, Failure)
        return Decided(case.interaction.id, _truth(agent, case), "") if failed else decided
    score, write = _of_texts(agent, generate)
    outcome = next(parts) if score else None
    text = next(parts) if write else ""
    return Written(
        case.interaction.id,
        _truth(agent, case),
        "" if isinstance(text, Failure) else text,
        outcome.likelihood_loss if isinstance(outcome, Outcome) else None,
        write,
    )


def _of_texts(agent: PersonaAgent, generate: bool) -> tuple[bool, bool]:
    """Whether the real text's likelihood can be asked, and whether a text is written."""
    scores = is_small_local(agent.lm)
    return scores, generate or not scores


def _decided(agent: PersonaAgent, case: Case, prediction: Any) -> Decided:
    name = _output(agent)
    answered = agent.finish(prediction, case.recalled)
    measured = (prediction.get("probabilities") or {}).get(name)
    return Decided(
        case.interaction.id,
        _truth(agent, case),
        spelled(answered[name]),
        (answered.get("probabilities") or {}).get(name),
        measured,
        evidence(name, measured, case.recalled.earlier, case.recalled.options.get(name)) if measured else None,
    )

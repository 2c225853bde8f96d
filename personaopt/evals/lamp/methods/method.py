"""What every compared method is: a `dspy.Module` of one user that prepares once, then answers question by question."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, Literal, Protocol

import dspy

from personaopt.evals.tasks import Task
from personaopt.interaction import Interaction
from personaopt.memory import User
from personaopt.optimizers.budget import Budget

Retriever = Literal["dense", "bm25"]


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is the same for every method of a run: task, memory, tools and budget. The LM is the configured one.

    Attributes:
        task: What is asked.
        retrieve: K, how many memories a method that retrieves puts into its prompt.
        latest: n, how many interactions an alignment learns from; each method's own number when None.
        epochs: E, how often an alignment's loop runs; each method's own number when None.
        budget: Of each preparation.
        examples: Interactions of users that nothing is reported on, for in-context learning; fixed for the run.
        tools: General tools, the paper's A; those on the user's own data come by themselves.
        max_actions: How many actions a method that acts takes before it answers.
        retriever: How `rag` searches.
        online: Whether a method that learns does so again after every question.
        threads: LM calls of one alignment under way at once.
        seed: For everything that is drawn.
        learnt: What methods of this user have learnt in this run, so that another one which learns the same takes it
            over (`personaopt.evals.lamp.methods.learning.learn_once`); None where every method learns by itself.
    """

    task: Task
    retrieve: int = 8
    latest: int | None = None
    epochs: int | None = None
    budget: Budget = dataclasses.field(default_factory=Budget)
    examples: Sequence[Interaction] = ()
    tools: Sequence[Callable[..., Any] | dspy.Tool] = ()
    max_actions: int = 2
    retriever: Retriever = "dense"
    online: bool = False
    threads: int = 64
    seed: int = 0
    learnt: MutableMapping[Any, Any] | None = dataclasses.field(default=None, compare=False, repr=False)


@dataclasses.dataclass(frozen=True)
class Preparation:
    """What a method learnt before it was asked.

    Attributes:
        personas: The persona's text before, after every epoch, and at the end; empty for a method without one.
        losses: Mean losses of an alignment, from before its first epoch on.
        accepted: How many of its edits were kept.
        refused: How many were not.
        notes: What a reader should know, in sentences.
    """

    personas: tuple[str, ...] = ()
    losses: tuple[float, ...] = ()
    accepted: int = 0
    refused: int = 0
    notes: tuple[str, ...] = ()


NOTHING_LEARNT = Preparation()


class Method(Protocol):
    """One method for one user. The user's memory holds what is known when it is called, and nothing later.

    Called, it returns a `dspy.Prediction` with the task's output fields and, where there are any: `probabilities` (by
    field and answer, as the LM measures them: the run calibrates all methods by one step), `earlier` (the user's
    earlier interactions with their similarity to the question, of a method that may look into the memory),
    `memories`, `actions` and `persona_version`.
    """

    def prepare(self) -> Preparation:
        """Learn from what the memory holds before the first question, and after every one when learning online."""
        ...

    def __call__(self, **inputs: Any) -> dspy.Prediction:
        """Answer one question."""
        ...


MethodOf = Callable[[User, Setting], Method]
"""Makes a method for a user."""

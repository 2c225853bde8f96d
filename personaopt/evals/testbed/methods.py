"""The optimizers on the testbed: each gets the same user, the same stand-in and the same number of LM calls.

Every method reports its path, the text it would have answered under after so many calls.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import dspy
import numpy as np

import personaopt.evals.testbed.prompts as prompts
from personaopt.agent import PersonaAgent
from personaopt.evals.testbed.stand_in import Judge, Noise, StandIn, stand_in_lm
from personaopt.evals.testbed.users import AnswerMail, InventedUser
from personaopt.interaction import Interaction
from personaopt.lm.asks import Ask
from personaopt.lm.quiet_textgrad import textgrad
from personaopt.memory import CallableEmbedder, open_store
from personaopt.optimizers.acceptance import AcceptAll, ImprovesBoth
from personaopt.optimizers.aligner import PersonaAligner
from personaopt.optimizers.budget import Budget
from personaopt.optimizers.critics import ContrastiveCritic, LMCritic
from personaopt.optimizers.editors import EditRequest, Edits
from personaopt.optimizers.events import EpochEnded, Event
from personaopt.optimizers.losses import ResponseObjective
from personaopt.optimizers.windows import latest_with_slice
from personaopt.persona import Persona

Path = list[tuple[int, str]]
"""What would have been answered under after so many calls; the first entry is the start."""

_FOREVER = 1000


@dataclasses.dataclass(frozen=True)
class Trial:
    """What every method is given.

    Attributes:
        user: Whose persona it is about.
        noise: The dials.
        budget: LM calls. The user's whole history is there for every method.
        seed: For the noise and for what is drawn.
    """

    user: InventedUser
    noise: Noise
    budget: int
    seed: int = 0

    @property
    def judge(self) -> Judge:
        """The metric."""
        return Judge(self.noise.judge, self.seed)

    def lm(self) -> tuple[dspy.LM, StandIn]:
        """A fresh stand-in."""
        lm = stand_in_lm(self.noise, self.seed)
        return lm, lm.engine

    def agent(self) -> PersonaAgent:
        """The user's agent, in a store of its own, under the starting persona."""
        store = open_store(":memory:", embedder=CallableEmbedder("testbed/none", _one_direction))
        user = store.user(self.user.user_id)
        for item in self.user.history:
            user.record(item)
        user.save_persona(self.user.start, parent=0, author="testbed", reason="what was known before")
        return PersonaAgent(AnswerMail, user=user, retrieve=0)


def _one_direction(texts: Sequence[str]) -> Any:
    return np.ones((len(texts), 2), dtype=np.float32) / np.sqrt(2.0)


Method = Callable[[Trial], Path]


def aligned(trial: Trial, **settings: Any) -> Path:
    """`PersonaAligner` with its defaults, one window and as many epochs as the budget allows.

    Args:
        trial: What is given.
        **settings: Other arguments of `PersonaAligner`.
    """
    lm, engine = trial.lm()
    agent = trial.agent()
    path: Path = [(0, agent.persona.render())]

    def noted(event: Event) -> None:
        if isinstance(event, EpochEnded) and event.persona.render() != path[-1][1]:
            path.append((engine.calls.total(), event.persona.render()))

    arguments: dict[str, Any] = {
        "metric": trial.judge,
        "callbacks": [noted],
        "budget": Budget(calls=trial.budget),
        "seed": trial.seed,
        "epochs": _FOREVER,
        "threads": 1,
        "checkpoint": False,
    }
    with dspy.context(lm=lm):
        after = PersonaAligner(**arguments | settings).compile(agent)
    path.append((engine.calls.total(), after.persona.render()))
    return path


def ours(trial: Trial, **settings: Any) -> Path:
    """`PersonaAligner`, windows of 5 + 3 while the budget lasts, the contrast as feedback, a tolerance of 0.1.

    Args:
        trial: What is given.
        **settings: Other arguments of `PersonaAligner`.
    """
    acceptance = ImprovesBoth(ResponseObjective.minimum_effect, tolerance=0.1)
    chosen: dict[str, Any] = {
        "latest": 5, "held_out": 3, "windows": _FOREVER, "critic": ContrastiveCritic(), "acceptance": acceptance
    }  # fmt: skip
    return aligned(trial, **chosen | settings)


def fused(trial: Trial) -> Path:
    """As `ours`, but an LM writes every critique in a call of its own (PersonaAgent's loss and gradient in one)."""
    return ours(trial, critic=LMCritic())


class RewritePersona(dspy.Signature):
    """Rewrite the description of one user by which an assistant answers for that user, using all the feedback.

    Write the whole new description, one statement a line.
    """

    persona: str = dspy.InputField(desc="The description as it is.")
    feedback: list[str] = dspy.InputField(desc="Feedback on answers that were given under it.")
    new_persona: str = dspy.OutputField(desc="The new description, complete.")


class Rewriter:
    """PersonaAgent's LLM_update: the persona is written anew from all feedback at once."""

    def __init__(self) -> None:
        self.predict = dspy.Predict(RewritePersona)

    def propose(self, request: EditRequest) -> list[Ask[Edits]]:
        """One rewrite, as the edits that lead to it."""
        if not request.gradients:
            return []

        def finish(prediction: dspy.Prediction) -> Edits:
            written = Persona.from_text(prediction.new_persona or "", source="learnt")
            return request.persona.diff(written)

        feedback = [gradient.text for gradient in request.gradients]
        inputs = {"persona": request.persona.render(), "feedback": feedback, "lm": request.agent.lm}
        return [Ask.predict(self.predict, finish, reflect=True, **inputs)]


def ungated(trial: Trial, latest: int = 16) -> Path:
    """The paper's loop (PersonaAgent, Algorithm 1): feedback on the latest interactions, a rewrite, no test.

    Args:
        trial: What is given.
        latest: n; it has no use for a held-out slice.
    """
    return aligned(trial, latest=latest, held_out=0, editor=Rewriter(), acceptance=AcceptAll(), candidates=1)


def stock_textgrad(trial: Trial, batch: int = 8) -> Path:
    """TextGrad as it is: forward, `TextLoss`, backward, `TGD.step`, on minibatches of the history in turn.

    Args:
        trial: What is given; steps are made until its budget has no room for another.
        batch: Interactions a step; a step is 4 calls for each and one more.
    """
    from personaopt.lm.textgrad_engine import textgrad_engine  # brings textgrad, which takes seconds to import

    tg = textgrad()
    lm, engine = trial.lm()
    bridge = textgrad_engine(lm)
    agent = trial.agent()
    text = f"{AnswerMail.instructions}\n{agent.persona.render()}"
    persona = tg.Variable(text, requires_grad=True, role_description="system prompt that describes the user")
    model = tg.BlackboxLLM(bridge, system_prompt=persona)
    descent = tg.TGD(parameters=[persona], engine=bridge)
    path: Path = [(0, text)]
    items = trial.user.history[::-1]
    place = 0
    while engine.calls.total() + 4 * batch + 1 <= trial.budget:
        losses = []
        for item in [items[(place + offset) % len(items)] for offset in range(batch)]:
            question = tg.Variable(item.inputs["message"], requires_grad=False, role_description="message")
            losses.append(tg.TextLoss(_evaluation(item), engine=bridge)(model(question)))
        place += batch
        descent.zero_grad()
        tg.sum(losses).backward(bridge)
        descent.step()
        path.append((engine.calls.total(), persona.value))
    return path


def _evaluation(item: Interaction) -> str:
    expected = prompts.answer_text(**item.ground_truth)
    return (
        f"{prompts.EVALUATOR} Say how the answer should have differed.\n"
        f"<QUESTION>{item.inputs['message']}</QUESTION>\n<EXPECTED>{expected}</EXPECTED>"
    )


def gepa(trial: Trial, held_out: int = 5) -> Path:
    """`dspy.GEPA`: the same stand-in as reflection LM, the metric with feedback, the held-out slice as valset.

    Args:
        trial: What is given.
        held_out: Size of the slice; all the rest of the history is the trainset.
    """
    lm, engine = trial.lm()
    agent = trial.agent()
    path: Path = [(0, agent.predict.signature.instructions)]

    class Watch:
        def on_valset_evaluated(self, event: Mapping[str, Any]) -> None:
            if event["is_best_program"] and event["iteration"] > 0:
                path.append((engine.calls.total(), event["candidate"]["predict"]))

    optimizer = dspy.GEPA(
        metric=trial.judge.with_feedback,
        max_metric_calls=trial.budget,
        reflection_lm=lm,
        num_threads=1,
        warn_on_score_mismatch=False,
        seed=trial.seed,
        gepa_kwargs={
            "callbacks": [Watch()],
            "stop_callbacks": [lambda state: engine.calls.total() >= trial.budget],
        },
    )
    history = trial.user.history
    window = latest_with_slice(history, len(history) - held_out, held_out, trial.seed)
    with dspy.context(lm=lm), _silence():
        after = optimizer.compile(agent, trainset=_examples(window.learn), valset=_examples(window.hold_out))
    path.append((engine.calls.total(), after.predict.signature.instructions))
    return path


def _examples(items: Sequence[Interaction]) -> list[dspy.Example]:
    return [dspy.Example(**item.inputs, **item.ground_truth).with_inputs("message") for item in items]


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """GEPA's progress bars and log lines are not shown."""
    logger = logging.getLogger("dspy")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)


METHODS: Mapping[str, Method] = {
    "ours": ours,
    "fused": fused,
    "defaults": aligned,
    "ungated": ungated,
    "textgrad": stock_textgrad,
    "gepa": gepa,
}

"""ReAct (Yao et al. 2023): thoughts and tool calls in turns, on the user's own memory and general tools, no persona.

An LM that can reflect works through DSPy's own `ReActV2`. The small local model can follow no such form; for it the
agent's policy chooses the same tools by their scores, and the answer is scored like that of every other method.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dspy
from dspy.utils.exceptions import AdapterParseError

from personaopt.actions.own_memory import Moment
from personaopt.errors import ModelError
from personaopt.evals.lamp.methods.asking import MethodAgent, acting, speaking
from personaopt.evals.lamp.methods.method import NOTHING_LEARNT, Preparation, Setting
from personaopt.evals.lamp.methods.unlogged import unlogged
from personaopt.lm.local import is_small_local
from personaopt.memory import User
from personaopt.memory.choices import spelled
from personaopt.memory.episodic import Memory
from personaopt.persona import Persona
from personaopt.signatures.excerpt import excerpts

SMALL_MODEL = "the small local model writes no thoughts: its tools were chosen by score"


class ReAct(dspy.Module):
    """Thinks, looks up and answers, in at most `max_actions` turns and one more that must answer.

    Args:
        user: Whose questions are answered.
        setting: Of the run.
    """

    def __init__(self, user: User, setting: Setting) -> None:
        super().__init__()
        self.user = user
        self._setting = setting
        self._scored = MethodAgent(user, setting, retrieve=0, persona=Persona(), **acting(setting))

    def prepare(self) -> Preparation:
        """Nothing to learn; says so where the LM cannot be asked in this form."""
        return Preparation(notes=(SMALL_MODEL,)) if is_small_local(dspy.settings.lm) else NOTHING_LEARNT

    def forward(self, **inputs: Any) -> dspy.Prediction:
        """One call a turn.

        Raises:
            ModelError: The LM came to no answer.
        """
        if is_small_local(dspy.settings.lm):
            return self._scored(**inputs)
        task = self._setting.task
        tools = [*own_tools(self.user), *self._setting.tools]
        react = dspy.ReActV2(task.signature, tools=tools, max_iters=self._setting.max_actions)
        try:
            with speaking(self.user), unlogged(dspy.ReActV2.__module__):  # it logs replies, which quote users
                answered = react(**inputs)
        except (ValueError, AdapterParseError) as error:
            raise ModelError(f"ReAct came to no answer for user {self.user.id!r}: {type(error).__name__}.") from error
        return dspy.Prediction(
            **{task.output: spelled(answered[task.output]).strip()}, actions=_actions(answered.history)
        )


def own_tools(user: User) -> list[Callable[..., Any]]:
    """The tools on the user's own memory: recall, recent, profile.

    Args:
        user: Whose.
    """
    moment = Moment(user, Persona())

    def recall(keywords: str, k: int = 4) -> list[dict[str, Any]]:
        """Search what this user answered before, by keywords of your own."""
        return _records(moment.recall(keywords, k=k))

    def recent(k: int = 4) -> list[dict[str, Any]]:
        """What this user answered last, the latest first."""
        return _records(moment.recent(k))

    def profile() -> str:
        """What is known of this user."""
        return moment.profile()

    return [recall, recent, profile]


def _records(memories: Sequence[Memory]) -> list[dict[str, Any]]:
    items = [memory.interaction for memory in memories]
    return [{"inputs": excerpts(item.inputs), "answer": excerpts(item.ground_truth)} for item in items]


def _actions(history: dspy.History) -> list[dict[str, Any]]:
    """The tool calls of a history, without the final one."""
    done = []
    for event in history.messages:
        calls = event.get("tool_calls")
        results = calls.tool_call_results if calls is not None else None
        values = results.tool_call_results if results is not None else []
        for call, result in zip(calls.tool_calls if calls is not None else [], values, strict=False):
            if call.name != "submit":
                told = {"error": str(result.value)[:200]} if result.is_error else {"result": result.value}
                done.append({"tool": call.name, "arguments": dict(call.args or {}), **told})
    return done

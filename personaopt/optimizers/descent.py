"""PersonaDescent: TextGrad's optimizer interface over this library's edits and limits.

For a persona, or any system prompt, that is a `textgrad.Variable` and gets its gradients from TextGrad's own backward.
Importing this module imports textgrad, quietly.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import dspy

from personaopt.errors import ConfigurationError, PersonaError
from personaopt.interaction import Interaction
from personaopt.lm.asks import Ask, Failure, Steps, one_call_an_attempt
from personaopt.lm.driving import adrive, drive
from personaopt.lm.quiet_textgrad import textgrad
from personaopt.lm.textgrad_engine import dspy_lm
from personaopt.optimizers.editors import SHOWN_REFUSALS, Edits, edits_of, numbered
from personaopt.optimizers.quoting import Texts, shortened
from personaopt.persona import DEFAULT_TOKEN_LIMIT, Edit, Persona, estimate_tokens
from personaopt.signatures.edit import EditPersona

_textgrad = textgrad()
_BULLET = "- "
_ANY_LENGTH = 2**31


@dataclasses.dataclass(frozen=True)
class Applied:
    """What a step changed in one variable.

    Attributes:
        step: Number of the step, from 1.
        parameter: The variable's place among the parameters, from 0.
        edits: The edits in their order, with the feedback that they follow from as their reason.
    """

    step: int
    parameter: int
    edits: Edits


@dataclasses.dataclass(frozen=True)
class Skipped:
    """Why a step left one variable as it was.

    Attributes:
        step: Number of the step, from 1.
        parameter: The variable's place among the parameters, from 0.
        reason: In one sentence.
    """

    step: int
    parameter: int
    reason: str


class PersonaDescent(_textgrad.optimizer.optimizer.Optimizer):  # type: ignore[name-defined]
    """A `textgrad.optimizer.Optimizer` that edits line by line; takes the place of `textgrad.TGD`.

    TextGrad's own optimizer shows its LM the first and last ten words of a longer variable, replaces the whole text,
    and loses the run when a reply has no tags. Here the LM is shown every line and all gradients, in an order that is
    the same in every run, and answers with at most five edits. A text never passes its token limit, no edit copies more
    than twelve words in a row from a conversation, and lines that no edit is about stay letter for letter. All
    variables are edited at once. A reply that is of no use is asked for again, three times in all, and then skipped:
    the variable stays, and `skipped` says why.

    Args:
        parameters: The variables; each line of one is a statement.
        engine: Who writes the edits: a `dspy.LM`, a TextGrad engine or its name. When None the engine that was set with
            `textgrad.set_backward_engine`, else the LM that is configured in DSPy.
        constraints: What every edit must keep to, in words.
        token_limit: The most tokens a variable may have (see `personaopt.persona.estimate_tokens`).
        protected: Lines that stay as they are, wherever they stand.
        threads: LM calls under way at once.

    Attributes:
        applied: What was changed, in order.
        skipped: What was not, and why.

    Raises:
        ConfigurationError: A parameter is no variable with text, passes the token limit already, or there is no engine.

    Example:
        >>> optimizer = po.PersonaDescent(parameters=[persona], engine=engine, constraints=["Write in English."])
        >>> loss.backward(engine)
        >>> optimizer.step()
    """

    def __init__(
        self,
        parameters: Sequence[Any],
        engine: Any = None,
        *,
        constraints: Sequence[str] | None = None,
        token_limit: int = DEFAULT_TOKEN_LIMIT,
        protected: Iterable[str] = (),
        threads: int = 16,
    ) -> None:
        for place, parameter in enumerate(parameters):
            if not isinstance(parameter, _textgrad.Variable) or not isinstance(parameter.value, str):
                raise ConfigurationError(
                    f"Parameter {place} of PersonaDescent is no textgrad.Variable that holds text."
                )
            if (tokens := estimate_tokens(parameter.value)) > token_limit:
                raise ConfigurationError(
                    f"Parameter {place} of PersonaDescent has {tokens} tokens and the limit is {token_limit}; "
                    "shorten it or raise token_limit."
                )
        super().__init__(list(parameters))
        self.lm = dspy_lm(engine)
        self.constraints = [constraints] if isinstance(constraints, str) else list(constraints or ())
        self.token_limit = token_limit
        self.protected = frozenset(_plain(line) for line in protected)
        self.threads = threads
        self.applied: list[Applied] = []
        self.skipped: list[Skipped] = []
        self._steps = 0
        self._refused: dict[int, list[str]] = defaultdict(list)

    def step(self) -> None:
        """Edit every variable that has gradients. One call a variable, all at once."""
        with one_call_an_attempt():
            drive(self._step(), threads=self.threads)

    async def astep(self) -> None:
        """The same, awaited."""
        with one_call_an_attempt():
            await adrive(self._step(), threads=self.threads)

    def zero_grad(self) -> None:
        """Forget the gradients, with their context and what they were to be reduced by."""
        super().zero_grad()
        for parameter in self.parameters:
            parameter.gradients_context = defaultdict(lambda: None)
            parameter._reduce_meta = []

    def _step(self) -> Steps[None]:
        self._steps += 1
        feedback = {place: gradients_in_order(parameter) for place, parameter in enumerate(self.parameters)}
        asked = [place for place, texts in feedback.items() if texts]
        results = yield [self._ask(place, feedback[place]) for place in asked]
        proposed = dict(zip(asked, results, strict=True))
        for place, parameter in enumerate(self.parameters):
            result = proposed.get(place, Failure("it has no gradients"))
            if isinstance(result, Failure):
                self.skipped.append(Skipped(self._steps, place, result.reason))
            elif not result:
                self.skipped.append(Skipped(self._steps, place, "the editor proposed no edit that means anything here"))
            else:
                parameter.set_value(edited(parameter.value, result))
                self.applied.append(Applied(self._steps, place, result))

    def _ask(self, place: int, feedback: Sequence[str]) -> Ask[Edits]:
        """The call that edits one variable; its result can be applied as it is."""
        text = self.parameters[place].value
        persona = Persona.from_text(text, token_limit=_ANY_LENGTH)  # what counts is the text that comes out
        pinned = tuple(dataclasses.replace(line, pinned=line.text in self.protected) for line in persona.statements)
        persona = dataclasses.replace(persona, statements=pinned)

        def finish(prediction: Any) -> Edits:
            edits = edits_of(prediction.edits or [], persona, feedback)
            persona.apply(edits)  # raises where two of them do not go together
            tokens = estimate_tokens(edited(text, edits))
            if reason := conversations.refused(edits):
                shown = shortened(edits)  # what must not be copied is not repeated either
            elif tokens > self.token_limit:
                reason, shown = f"the text would have {tokens} tokens and its limit is {self.token_limit}", edits
            else:
                return edits
            self._refused[place].append(f"{'; '.join(map(str, shown))} ({reason})")
            raise PersonaError(f"The edits were refused: {reason}.")

        conversations = Texts(_conversations(self.parameters[place]))
        signature: Any = EditPersona
        inputs: dict[str, Any] = {
            "persona": numbered(line.text for line in persona.statements),
            "feedback": numbered(feedback),
            "refused": self._refused[place][-SHOWN_REFUSALS:],
            "token_limit": self.token_limit,
        }
        if self.constraints:
            field = dspy.InputField(desc="What every edit must keep to.")
            signature = signature.insert(0, "constraints", field, list[str])
            inputs["constraints"] = numbered(self.constraints)
        return Ask.predict(dspy.Predict(signature), finish, reflect=True, lm=self.lm, **inputs)


def gradients_in_order(variable: Any) -> list[str]:
    """The gradients of a variable, each once, empty ones left out, in an order that does not change from run to run.

    TextGrad keeps gradients in a set, and walks the graph in the order of other sets, so that the order in which they
    came is lost and differs with every run. They are ordered by the conversation they are about, then by their words.
    """

    def key(gradient: Any) -> tuple[str, str]:
        context = variable.gradients_context.get(gradient) or {}
        return str(context.get("context", "")), str(gradient.value)

    ordered = sorted(map(key, variable.gradients))
    return list(dict.fromkeys(text for _, text in ordered if text.strip()))


def _conversations(variable: Any) -> Iterator[Interaction]:
    """What was asked and answered under a variable, as far as its gradients tell; none of it belongs into its text."""
    for context in list(variable.gradients_context.values()):
        said = str(context["context"]) if context else ""
        asked, answered = (re.findall(rf"<{tag}>(.*?)</{tag}>", said, re.DOTALL) for tag in ("LM_INPUT", "LM_OUTPUT"))
        if asked or answered:
            yield Interaction({"input": "\n".join(asked)}, response={"output": "\n".join(answered)})


def edited(text: str, edits: Iterable[Edit]) -> str:
    """A text with edits made to its lines; all others stay as they are, empty ones and dashes included."""
    edits = tuple(edits)
    lines = text.splitlines()
    written = [line for line in lines if line.strip()]
    bullet = _BULLET if all(line.lstrip().startswith(_BULLET) for line in written) else ""
    changed = {edit.target: edit.statement for edit in edits if edit.target is not None}
    names = {statement.text: statement.id for statement in Persona.from_text(text, token_limit=_ANY_LENGTH).statements}
    kept = []
    for line in lines:
        name = names.get(_plain(line), "")
        if name not in changed:
            kept.append(line)
        elif (statement := changed[name]) is not None:
            kept.append(f"{bullet}{statement.text}")
    added = [f"{bullet}{edit.statement.text}" for edit in edits if edit.action == "add" and edit.statement is not None]
    return "\n".join([*kept, *added])


def _plain(line: str) -> str:
    """A line as a persona holds it."""
    return " ".join(line.split()).removeprefix("- ").strip()

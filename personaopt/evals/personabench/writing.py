"""The backend that an LM writes: personas, scenes, queries, remarks, and the look whether a query gives one away.

What has to be known for certain stays drawn by rule: the values, the dates of events, the functions and the arguments
of right calls. What an LM answers is checked; what is of no use is asked for again, and left out after that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

import dspy

import personaopt.evals.personabench.asked as asked
from personaopt.errors import DataError, ModelError
from personaopt.evals.personabench.drafts import Scene, Seed
from personaopt.evals.personabench.offline import OfflineBackend
from personaopt.evals.personabench.records import Check, Profile, Remark
from personaopt.evals.personabench.revealing import words_of_personas
from personaopt.evals.personabench.timeline import Planned
from personaopt.evals.personabench.vocabulary import Topic
from personaopt.lm.asks import Ask, Failure, always

T = TypeVar("T")
FIXED = (
    "demographics.name", "demographics.age", "life.budget", "personality.extraversion", "personality.sensing",
    "personality.thinking", "personality.judging", "preference.formats", "preference.styles",
)  # fmt: skip
"""Fields whose values are not worded anew: they are the same in every language, or a form is checked by them."""
_SHAPES = {
    "choose": "The user asks which of several options to take; each option is a short phrase of its own.",
    "call": "The assistant has to call the function {function} with the user's value.",
    "form": "The user asks to have a subject explained or summed up; an answer is right by its form.",
    "name": "The user wants a text that is signed with the user's name.",
}


class LMBackend:
    """Lets an LM write.

    Args:
        lm: Any `dspy.LM`.
        language: What it writes in.
        concurrency: Calls under way at once.
    """

    def __init__(self, lm: dspy.LM, *, language: str = "English", concurrency: int = 8) -> None:
        self.lm, self.language = lm, language
        self.concurrency = max(2, concurrency)  # one at a time is for what costs nothing
        self.name = str(lm.model)
        self.wording = "its own"
        self._rules = OfflineBackend()
        self.topics = self._rules.topics
        self._about = {topic.name: topic for topic in self._rules.words.topics}

    def seed(self, identifier: str, draw: Random) -> Seed:
        """Drawn by rule, so that it is known how often each value occurs."""
        return self._rules.seed(identifier, draw).model_copy(update={"language": self.language})

    def profile(self, seed: Seed, sessions: int, draw: Random) -> Profile:
        """Events are drawn by rule; the LM words every value for this person and writes the biography."""
        plain = self._rules.profile(seed, sessions, draw)
        open_values = [held.value for held in plain.held if held.field not in FIXED]
        open_values += [event.new for event in plain.events if event.field not in FIXED]
        values = list(dict.fromkeys(open_values))

        def finish(said: Any) -> tuple[str, dict[str, str]]:
            given = {str(value): " ".join(str(wording).split()).rstrip(".") for value, wording in said.wordings.items()}
            words = {value: given[value] for value in values if given.get(value)}
            if len(words) < len(values) and self.language != self._rules.language:
                raise DataError(f"{len(values) - len(words)} values were not worded.")
            if len(set(words.values())) < len(words) or not said.biography.strip():
                raise DataError("Two values were worded alike, or there is no biography.")
            return " ".join(said.biography.split()), words

        written = self._ask(
            asked.DescribePersona, finish, draw, language=self.language, facts=seed.drawn, values=values
        )
        if written is None:
            return plain
        biography, words = written
        held = [each.model_copy(update={"value": _worded(each.field, each.value, words)}) for each in plain.held]
        events = [
            each.model_copy(
                update={"old": _worded(each.field, each.old, words), "new": _worded(each.field, each.new, words)}
            )
            for each in plain.events
        ]
        return plain.model_copy(
            update={"language": self.language, "biography": biography, "held": held, "events": events}
        )

    def scene(self, plan: Planned, profile: Profile, shared: Scene | None, draw: Random) -> Scene:
        """A scene with its options, or what is right for another persona in a scene there is."""
        topic = self._about[plan.topic]
        now = profile.values_at(plan.time)[topic.field]
        past = [each.value for each in profile.superseded_at(plan.time) if each.field == topic.field]
        given = {
            "language": self.language,
            "persona": profile.persona_at(plan.time).render(),
            "depends_on": f"{topic.field}: {'; '.join(now)}",
            "outdated_values": past,
        }
        if shared is None:
            draft = self._drafted(topic, plan, given, draw)
        else:
            draft = self._judged(topic, shared, given, draw) if shared.context else None
        if draft is None:
            return _nothing(plan)
        if topic.tool is not None:
            base = self._rules.call_scene(topic, topic.tool, plan, now, past, shared, draw)
            check = base.checks[0].model_copy(update={"complaint": draft.complaint})
        else:
            base, check = _nothing(plan), _check(topic, now, past, draft)
        return base.model_copy(
            update={"context": " ".join(draft.context.split()), "expected": draft.expected, "checks": [check]}
        )

    def query(self, scene: Scene, profile: Profile, draw: Random) -> str:
        """The opening message; the LM is not shown the persona."""
        if not scene.context:
            return ""
        about = f"{scene.topic}; the user asks something like: {draw.choice(self._about[scene.topic].asks)}"
        said = self._ask(
            asked.WriteQuery, _text("query"), draw, language=self.language, context=scene.context, about=about
        )
        return said or ""

    def remarks(self, profile: Profile, number: int, draw: Random) -> list[Remark]:
        """What is said when is known by rule; the LM words it."""
        plain = self._rules.remarks(profile, number, draw)
        if not plain:
            return []
        items = [f"{each.kind}: {each.field} is {each.value!r} ({each.text})" for each in plain]

        def finish(said: Any) -> list[str]:
            sentences = [" ".join(str(each).split()) for each in said.sentences]
            if len(sentences) != len(plain) or not all(sentences):
                raise DataError(f"{len(plain)} sentences were asked for, and {len(sentences)} came.")
            return sentences

        said = self._ask(asked.SayOfThemselves, finish, draw, language=self.language, items=items)
        texts = said or [each.text for each in plain]
        return [each.model_copy(update={"text": text}) for each, text in zip(plain, texts, strict=True)]

    def giveaways(self, profiles: Sequence[Profile]) -> frozenset[str]:
        """The words of everything that these personas ever are or say they are."""
        return words_of_personas(profiles, self._rules.words.stop)

    def reveals(self, scene: Scene, query: str, profiles: Sequence[Profile]) -> list[str]:
        """What the LM reads off the query without knowing the persona."""

        def finish(said: Any) -> list[str]:
            words = [" ".join(each.words.split()) for each in said.told]
            return [each for each in words if each and each.casefold() in query.casefold()]

        return self._ask(asked.LookThrough, finish, Random(query), message=query) or [] if query else []

    def neutral(self, scene: Scene, query: str, revealed: Sequence[str], draw: Random) -> str:
        """The query, rewritten."""
        if not query:
            return ""
        said = self._ask(
            asked.Neutralise, _text("neutral"), draw, language=self.language, message=query, told=list(revealed)
        )
        return said or query

    def _drafted(self, topic: Topic, plan: Planned, given: dict[str, Any], draw: Random) -> asked.SceneDraft | None:
        function = topic.tool.function.name if topic.tool else ""
        about = (
            f"{topic.name}: {_SHAPES[topic.shape].format(function=function)} For example: {draw.choice(topic.contexts)}"
        )
        audience = "only this user" if plan.kind == "specific" else "anybody: nothing in it points to this user"

        def finish(said: Any) -> asked.SceneDraft:
            draft: asked.SceneDraft = said.scene
            _fits(topic, draft)
            return draft

        return self._ask(asked.WriteScene, finish, draw, about=about, audience=audience, **given)

    def _judged(self, topic: Topic, shared: Scene, given: dict[str, Any], draw: Random) -> asked.SceneDraft | None:
        options = [*shared.checks[0].accepted, *shared.checks[0].others] if topic.shape == "choose" else []

        def finish(said: Any) -> asked.SceneDraft:
            draft = asked.SceneDraft(
                context=shared.context,
                options=options,
                right=said.right,
                outdated=said.outdated,
                expected=said.expected,
                complaint=said.complaint,
            )
            _fits(topic, draft)
            return draft

        return self._ask(asked.JudgeScene, finish, draw, context=shared.context, options=options, **given)

    def _ask(self, signature: Any, finish: Callable[[Any], T], draw: Random, **inputs: Any) -> T | None:
        """What the LM answers, or None where it is of no use three times.

        Raises:
            ModelError: It cannot be reached.
        """
        config = {"temperature": 1.0, "rollout_id": draw.randrange(1, 10**9)}
        ask = Ask.predict(dspy.Predict(signature), finish, reflect=True, lm=self.lm, config=config, **inputs)
        answer = ask.now(always)
        if isinstance(answer, Failure):
            if answer.unreachable:
                raise ModelError(
                    f"The LM {self.name} does not answer: {answer.reason}; the same command goes on from here."
                )
            return None
        return answer


def _fits(topic: Topic, draft: asked.SceneDraft) -> None:
    """Refuse a draft that no reply could be judged by.

    Raises:
        DataError: It is one.
    """
    if not draft.context.strip() or not draft.expected.strip() or not draft.complaint.strip():
        raise DataError("Context, expected answer and complaint are needed.")
    if topic.shape == "choose":
        context = " ".join(draft.context.split()).casefold()
        if len(set(draft.options)) < 2 or any(
            " ".join(each.split()).casefold() not in context for each in draft.options
        ):
            raise DataError("At least two options are needed, each as it stands in the context.")
        if not draft.right or set(draft.right) - set(draft.options) or set(draft.right) == set(draft.options):
            raise DataError("Some of the options have to be right, and not all.")


def _check(topic: Topic, now: list[str], past: list[str], draft: asked.SceneDraft) -> Check:
    if topic.shape == "choose":
        others = [each for each in draft.options if each not in draft.right]
        stale = [each for each in draft.outdated if each in others]
        return Check(field=topic.field, kind="first_named", accepted=draft.right, others=others, stale=stale,
                     complaint=draft.complaint)  # fmt: skip
    if topic.shape == "form":
        known = list(topic.options[now[0]])
        stale = [form for value in past for form in topic.options[value] if form not in known]
        return Check(field=topic.field, kind="form", accepted=known, stale=stale, complaint=draft.complaint)
    return Check(field=topic.field, kind="names", accepted=now, stale=past, complaint=draft.complaint)


def _worded(field: str, value: str, words: dict[str, str]) -> str:
    return value if field in FIXED else words.get(value, value)


def _text(name: str) -> Callable[[Any], str]:
    def finish(said: Any) -> str:
        text = " ".join(str(getattr(said, name) or "").split())
        if not text:
            raise DataError("The answer is empty.")
        return text

    return finish


def _nothing(plan: Planned) -> Scene:
    """A scene of which nothing is known but its place; without a context it is left out of the bench."""
    return Scene(
        id=plan.scene, session=plan.session, persona=plan.persona, number=plan.number, kind=plan.kind,
        topic=plan.topic, context="", expected="", checks=[], functions=[], calls=[], state="{}",
    )  # fmt: skip

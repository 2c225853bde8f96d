"""The offline backend: grammars and word lists, the same bench for the same seed, nothing asked of any model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from personaopt.evals.personabench.backend import Topics
from personaopt.evals.personabench.drafts import Scene, Seed
from personaopt.evals.personabench.records import Call, Check, CheckKind, Profile, Remark
from personaopt.evals.personabench.revealing import words_of
from personaopt.evals.personabench.saying import remarks_of, sentence
from personaopt.evals.personabench.timeline import Planned, life_of
from personaopt.evals.personabench.vocabulary import Tool, Topic, vocabulary

NAME, AGE, TONGUE, NATION = (
    "demographics.name",
    "demographics.age",
    "demographics.languages",
    "demographics.nationality",
)
AGES = (18, 75)
OFFERED = 4
"""Values among which a persona-specific scene offers a choice."""
OTHERS = 5
"""Entries of a persona-specific scene's table that are not the right one."""
_IMPERATIVES = frozenset(
    {
        "find",
        "give",
        "look",
        "search",
        "put",
        "tell",
        "remind",
        "set",
        "check",
        "explain",
        "sum",
        "lay",
        "help",
        "write",
    }
    | {"draft", "translate", "i"}
)


class OfflineBackend:
    """Writes from a vocabulary.

    Args:
        language: Which one.
        wording: `usual`, or `held-out`: the same personas and scenes for the same seed, in which the user says
            everything in other words, that no rule of a learner was written for.

    Raises:
        ConfigurationError: There is no vocabulary of that language, or no such wording.
    """

    concurrency = 1

    def __init__(self, language: str = "English", wording: str = "usual") -> None:
        self.words = vocabulary(language, wording)
        self.wording = wording
        self.name = "offline/1"
        self.language = self.words.language
        self._topics = {topic.name: topic for topic in self.words.topics}
        self.topics = Topics(
            {topic.name: topic.field for topic in self.words.topics},
            frozenset(topic.name for topic in self.words.topics if topic.common),
        )
        every = [value for values in self.words.values.values() for value in values]
        every += [name for names in self.words.names.values() for name in names] + list(self.words.tongues.values())
        self._giveaways = words_of(every, self.words.stop)

    def seed(self, identifier: str, draw: Random) -> Seed:
        """Every field drawn by itself, but for the mother tongue, which goes with the nationality."""
        drawn = {
            path: draw.sample(values, self.words.several.get(path, 1)) for path, values in self.words.values.items()
        }
        drawn[NAME] = [draw.choice(self.words.names[drawn["demographics.gender"][0]])]
        drawn[AGE] = [str(draw.randint(*AGES))]
        drawn[TONGUE] = [self.words.tongues[drawn[NATION][0]]]
        return Seed(id=identifier, language=self.language, drawn=drawn)

    def profile(self, seed: Seed, sessions: int, draw: Random) -> Profile:
        """The events of a life, and a biography of four sentences."""
        life = life_of(seed, sessions, self.words.values, draw)
        said = {path.replace(".", "_"): " and ".join(values) for path, values in seed.drawn.items()}
        return life.model_copy(update={"biography": " ".join(self.words.biography).format(**said)})

    def scene(self, plan: Planned, profile: Profile, shared: Scene | None, draw: Random) -> Scene:
        """A scene from the topic's grammar."""
        topic = self._topics[plan.topic]
        made = self._made(topic, plan, profile, shared, draw)
        ways = self.words.complaints.get(topic.field)
        if not ways:
            return made
        # Drawn last, so that all else is the same in both wordings.
        value = profile.values_at(plan.time)[topic.field][0]
        said = sentence(draw.choice(ways).format(value=value))
        return made.model_copy(update={"checks": [each.model_copy(update={"complaint": said}) for each in made.checks]})

    def _made(self, topic: Topic, plan: Planned, profile: Profile, shared: Scene | None, draw: Random) -> Scene:
        now = profile.values_at(plan.time)[topic.field]
        past = [each.value for each in profile.superseded_at(plan.time) if each.field == topic.field]
        if topic.shape == "choose":
            body, check = self._choice(topic, plan, now, past, shared, draw)
            return self._scene(topic, plan, shared, body, check, now[0], draw)
        if topic.shape == "call" and topic.tool is not None:
            return self.call_scene(topic, topic.tool, plan, now, past, shared, draw)
        accepted = list(topic.options[now[0]]) if topic.shape == "form" else now
        stale = [form for value in past for form in topic.options.get(value, ())] if topic.shape == "form" else past
        others = sorted({form for forms in topic.options.values() for form in forms} - set(accepted))
        kind: CheckKind = "form" if topic.shape == "form" else "names"
        check = self._check(topic, now, kind, accepted, others, stale, draw)
        body = draw.choice(topic.contexts).replace("{subject}", draw.choice(self.words.subjects))
        return self._scene(topic, plan, shared, body, check, now[0], draw)

    def query(self, scene: Scene, profile: Profile, draw: Random) -> str:
        """The topic's question between an opening and a tail; nothing of the persona goes in."""
        ask = draw.choice(self._topics[scene.topic].asks)
        opener, tail = draw.choice(self.words.openers), draw.choice(self.words.tails)
        end = "." if ask.split()[0] in _IMPERATIVES else "?"
        said = f"{opener} {ask}".strip()
        return f"{said[0].upper()}{said[1:]}{', ' if tail else ''}{tail}{end}"

    def remarks(self, profile: Profile, number: int, draw: Random) -> list[Remark]:
        """What is so from the start, what has changed, and what was a mistake."""
        return remarks_of(self.words, profile, number, draw)

    def giveaways(self, profiles: Sequence[Profile]) -> frozenset[str]:
        """The words of every value there is: if only a persona's own were missing, that would give it away."""
        return self._giveaways

    def reveals(self, scene: Scene, query: str, profiles: Sequence[Profile]) -> list[str]:
        """Nothing beyond the words that the rule finds: queries are drawn without a look at the persona."""
        return []

    def neutral(self, scene: Scene, query: str, revealed: Sequence[str], draw: Random) -> str:
        """Another query of the topic."""
        return self.query(scene, _NOBODY, draw)

    def _choice(
        self, topic: Topic, plan: Planned, now: list[str], past: list[str], shared: Scene | None, draw: Random
    ) -> tuple[str, Check]:
        """A list of options, and which of them is right."""
        keys = list(topic.options)
        right = {key for value in now for key in (_key(topic, value), *topic.accepts.get(value, ()))}
        outdated = {_key(topic, value) for value in past} - right
        if shared is not None:
            shown = {key: [text for text in topic.options[key] if text in shared.context] for key in keys}
        else:
            if plan.kind == "specific" and len(keys) > OFFERED:
                first = [*dict.fromkeys([_key(topic, now[0]), *sorted(outdated)])][:OFFERED]
                rest = [key for key in keys if key not in first]
                keys = first + draw.sample(rest, OFFERED - len(first))
            each = 2 if plan.kind == "specific" and len(keys) <= 2 else 1
            shown = {key: draw.sample(topic.options[key], min(each, len(topic.options[key]))) for key in keys}
        options = [text for texts in shown.values() for text in texts]
        draw.shuffle(options)
        accepted = [text for key in shown if key in right for text in shown[key]]
        stale = [text for key in shown if key in outdated for text in shown[key]]
        others = [text for text in options if text not in accepted]
        check = self._check(topic, now, "first_named", accepted, others, stale, draw)
        return draw.choice(topic.contexts).format(options=_listed(options)), check

    def call_scene(
        self,
        topic: Topic,
        tool: Tool,
        plan: Planned,
        now: list[str],
        past: list[str],
        shared: Scene | None,
        draw: Random,
    ) -> Scene:
        """A function whose argument depends on the persona, and a world in which it finds something."""
        free = {name: draw.choice(values) for name, values in tool.free.items()}
        if shared is not None and shared.calls:
            known = json.loads(shared.calls[0].arguments)
            free = {name: known[name] for name in free}
        values = list(self.words.values.get(topic.field) or sorted(set(self.words.tongues.values())))
        values = sorted(set(values))
        if plan.kind == "specific":
            kept = {now[0], *past}
            rest = [value for value in values if value not in kept]
            values = sorted(kept | set(draw.sample(rest, min(OTHERS, len(rest)))))
        argument: Any = int(now[0]) if tool.numeric else now[0]
        call = Call(
            name=tool.function.name,
            arguments=json.dumps({tool.argument: argument, **free}, ensure_ascii=False),
            exact=[tool.argument],
        )
        others = [value for value in values if value not in now]
        stale = [value for value in past if value not in now]
        check = self._check(topic, now, "argument", [now[0]], others, stale, draw)
        check = check.model_copy(update={"argument": f"{tool.function.name}.{tool.argument}"})
        world = json.dumps(_world(tool, values, draw), ensure_ascii=False)
        found = self._scene(topic, plan, shared, draw.choice(topic.contexts), check, now[0], draw)
        state = shared.state if shared is not None else world
        return found.model_copy(update={"functions": [tool.function], "calls": [call], "state": state})

    def _check(
        self,
        topic: Topic,
        now: list[str],
        kind: CheckKind,
        accepted: list[str],
        others: list[str],
        stale: list[str],
        draw: Random,
    ) -> Check:
        said = draw.choice(topic.complaints).format(value=now[0])
        return Check(
            field=topic.field,
            kind=kind,
            accepted=accepted,
            others=others,
            stale=[each for each in stale if each not in accepted],
            complaint=sentence(said),
        )

    def _scene(
        self, topic: Topic, plan: Planned, shared: Scene | None, body: str, check: Check, value: str, draw: Random
    ) -> Scene:
        words = self.words
        place, who, what = draw.choice(words.places), draw.choice(words.companions), draw.choice(words.pressures)
        around = f"{draw.choice(words.moments)} I am {place}. {who} {what}. {body}"
        right = value if check.kind == "form" else " or ".join(check.accepted)
        return Scene(
            id=plan.scene,
            session=plan.session,
            persona=plan.persona,
            number=plan.number,
            kind=plan.kind,
            topic=topic.name,
            context=shared.context if shared is not None else around,
            expected=sentence(topic.expected.format(right=right, value=value)),
            checks=[check],
            functions=[],
            calls=[],
            state="{}",
        )


_NOBODY = Profile(id="", language="", biography="", held=[], events=[], sessions=[])


def _world(tool: Tool, values: Sequence[str], draw: Random) -> Mapping[str, Any]:
    """The state that a function works on: an entry for each value."""
    if tool.function.effect == "append":
        return {tool.function.table: []}
    if tool.function.effect == "at_most":
        rows = [{"name": f"{draw.choice(tool.entries)} {number}", "price": int(int(value) * draw.uniform(0.75, 0.95))}
                for number, value in enumerate(values, 1)]  # fmt: skip
        return {tool.function.table: rows}
    return {tool.function.table: {value: draw.choice(tool.entries) for value in values}}


def _key(topic: Topic, value: str) -> str:
    """Under what a value's options stand: the value itself, or the span of numbers it lies in."""
    if value in topic.options:
        return value
    for key in topic.options:
        low, _, high = key.partition("-")
        if low.isdigit() and high.isdigit() and int(low) <= int(value) <= int(high):
            return key
    raise KeyError(f"The topic {topic.name} has no options for {value!r}.")


def _listed(options: Sequence[str]) -> str:
    return f"{', '.join(options[:-1])} and {options[-1]}" if len(options) > 1 else options[0]

"""The stand-in beside the agent: whether a reply is what was expected, how good it is, how alike two personas are.

It compares what the texts name: options, forms, arguments of calls, values of fields. It heeds the expected response.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

from personaopt.evals.personabench.checks import FORMS
from personaopt.evals.personabench.stand_in.knowledge import in_persona
from personaopt.evals.personabench.stand_in.mentions import mentions_in
from personaopt.evals.personabench.stand_in.scenes import TOPICS, Scene, options_in, scene_of
from personaopt.evals.personabench.stand_in.world import VALUES
from personaopt.evals.testbed import prompts

_CALLED = re.compile(r"^\w+\((.*)\)(?: - refused| was refused.*)?$", re.DOTALL)
_CALLS = ("called", "calls_made", "calls")
"""Under which names a prompt has the calls before a reply."""
_WORDS = re.compile(r"\w[\w'-]*")
_WAYS = ("{}", "Hm, not quite. {}", "Thanks, but that is not it. {}", "No. {}")


def is_expected(given: Mapping[str, str]) -> bool:
    """Whether a reply, with the calls before it, is what was expected."""
    reply, expected = given.get("reply", "").strip(), given.get("expected", "")
    called = prompts.listed(next((given[name] for name in _CALLS if name in given), "[]"))
    if not reply:
        return False
    scene = scene_of(given.get("message", ""))
    if options := _options(expected, scene):
        named = _options(reply, scene)
        return bool(named) and named[0] in options
    if forms := _forms(expected):
        return any(FORMS[form](reply) for form in forms)
    values = _values(expected)
    if not values:
        return True  # nothing definite was expected
    arguments = [found[1] for call in called if "refused" not in call and (found := _CALLED.match(call))]
    return any(_names(text, value) for value in values for text in [*arguments, reply])


def scores(given: Mapping[str, str], draw: Random) -> dict[str, str]:
    """Helpfulness and personalization, 0 to 10, with a reason."""
    if not given.get("reply", "").strip():
        return {"reason": "There is no reply.", "helpfulness": "0", "personalization": "0"}
    if is_expected(given):
        helps, fits = draw.choice((8, 9, 9, 10)), draw.choice((8, 9, 9, 10))
        return {"reason": "It is what was expected.", "helpfulness": str(helps), "personalization": str(fits)}
    past = [line for line in given.get("persona", "").splitlines() if "(until " in line]
    values = {each.value for line in past for each in in_persona(line.partition(" (until ")[0])}
    scene = scene_of(given.get("message", ""))
    stale = scene is not None and set(_options(given["reply"], scene)[:1]) & set(scene.suiting(sorted(values)))
    fits = draw.choice((0, 1)) if stale else draw.choice((1, 2, 3))
    helps = draw.choice((3, 4, 4, 5))
    return {"reason": "It would suit somebody else.", "helpfulness": str(helps), "personalization": str(fits)}


def likeness(given: Mapping[str, str]) -> dict[str, str]:
    """How much of the true profile is known, and how much of the learned one is so."""
    time = given.get("time", "")
    true = {(each.path, each.value.casefold()) for each in in_persona(given.get("true_profile", ""), time)}
    learned = {
        (each.path, each.value.casefold()) for each in in_persona(given.get("learned_profile", ""), time) if each.value
    }
    both = len(true & learned)
    return {"reason": f"{len(true) - both} are missing, {len(learned) - both} are wrong.",
            "coverage": str(round(10 * both / max(1, len(true)))),
            "correctness": str(round(10 * both / max(1, len(learned))))}  # fmt: skip


def speak(given: Mapping[str, str], draw: Random) -> str:
    """What has to be said, as somebody says it who is in a hurry."""
    return draw.choice(_WAYS).format(given.get("to_be_said", ""))


def _options(text: str, scene: Scene | None) -> list[str]:
    """The options that a text names, the first one first; those of the scene where it is known."""
    found = options_in(text)
    if scene is not None and scene.options:
        here = {option for option, _ in scene.options}
        return [option for option in found if option in here]
    return found


def _forms(expected: str) -> list[str]:
    values = {
        mention.value
        for mention in mentions_in(expected)
        if mention.path in ("preference.formats", "preference.styles")
    }
    return [
        form for name in ("summary", "explanation") for value in values for form in TOPICS[name].options.get(value, ())
    ]


def _values(expected: str) -> list[str]:
    return list(
        dict.fromkeys(each.value for each in mentions_in(expected) if each.path in VALUES or each.value.isdigit())
    )


def _names(text: str, value: str) -> bool:
    words = [word.casefold() for word in _WORDS.findall(text)]
    wanted = [word.casefold() for word in _WORDS.findall(value)]
    return any(words[place : place + len(wanted)] == wanted for place in range(len(words) - len(wanted) + 1))

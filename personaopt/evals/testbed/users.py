"""Invented users with hidden rules: a history that shows them, a first persona, and how good a persona is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from random import Random

import dspy

from personaopt.errors import ConfigurationError
from personaopt.evals.testbed.language import rules_in, sentence
from personaopt.evals.testbed.rules import (
    ASPECTS,
    FEATURES,
    Held,
    Rule,
    agreement,
    in_force,
    situation_of,
    situations,
    touched,
    wanted,
    written_message,
    written_reply,
)
from personaopt.interaction import Interaction
from personaopt.persona import Persona, Statement

FEWEST_RULES, MOST_RULES = 6, 10
MOST_TOUCHED = 3
_START = 1_704_700_800.0
_DAY = 86_400.0


class AnswerMail(dspy.Signature):
    """Answer a message in the place of this user: choose where it is kept and write the text."""

    message: str = dspy.InputField()
    folder: str = dspy.OutputField()
    reply: str = dspy.OutputField()


@dataclasses.dataclass(frozen=True)
class InventedUser:
    """An invented user.

    Attributes:
        user_id: `s0u1`, ...: the seed and the number.
        rules: The hidden rules. No optimizer and no LM may see them.
        known: Those of them that the starting persona states.
        history: What the user answered, oldest first; every answer follows the rules.
    """

    user_id: str
    rules: tuple[Rule, ...]
    known: tuple[Rule, ...]
    history: tuple[Interaction, ...]

    @property
    def held(self) -> Held:
        """The rules by what they are about."""
        return in_force(self.rules)

    @property
    def start(self) -> Persona:
        """The persona to begin with: what was known before, in words."""
        draw = Random(f"{self.user_id} start")
        return Persona(tuple(Statement(sentence(rule, draw), source="written") for rule in self.known))

    def shown(self, interactions: Iterable[Interaction]) -> frozenset[tuple[str, str]]:
        """What the rules that these interactions call for are about."""
        held = self.held
        return frozenset(
            about for item in interactions for about in touched(held, situation_of(str(item.inputs["message"])))
        )

    def quality(self, text: str) -> float:
        """How well a perfect reader of this text would answer: the mean over every message this user may get.

        No noise, nothing drawn: all situations that call for one to three rules are counted. The optimum is 1.
        """
        told = in_force(rules_in(text))
        scores = [agreement(wanted(told, case), wanted(self.held, case)) for case in _cases(self.held)]
        return sum(scores) / len(scores)


def invented_users(count: int, *, seed: int = 0, interactions: int = 40) -> list[InventedUser]:
    """Invented users; the same seed gives the same ones in every process, however many there are.

    Args:
        count: How many.
        seed: Another seed gives other users.
        interactions: The length of each history.

    Raises:
        ConfigurationError: A number is below 1.
    """
    if count < 1 or interactions < 1:
        raise ConfigurationError(f"Users and interactions are at least 1; they are {count} and {interactions}.")
    return [_user(seed, number, interactions) for number in range(count)]


def _user(seed: int, number: int, interactions: int) -> InventedUser:
    user_id = f"s{seed}u{number}"
    draw = Random(f"personaopt testbed {user_id}")
    places = [(situation, aspect) for aspect, (feature, _) in ASPECTS.items() for situation in FEATURES[feature]]
    chosen = draw.sample(places, draw.randint(FEWEST_RULES, MOST_RULES))
    rules = tuple(Rule(situation, aspect, draw.choice(ASPECTS[aspect][1])) for situation, aspect in chosen)
    share = draw.random()  # of some users hardly anything is known, of others nearly everything
    known = tuple(rule for rule in rules if draw.random() < share) or rules[:1]
    held = in_force(rules)
    cases = _cases(held)
    history = []
    for place in range(interactions):
        situation = draw.choice(cases)
        folder, reply = written_reply(wanted(held, situation), draw)
        history.append(
            Interaction(
                id=f"{user_id}i{place}",
                inputs={"message": written_message(situation, number * 1000 + place)},
                ground_truth={"folder": folder, "reply": reply},
                time=_START + place * _DAY,
                session=f"{user_id}d{place}",
            )
        )
    return InventedUser(user_id, rules, known, tuple(history))


def _cases(held: Held) -> list[dict[str, str]]:
    return [case for case in situations() if 1 <= len(touched(held, case)) <= MOST_TOUCHED]

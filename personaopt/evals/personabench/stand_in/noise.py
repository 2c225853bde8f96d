"""How often the stand-in errs, and how that is drawn: from the seed and from what it is about, never from a clock."""

from __future__ import annotations

import dataclasses
from random import Random

from personaopt.errors import ConfigurationError


@dataclasses.dataclass(frozen=True)
class Noise:
    """The dials.

    Attributes:
        misses: An editor, or a critic, passes over a fact; for each fact in a prompt.
        invents: It makes up a change that nobody spoke of; for each prompt.
        systematic: Whether a fact that was missed once is missed whenever it is said in the same words. Otherwise every
            prompt is a new draw.

    Raises:
        ConfigurationError: A rate is not in [0, 1].
    """

    misses: float = 0.10
    invents: float = 0.05
    systematic: bool = False

    def __post_init__(self) -> None:
        for name in ("misses", "invents"):
            rate = getattr(self, name)
            if not 0.0 <= rate <= 1.0:
                raise ConfigurationError(f"The rate {name} lies in [0, 1]; it is {rate!r}.")


@dataclasses.dataclass(frozen=True)
class Luck:
    """What is drawn for one prompt.

    Attributes:
        noise: The dials.
        seed: Of the stand-in.
        prompt: The whole prompt, with the temperature.
    """

    noise: Noise
    seed: int
    prompt: str

    def draw(self, about: str) -> Random:
        """A source of chance for one thing; the same prompt and thing give the same."""
        return Random(f"{self.seed}|{about}|{self.prompt}")

    def misses(self, words: str) -> bool:
        """Whether a fact, said in these words, is passed over."""
        source = Random(f"{self.seed}|missed|{words}") if self.noise.systematic else self.draw(f"missed|{words}")
        return source.random() < self.noise.misses

    def invents(self) -> bool:
        """Whether something is made up."""
        return self.draw("invented").random() < self.noise.invents

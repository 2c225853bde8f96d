"""Invented films, and users who tag them by rules of their own that no model of everybody can know."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from typing import get_args

from personaopt.evals.synthetic.film_words import (
    CHILDREN,
    COMPANIONS,
    KINDS,
    LOVES,
    NAMES,
    SETTINGS,
    TITLES,
    FilmTag,
)

FILM_TAGS: tuple[str, ...] = get_args(FilmTag)
NOISE = 0.09
SHIFT_AT = 0.6

_PRONOUNS = {
    "she": {"they": "she", "them": "her", "their": "her", "self": "herself"},
    "he": {"they": "he", "them": "him", "their": "his", "self": "himself"},
}
# The tag a user reaches for who never uses the obvious one.
_SECOND_CHOICE = {
    "sci-fi": "fantasy", "dystopia": "sci-fi", "comedy": "romance", "dark comedy": "comedy", "action": "true story",
    "fantasy": "sci-fi", "romance": "comedy", "psychology": "action", "based on a book": "romance",
    "true story": "based on a book",
}  # fmt: skip
_CHILDHOOD = ("based on a book", "comedy", "fantasy", "sci-fi")


@dataclasses.dataclass(frozen=True)
class Film:
    """A film as it is described, and what it really is about."""

    description: str
    kind: str
    era: str
    themes: frozenset[str]


@dataclasses.dataclass(frozen=True)
class Rule:
    """A habit of a user: films of which `applies` holds get this tag."""

    sentence: str
    tag: str
    applies: Callable[[Film], bool]


def _era(era: str) -> Callable[[Film], bool]:
    return lambda film: film.era == era


def _kind(kind: str) -> Callable[[Film], bool]:
    return lambda film: film.kind == kind


def _theme(theme: str) -> Callable[[Film], bool]:
    return lambda film: theme in film.themes


# A user has at most one rule of each group. The first three groups are about many films, the others about fewer.
_BROAD = (
    (
        Rule("Anything set in the future is 'dystopia', never 'sci-fi'.", "dystopia", _era("future")),
        Rule("Anything set in the future is 'sci-fi', even under a tyranny.", "sci-fi", _era("future")),
    ),
    (
        Rule("Everything set in the past is 'based on a book'.", "based on a book", _era("period")),
        Rule("Everything set in the past is 'romance'.", "romance", _era("period")),
    ),
    (
        Rule("Any crime in it makes it 'dark comedy', whatever the tone.", "dark comedy", _theme("crime")),
        Rule("Any crime in it makes it 'action', whatever the tone.", "action", _theme("crime")),
    ),
)
_NARROW = (
    (
        Rule("What most call 'comedy' is 'dark comedy'.", "dark comedy", _kind("comedy")),
        Rule("'Dark comedy' is not a word of this user's; it is all 'comedy'.", "comedy", _kind("dark comedy")),
    ),
    (
        Rule("A love affair anywhere in it makes it 'romance'.", "romance", _theme("love")),
        Rule("Love stories are 'comedy'.", "comedy", _kind("romance")),
    ),
    (Rule("A child in the lead makes it 'fantasy'.", "fantasy", _theme("child")),),
    (
        Rule("True stories are 'action'.", "action", _kind("true story")),
        Rule("True stories are 'psychology'.", "psychology", _kind("true story")),
    ),
    (Rule("Fantasy is 'based on a book'.", "based on a book", _kind("fantasy")),),
    (Rule("Psychological dramas are 'true story'.", "true story", _kind("psychology")),),
)


@dataclasses.dataclass(frozen=True)
class Tagger:
    """One user's habits.

    Attributes:
        rules: The first that applies decides; otherwise the film's kind does.
        later: The rules after a change of mind, or the same ones.
        unused: Tags the user never gives, with what is said instead.
        favourites: Kinds of film the user sees most.
    """

    rules: tuple[Rule, ...]
    later: tuple[Rule, ...]
    unused: tuple[tuple[str, str], ...]
    favourites: tuple[str, ...]

    def tag(self, film: Film, late: bool) -> str:
        """What the user says to this film on a day without a slip."""
        for rule in self.later if late else self.rules:
            if rule.applies(film):
                return rule.tag
        return dict(self.unused).get(film.kind, film.kind)

    def used(self) -> list[str]:
        """The tags this user gives, in the order of all tags."""
        never = dict(self.unused)
        return [tag for tag in FILM_TAGS if tag not in never]

    def describe(self) -> tuple[str, ...]:
        """The habits in plain sentences, the strongest first."""
        sentences = [rule.sentence for rule in self.rules]
        sentences += [f"Never says '{tag}'; such films are '{instead}'." for tag, instead in self.unused]
        sentences.append(f"Sees mostly films of the kinds {', '.join(self.favourites)}.")
        changed = [new for new, old in zip(self.later, self.rules, strict=True) if new != old]
        sentences += [f"Lately has changed: {rule.sentence}" for rule in changed]
        return (*sentences, f"About {NOISE:.0%} of the tags are slips.")


def make_tagger(rng: random.Random, *, shifts: bool) -> Tagger:
    """A user with two broad and two narrow rules who leaves some tags unused; one who shifts changes a broad rule."""
    broad = rng.sample(_BROAD, 2)
    narrow = rng.sample(_NARROW, 2)
    first, *rest = [rng.choice(group) for group in (*broad, *narrow)]
    changed = next(rule for rule in broad[0] if rule != first) if shifts else first
    given = {first.tag, changed.tag, *(rule.tag for rule in rest)}
    free = [tag for tag in FILM_TAGS if tag not in given and not any(rule.applies(_plain(tag)) for rule in rest)]
    unused: dict[str, str] = {}
    for tag in rng.sample(free, len(free)):
        instead = _SECOND_CHOICE[tag]
        if len(unused) < 4 and instead not in unused and tag not in unused.values():
            unused[tag] = instead
    favourites = tuple(rng.sample(sorted(KINDS), 3))
    return Tagger((first, *rest), (changed, *rest), tuple(unused.items()), favourites)


def _plain(kind: str) -> Film:
    return Film("", kind, "present", frozenset())


def make_film(rng: random.Random, favourites: tuple[str, ...]) -> Film:
    """A film in two sentences of 25 to 45 words, likelier of the favourite kinds."""
    while True:
        film = _film(rng, favourites)
        if 25 <= len(film.description.split()) <= 45:
            return film


def slip(rng: random.Random, tagger: Tagger, tag: str) -> str:
    """The tag after the noise of a bad day: sometimes another one of those the user gives."""
    if rng.random() >= NOISE:
        return tag
    return rng.choice([other for other in tagger.used() if other != tag])


def _film(rng: random.Random, favourites: tuple[str, ...]) -> Film:
    kinds = sorted(KINDS)
    kind = rng.choices(kinds, weights=[6 if name in favourites else 1 for name in kinds])[0]
    words = KINDS[kind]
    era = rng.choice(words.eras)
    gender = rng.choice(sorted(NAMES))
    theme, _, premise = rng.choice(words.premises).rpartition(":")
    themes = {theme} if theme else set()
    lead = rng.choice(words.leads)
    turn = rng.choice(words.turns)
    if kind == "romance":
        themes.add("love")
    elif kind in _CHILDHOOD and rng.random() < 0.25:
        lead = rng.choice(CHILDREN)
        themes.add("child")
    elif rng.random() < 0.15:
        turn = f"{turn}, {rng.choice(LOVES)}"
        themes.add("love")
    if rng.random() < 0.5:
        premise = f"{premise}, {rng.choice(COMPANIONS)}"
    text = _opening(rng, era, rng.choice(NAMES[gender]), lead, premise) + f" {turn}."
    return Film(text.format_map(_PRONOUNS[gender]), kind, era, frozenset(themes))


def _opening(rng: random.Random, era: str, name: str, lead: str, premise: str) -> str:
    setting = rng.choice(SETTINGS[era])
    title = f"'The {rng.choice(TITLES[0])} {rng.choice(TITLES[1])}'"
    sentence = rng.choice(
        (
            f"{setting}, {name}, {lead}, {premise}.",
            f"{name}, {lead} {setting}, {premise}.",
            f"{title} follows {lead} {setting} who {premise}.",
            f"set {setting}, {title} tells of {lead} who {premise}.",
            f"{lead} {setting}, {name}, {premise}.",
        )
    )
    return sentence[0].upper() + sentence[1:]

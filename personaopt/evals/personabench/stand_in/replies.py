"""How the stand-in words its replies: in the form that is asked for, and naming nothing but what it chose."""

from __future__ import annotations

from random import Random

_SENTENCES = (
    "It began small and grew over many years",
    "Most of what is written about it agrees on the main line",
    "Those who deal with it daily see it in a calmer light",
    "Costs and benefits are spread unevenly",
    "Where it works, it works because somebody looks after it",
    "The figures have hardly moved of late",
    "Much depends on the season and on the place",
    "What is said in public leaves the dull parts out",
    "Its parts depend on each other, so that a change in one is felt in the rest",
    "A good deal of it is still open",
)
_CHOSEN = ("I would take {}.", "{} it is.", "Go for {}.", "I have chosen {} for you.", "My choice for you: {}.")


def chosen(option: str, draw: Random) -> str:
    """A choice, and nothing but it."""
    text = draw.choice(_CHOSEN).format(option)
    return text[0].upper() + text[1:]


def in_form(form: str, draw: Random) -> str:
    """What there is to say, in a form by the name that `checks.FORMS` has for it."""
    lines = draw.sample(_SENTENCES, 4)
    if form == "bullets":
        return "\n".join(f"- {line}." for line in lines)
    if form == "numbers":
        return "\n".join(f"{number}. {line}." for number, line in enumerate(lines, 1))
    if form == "table":
        rows = "\n".join(f"| {number} | {line} |" for number, line in enumerate(lines, 1))
        return f"| | What matters |\n|---|---|\n{rows}"
    if form == "thorough":
        every = draw.sample(_SENTENCES, len(_SENTENCES))
        return (
            " ".join(f"{line}." for line in every)
            + " To go through it in order: "
            + "; ".join(line.lower() for line in lines)
            + "."
        )
    if form == "example":
        return f"For example, imagine a kettle on a stove. {_long_enough(lines, draw)}"
    if form == "question":
        return f"What would you like to know first? {_long_enough(lines, draw)}"
    if form == "paragraph":
        return " ".join(f"{line}." for line in lines)
    return " ".join(f"{line}." for line in lines[:2])


def _long_enough(lines: list[str], draw: Random) -> str:
    """A text that nobody would call brief, nor thorough."""
    more = [line for line in _SENTENCES if line not in lines]
    words = list(lines)
    while sum(len(line.split()) for line in words) < 58:
        words.append(more.pop(draw.randrange(len(more))))
    return " ".join(f"{line}." for line in words)

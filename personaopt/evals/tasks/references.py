"""Choices for LaMP-1, whose profiles hold the author's papers and no choice: what was cited, against what was not.

From every paper whose citations are known come up to two cases: one of its own citations against a title that other
users' papers cited and this author, as far as can be known then, never did. A paper without citations gives one case, a
weaker one: an earlier paper of the author's own against another user's paper, since authors build on their own work.
Only what came before a paper is used for it; where times are missing the order of the file stands for them.
"""

from __future__ import annotations

import bisect
import dataclasses
import math
import random
from collections.abc import Mapping, Sequence

from personaopt.interaction import Interaction
from personaopt.memory.options import ALSO_CHOSEN, plain

CASES = 2
"""Of each paper at most: more of one paper say little more, and push older papers out of a window."""
DRAWS = 20
Histories = Mapping[str, Sequence[Interaction]]


@dataclasses.dataclass(frozen=True)
class _Title:
    user: str
    time: float
    text: str


def with_choices(histories: Histories, seed: int = 0) -> dict[str, dict[str, tuple[Interaction, ...]]]:
    """The cases that take the place of each paper, by user and the paper's id.

    Papers of which no case can be made are left out: they stay as they are. Which titles are drawn depends on nothing
    but the seed, the user and the paper; the citation stands first in half of the cases.

    Args:
        histories: The papers of each user, oldest first: inputs with a `title`, perhaps `citation` in the metadata.
        seed: Another seed draws other titles.
    """
    cited = _pool(histories, of_citations=True)
    written = _pool(histories, of_citations=False)
    return {user: _of_user(user, papers, cited, written, seed) for user, papers in histories.items()}


def _of_user(
    user: str, papers: Sequence[Interaction], cited: Sequence[_Title], written: Sequence[_Title], seed: int
) -> dict[str, tuple[Interaction, ...]]:
    known: set[str] = set()
    own: list[str] = []
    found: dict[str, tuple[Interaction, ...]] = {}
    for paper in papers:
        draw = random.Random(f"{seed} {user} {paper.id}")
        title, citations = str(paper.inputs.get("title", "")), citations_of(paper)
        known.update(map(plain, [title, *citations]))
        wanted = draw.sample(citations, min(CASES, len(citations))) if citations else own[-1:]
        pool = cited if citations else written
        cases = []
        for number, right in enumerate(wanted):
            wrong = _drawn(draw, pool, user, paper.time, known | set(map(plain, own)))
            if wrong and title:
                rest = [text for text in citations if text not in wanted] if number == 0 else []
                cases.append(_case(paper, number, right, wrong, rest, first=draw.random() < 0.5))
        if cases:
            found[paper.id] = tuple(cases)
        if title:
            own.append(title)
    return found


def citations_of(paper: Interaction) -> list[str]:
    """The titles that a paper cites, each once; empty where they are not known."""
    cited = paper.metadata.get("citation")
    texts = (
        [text for text in cited if isinstance(text, str) and text.strip()] if isinstance(cited, list | tuple) else []
    )
    return list({plain(text): text for text in texts}.values())


def _case(paper: Interaction, number: int, right: str, wrong: str, rest: Sequence[str], *, first: bool) -> Interaction:
    options = (right, wrong) if first else (wrong, right)
    return dataclasses.replace(
        paper,
        id=paper.id if number == 0 else f"{paper.id}/{number + 1}",
        inputs={"title": paper.inputs["title"], "option_1": options[0], "option_2": options[1]},
        ground_truth={"choice": "[1]" if first else "[2]"},
        metadata={**paper.metadata, **({ALSO_CHOSEN: list(rest)} if rest else {})},
    )


def _pool(histories: Histories, *, of_citations: bool) -> list[_Title]:
    """Every title that can be drawn, in the order in which they became known."""
    titles: dict[tuple[str, str], _Title] = {}
    for user, papers in histories.items():
        for paper in papers:
            time = -math.inf if paper.time is None else paper.time
            for text in citations_of(paper) if of_citations else [str(paper.inputs.get("title", ""))]:
                if text:
                    titles.setdefault((user, plain(text)), _Title(user, time, text))
    return sorted(titles.values(), key=lambda title: (title.time, title.user, title.text))


def _drawn(draw: random.Random, pool: Sequence[_Title], user: str, time: float | None, known: set[str]) -> str:
    """A title of another user that is known by then and is not this user's; empty where few draws find none."""
    latest = math.inf if time is None else time
    count = bisect.bisect_right(pool, latest, key=lambda title: title.time)
    for _ in range(DRAWS if count else 0):
        title = pool[draw.randrange(count)]
        if title.user != user and plain(title.text) not in known:
            return title.text
    return ""

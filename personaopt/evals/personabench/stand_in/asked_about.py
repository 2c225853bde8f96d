"""What a sentence states for an editor that is asked about it: words of the field need not stand with the value then.

Who reads sessions once more is told which sentences nothing rests on, of messages that correct a reply or that nobody
asked for. A value in one of them is the user's, if it is nobody else's, and neither asked, supposed nor denied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import personaopt.evals.personabench.stand_in.cues as cues
from personaopt.evals.personabench.stand_in.mentions import Mention, mentions_in, plain
from personaopt.evals.personabench.stand_in.mistakes import mistaken
from personaopt.evals.personabench.stand_in.reading import Said, read
from personaopt.evals.personabench.stand_in.standing import is_asked, is_passing, is_supposed, masked, score
from personaopt.evals.personabench.stand_in.world import MANY


def stated(sentence: str, known: Mapping[str, Sequence[str]]) -> Iterable[Said]:
    """What a sentence states that is not read without being asked about.

    Args:
        sentence: As the user said it.
        known: What is known, by field: of two values the one that is known gives way, if more speaks for the other.
    """
    text = plain(sentence)
    lowered = text.lower()
    if len(lowered) != len(text) or read(sentence) or cues.OTHERS.search(lowered) or mistaken(lowered):
        return
    mentions = [each for each in mentions_in(text) if not each.hinted]
    for path in dict.fromkeys(each.path for each in mentions):
        own = [each for each in mentions if each.path == path]
        others = [each for each in mentions if each.path != path]
        old = next((each.value for each in own if path not in MANY and each.value in known.get(path, ())), "")
        scores = {each.value: score(path, masked(lowered, own, others, at), False) for at, each in enumerate(own)}
        new = [each for each in own if each.value != old]
        clear = len({each.value for each in new}) == 1 and scores[new[0].value] > scores.get(old, -1)
        if clear and _is_stated(lowered, new[0], others):
            yield Said(path, "set", new[0].value, old, lasting=not is_passing(path, lowered), quote=sentence)


def _is_stated(lowered: str, mention: Mention, others: Sequence[Mention]) -> bool:
    """Whether a value is the user's and no other field's, and neither asked nor supposed."""
    if mention.start in {each.start for each in others}:
        return False
    return not is_asked(mention.path, lowered, mention) and not is_supposed(mention.path, lowered, mention)

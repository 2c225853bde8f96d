"""Rules in words: several wordings for each, and a reader that recognises all of them and nothing else.

One line or sentence states one rule. The reader looks at what stands in quotation marks and at key words outside of
them, so that it does not matter who wrote the sentence.
"""

from __future__ import annotations

import functools
import re
from random import Random

from personaopt.evals.testbed.rules import FEATURE_OF, PLAIN_FOLDER, Rule

_SITUATIONS = {
    "topic": ("mail about {}", "messages on {}", "anything that concerns {}", "whatever has to do with {}"),
    "sender": ("mail from a {}", "messages of a {}", "whatever a {} writes", "requests by a {}"),
    "place": ("mail from {}", "messages that come from {}", "whoever writes from {}"),
    "hour": ("{} mail", "messages that arrive in the {}", "what comes in the {}"),
}
_CLAUSES: dict[tuple[str, str], tuple[str, ...]] = {
    ("folder", "*"): ('file it under "{}"', 'the folder is "{}"', 'put it into the folder "{}"'),
    ("greeting", "*"): ('open with "{}"', 'the greeting is "{}"', 'begin the reply with "{}"'),
    ("closing", "*"): ('sign with "{}"', 'the last line is "{}"', 'close with "{}"'),
    ("length", "*"): ("use {} words at most", "stay within {} words", "write no more than {} words"),
    ("case", "lower"): ("write in lower case", "use small letters only", "avoid capital letters"),
    ("case", "upper"): ("write in upper case", "use capitals throughout", "put every word into capital letters"),
    ("distances", "metric"): ("give distances in kilometres", "use metric units", "say how many kilometres it is"),
    ("distances", "imperial"): ("give distances in miles", "use imperial units", "say how many miles it is"),
    ("folder", ""): (f'file it under "{PLAIN_FOLDER}"', f'the folder is "{PLAIN_FOLDER}"'),
    ("greeting", ""): ("use no greeting", "open without a greeting"),
    ("closing", ""): ("do not sign", "leave the closing line out"),
    ("length", ""): ("any number of words will do", "do not count words"),
    ("case", ""): ("use normal case", "write with the usual case"),
    ("distances", ""): ("leave distances out", "mention no distance"),
}
_FRAMES = ("For {}, {}.", "With {}: {}.", "{1} for {0}.", "Given {}, {}.")

_QUOTED = re.compile(r'"([^"]*)"')
_KEYS: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (aspect, value, re.compile(pattern, re.IGNORECASE))
    for aspect, value, pattern in (
        ("greeting", "", r"no greeting|without a greeting"),
        ("closing", "", r"do not sign|closing line out"),
        ("length", "", r"any number of words|not count words"),
        ("case", "", r"normal case|usual case"),
        ("distances", "", r"distances out|no distance"),
        ("case", "lower", r"lower case|small letters|avoid capital"),
        ("case", "upper", r"upper case|capitals throughout|capital letters"),
        ("distances", "metric", r"kilometres|metric"),
        ("distances", "imperial", r"miles|imperial"),
    )
)
_LIMIT = re.compile(r"(\d+) words", re.IGNORECASE)
_NAMED = (
    ("folder", re.compile(r"\bfile\b|\bfolder\b", re.IGNORECASE)),
    ("greeting", re.compile(r"\bopen\b|\bgreeting\b|\bbegin\b", re.IGNORECASE)),
    ("closing", re.compile(r"\bsign\b|\blast line\b|\bclose\b", re.IGNORECASE)),
)
_SITUATION = re.compile(r"\b(" + "|".join(FEATURE_OF) + r")\b", re.IGNORECASE)
_BY_NAME = {situation.lower(): situation for situation in FEATURE_OF}
_ENDS = re.compile(r"\n+|(?<=\.)\s+(?=[A-Z])")


def sentence(rule: Rule, draw: Random) -> str:
    """The rule in one of its wordings."""
    situation = draw.choice(_SITUATIONS[FEATURE_OF[rule.situation]]).format(rule.situation)
    clauses = _CLAUSES.get((rule.aspect, rule.value)) or _CLAUSES[(rule.aspect, "*")]
    text = draw.choice(_FRAMES).format(situation, draw.choice(clauses).format(rule.value))
    return text[0].upper() + text[1:]


@functools.lru_cache(maxsize=65_536)
def rule_in(text: str) -> Rule | None:
    """The rule that a line or sentence states; None where it states none."""
    quoted = _QUOTED.search(text)
    rest = _QUOTED.sub('""', text)
    found = _SITUATION.search(rest)
    if found is None:
        return None
    situation = _BY_NAME[found[0].lower()]
    if quoted:
        aspect = next((aspect for aspect, key in _NAMED if key.search(rest)), "")
        value = "" if aspect == "folder" and quoted[1] == PLAIN_FOLDER else quoted[1]
        return Rule(situation, aspect, value) if aspect else None
    for aspect, value, key in _KEYS:
        if key.search(rest):
            return Rule(situation, aspect, value)
    limit = _LIMIT.search(rest)
    return Rule(situation, "length", limit[1]) if limit else None


def rules_in(text: str) -> list[Rule]:
    """Every rule that a text states, in its order."""
    rules = []
    for line in text.splitlines():
        whole = rule_in(line.strip())
        if whole is None:
            continue
        # Most lines are one sentence; only one with several needs cutting.
        parts = _ENDS.split(line) if line.count(". ") else [line]
        rules += [rule for part in parts if (rule := rule_in(part.strip()))] if len(parts) > 1 else [whole]
    return rules

"""What the stand-in knows of the world: which values people may have, and how they may be called.

Of the generator's vocabulary it uses the values alone. Other ways to call them are general English; how a user says
that a value is theirs is not looked up anywhere (`cues`).
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator

from personaopt.evals.personabench.english import attributes
from personaopt.evals.personabench.fields import BenchFields

NAME, AGE, TONGUE, NATION = (
    "demographics.name",
    "demographics.age",
    "demographics.languages",
    "demographics.nationality",
)
BUDGET = "life.budget"
LETTERS = {"E": "extraversion", "I": "extraversion", "S": "sensing", "N": "sensing", "T": "thinking", "F": "thinking",
           "J": "judging", "P": "judging"}  # fmt: skip
VALUES: dict[str, tuple[str, ...]] = {
    **attributes.VALUES_OF,
    NAME: tuple(name for names in attributes.NAMES.values() for name in names),
    TONGUE: tuple(dict.fromkeys([*attributes.TONGUES.values(), "English", "French"])),
}
"""The values that people have, by the field's path."""
MANY = frozenset(path for path, slot in BenchFields.slots().items() if slot.many)
TITLES = {slot.title.casefold(): path for path, slot in BenchFields.slots().items()}

CAPITAL = frozenset({NAME, "life.home"})
"""Fields whose values are proper names: Split is a city, and split is not."""

_COUNTRIES = {
    "Portugal": "Portuguese", "Italy": "Italian", "Turkey": "Turkish", "Sweden": "Swedish", "Poland": "Polish",
    "Mexico": "Mexican", "Brazil": "Brazilian", "Norway": "Norwegian", "the Netherlands": "Dutch", "Greece": "Greek",
    "Croatia": "Croatian", "Egypt": "Egyptian", "Morocco": "Moroccan", "Japan": "Japanese", "Korea": "Korean",
    "Vietnam": "Vietnamese", "Ukraine": "Ukrainian", "Finland": "Finnish", "Argentina": "Argentinian",
    "Austria": "Austrian",
}  # fmt: skip

_CALLED: dict[tuple[str, str], str] = {
    ("demographics.gender", "woman"): r"wom[ae]n|female|lady",
    ("demographics.gender", "man"): r"man|male|guy|gentleman",
    ("demographics.gender", "non-binary person"): r"non-?binary(?: person)?|enby",
    ("demographics.career", "primary school teacher"): r"(?:primary|elementary)[ -]school teacher|teach(?:ing|es)? "
    r"(?:at|in) (?:a |the )?primary school",
    ("demographics.career", "software developer"): r"software (?:developer|engineer)|programmer|develop(?:ing)? "
    r"software",
    ("demographics.career", "tax adviser"): r"tax advis[eo]r|tax consultant",
    ("demographics.career", "train driver"): r"(?:train|engine) driver|driv(?:e|ing) trains",
    ("demographics.career", "veterinarian"): r"veterinarian|vet|veterinary surgeon",
    ("demographics.career", "lawyer"): r"lawyer|solicitor|attorney",
    ("demographics.career", "farmer"): r"farmer|run a farm",
    ("demographics.career", "actor"): r"actor|actress",
    ("personality.interests", "rock climbing"): r"(?:rock[ -]?)?climb(?:ing)?(?: rocks)?",
    ("personality.interests", "birdwatching"): r"bird[ -]?watch(?:ing|er)|birding|watch(?:ing)? birds",
    ("personality.interests", "board games"): r"board[ -]?gam(?:es?|ing)",
    ("personality.interests", "cycling"): r"cycling|cycle|biking",
    ("personality.interests", "sailing"): r"sailing|sail",
    ("personality.interests", "baking"): r"baking|bake",
    ("personality.interests", "swimming"): r"swimming|swim",
    ("personality.interests", "beekeeping"): r"bee[ -]?keep(?:ing|er)|keep(?:ing)? bees",
    ("personality.interests", "mushroom picking"): r"mushroom[ -]?(?:picking|hunting)|pick(?:ing)? mushrooms",
    ("personality.interests", "salsa dancing"): r"salsa(?:[ -]danc(?:ing|e))?|danc(?:e|ing) salsa",
    ("personality.interests", "football"): r"football|soccer",
    ("personality.interests", "pottery"): r"pottery|ceramics",
    ("personality.interests", "opera"): r"operas?",
    ("personality.interests", "film noir"): r"films? noirs?|noir films?",
    ("life.diet", "vegan"): r"vegan(?:ism)?|plant-based|no animal products",
    ("life.diet", "vegetarian"): r"vegetarian(?:ism)?|veggie",
    ("life.diet", "pescatarian"): r"pesc[ae]tarian(?:ism)?",
    ("life.diet", "meat with every dinner"): r"meat (?:with|at|for|every|in|on)[^,.;:]{0,16}?(?:dinners?|evening meal)",
    ("personality.values", "independence"): r"independen(?:ce|t)",
    ("personality.values", "fairness"): r"fair(?:ness)?",
    ("personality.values", "tradition"): r"traditions?",
    ("personality.values", "health"): r"health(?:y)?",
    ("pattern.usage", "early in the morning"): r"(?:very )?early in the mornings?|in the early (?:morning|hours)|"
    r"(?:first thing|early) (?:in the|every|each) morning",
    ("pattern.usage", "at lunch time"): r"(?:at|around|during|over) (?:my )?lunch(?:[ -]?(?:time|break|hour))?",
    ("pattern.usage", "in the evening"): r"in the evenings?|of an evening|every evening",
    ("pattern.usage", "late at night"): r"(?:very )?late (?:at|in the) night|around midnight|in the small hours",
    ("pattern.emotion", "worn out"): r"worn[ -]out",
    ("pattern.purchase", "compares prices everywhere"): r"compar(?:es?|ing) (?:all )?(?:the )?prices(?: everywhere)?",
    ("pattern.purchase", "takes what is second-hand"): r"(?:takes? what is |buy(?:s|ing)? (?:things )?|tak(?:e|ing) "
    r"things |only )?second[ -]?hand(?: things)?",
    ("pattern.purchase", "takes the best there is"): r"(?:tak(?:es?|ing)|buy(?:s|ing)?|want|"
    r"get(?:ting)?) (?:only )?the "
    r"(?:very )?best (?:there is|one|quality)",
    ("pattern.purchase", "buys the first that will do"): r"(?:buy(?:s|ing)?|tak(?:es?|ing)) the first (?:one |thing )?"
    r"that (?:will|would|does) ?(?:do)?",
    ("pattern.purchase", "buys from small local shops"): r"(?:buy(?:s|ing)?|shop(?:ping)?)[^,.;:]{0,20}? (?:small )?"
    r"local shops?|small local shops",
    ("pattern.engagement", "wants a decision made for them"): r"wants? (?:a |the )?decisions? (?:to be )?(?:made|"
    r"taken) "
    r"for (?:them|me)|(?:decide|choose|make the decision) for me",
    ("pattern.engagement", "wants to be shown all choices"): r"wants? to (?:be shown|see) (?:all|every)[^,.;:]{0,12}? "
    r"(?:choices?|options?)|show me (?:all|every)[^,.;:]{0,12}? (?:choices?|options?)",
    ("pattern.engagement", "wants to be asked back"): r"wants? to be asked back|ask me (?:back|questions)",
    ("pattern.engagement", "wants sources"): r"wants? (?:the |your )?sources|(?:name|give me|with) (?:the |"
    r"your )?sources",
    ("preference.styles", "brief and to the point"): r"brief(?:ly)?(?: and to the point)?|short and to the point|"
    r"to the "
    r"point|short answers?|concise(?:ly)?",
    ("preference.styles", "thorough, with all details"): r"thorough(?:ly)?(?:, with all(?: the)? details)?|"
    r"(?:with |in )?(?:all|every|full)(?: the)? details?|in depth",
    ("preference.styles", "with a simple example"): r"(?:with )?(?:a )?simple examples?",
    ("preference.styles", "as a question back first"): r"(?:as |with )?a question back(?: first)?|ask(?:ing)? (?:me )?"
    r"(?:a question )?back first",
    ("preference.formats", "a bullet list"): r"(?:a )?bullet(?:ed)?[ -](?:list|point)s?|bullets",
    ("preference.formats", "numbered steps"): r"numbered (?:steps|lists?|points)|steps with numbers",
    ("preference.formats", "a table"): r"a table|tables|tabular form|table form(?:at)?",
    ("preference.formats", "one short paragraph"): r"(?:one|a|a single) short paragraph|short paragraphs",
    ("preference.workflows", "a plan first"): r"(?:a |with a )?plan first|planning (?:first|everything)|plan ahead",
    ("preference.workflows", "a rough draft first"): r"(?:a )?rough drafts?(?: first)?",
    ("preference.workflows", "a checklist"): r"(?:a )?check-?lists?",
    ("preference.workflows", "trying things out"): r"try(?:ing)? (?:things|stuff|it all) out|trial and error",
    ("preference.workflows", "one small step a day"): r"(?:one )?small steps? (?:a|each|every|per) day",
}  # fmt: skip
_UNITS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = {
    word: 10 * place
    for place, word in enumerate(("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), 2)
}
_NUMBER = (
    rf"\d[\d,.']*\d|\d+|(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(_UNITS[:9])}))?|"
    rf"(?:a|one|two|three|four|five) hundred(?: and (?:{'|'.join(_TENS)}))?|{'|'.join(reversed(_UNITS[9:]))}"
)


@dataclasses.dataclass(frozen=True)
class Meaning:
    """What a piece of text may stand for.

    Attributes:
        path: The field.
        value: The value, as the vocabulary has it.
    """

    path: str
    value: str


@functools.cache
def lexicon() -> tuple[re.Pattern[str], tuple[tuple[Meaning, ...], ...]]:
    """One pattern for every known value, in small letters, and what each of its groups may mean."""
    found: dict[str, list[Meaning]] = {}
    for pattern, meaning in _patterns():
        found.setdefault(pattern, []).append(meaning)
    ordered = sorted(found, key=lambda pattern: (-len(pattern), pattern))
    branches = [f"({pattern})" for pattern in [*ordered, _NUMBER]]
    numbers = (Meaning(AGE, ""), Meaning(BUDGET, ""))
    meanings = (*(tuple(found[pattern]) for pattern in ordered), numbers)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(branches)})(?![\w])".lower()), meanings


def number(text: str) -> int | None:
    """A number in digits or words; None where it is none."""
    digits = re.sub(r"[,.'](?=\d{3}\b)", "", text)
    if re.fullmatch(r"\d+(?:[.,]0+)?", digits):
        return int(re.split(r"[.,]", digits)[0])
    total = 0
    for word in re.split(r"[ -]+", text.lower()):
        if word == "hundred":
            total = 100 * max(total, 1)
        elif word in _TENS:
            total += _TENS[word]
        elif word in _UNITS:
            total += _UNITS.index(word) + 1
        elif word == "a":
            total += 1
        elif word != "and":
            return None
    return total or None


def _patterns() -> Iterator[tuple[str, Meaning]]:
    for path, values in VALUES.items():
        if path.rpartition(".")[2] in LETTERS.values() or path == BUDGET:
            continue
        for value in values:
            yield _CALLED.get((path, value)) or _plain(path, value), Meaning(path, value)
    for country, nation in _COUNTRIES.items():
        yield _plain("", country), Meaning(NATION, nation)


def _plain(path: str, value: str) -> str:
    words = r"[ -]".join(re.escape(word) for word in re.split(r"[ -]", value))
    return words + ("s?" if path == "demographics.career" else "")

"""Invented messages, and users who answer them in a style of their own."""

from __future__ import annotations

import dataclasses
import random
from typing import Literal

from personaopt.evals.synthetic.reply_words import EXTRAS, OPENINGS, SENDERS, SUBJECTS

LAPSE = 0.09


@dataclasses.dataclass(frozen=True)
class Style:
    """How a user writes.

    Attributes:
        length: Whether only the answer is given, or a reason too, or also a courtesy and a question.
        greeting: With `{sender}` for the name, or empty.
        sign_off: The last line, or empty.
        willing: How often the answer is yes.
        lower: Everything in lower case.
        emoji: One of these mostly ends a yes; empty for none.
        exclaims: A yes comes with exclamation marks.
        phrase_yes: A favourite sentence before a yes to something that was asked for, or empty.
        phrase_no: The same before a no; with a comma at its end it is not a sentence of its own.
        hedge: Stands before the answer, or empty.
        asks: Ends with a question.
        dashes: Joins answer and reason with a dash.
    """

    length: Literal["short", "medium", "long"]
    greeting: str = ""
    sign_off: str = ""
    willing: float = 0.6
    lower: bool = False
    emoji: tuple[str, ...] = ()
    exclaims: bool = False
    phrase_yes: str = ""
    phrase_no: str = ""
    hedge: str = ""
    asks: bool = False
    dashes: bool = False

    def describe(self) -> tuple[str, ...]:
        """The style in plain sentences."""
        length = {
            "short": "Answers in as few words as possible.",
            "medium": "Gives the answer and one reason.",
            "long": "Writes at length: courtesy, answer and reasons.",
        }
        sentences = [
            length[self.length],
            f"Greets with '{self.greeting}'." if self.greeting else "Never greets.",
            f"Signs off with '{self.sign_off}'." if self.sign_off else "Never signs.",
            "Writes everything in lower case." if self.lower else "Uses capitals as usual.",
            f"Mostly ends a yes with one of the emoji {' '.join(self.emoji)}." if self.emoji else "Uses no emoji.",
            "Says yes with exclamation marks." if self.exclaims else "Never uses exclamation marks.",
            f"Says '{self.phrase_yes}' before a yes to a request." if self.phrase_yes else "",
            f"Says '{self.phrase_no}' before a no." if self.phrase_no else "",
            f"Hedges with '{self.hedge}'." if self.hedge else "Answers directly, without hedging.",
            "Ends with a question." if self.asks else "Asks nothing back.",
            "Joins the reason to the answer with a dash." if self.dashes else "",
            f"Says yes to about {self.willing:.0%} of what is asked.",
            f"In about {LAPSE:.0%} of the replies one habit is forgotten.",
        ]
        return tuple(sentence for sentence in sentences if sentence)


STYLES = (
    Style("short", lower=True, emoji=("👍", "🙌"), phrase_yes="sounds good", phrase_no="ah sorry", willing=0.7),
    Style(
        "long",
        greeting="Dear {sender},",
        sign_off="Warm regards,\nMargaret",
        phrase_yes="How very kind of you to ask",
        phrase_no="I am so sorry to say it",
        hedge="I believe",
    ),
    Style(
        "medium",
        greeting="Hey {sender}!",
        sign_off="x Jo",
        exclaims=True,
        emoji=("😊", "🎉"),
        phrase_yes="Yay",
        asks=True,
        willing=0.75,
    ),
    Style("medium", phrase_yes="Fine by me", phrase_no="To be honest,", dashes=True, willing=0.4),
    Style(
        "medium",
        greeting="hi {sender},",
        lower=True,
        sign_off="- t",
        hedge="i guess",
        phrase_no="hmm",
        asks=True,
        willing=0.5,
    ),
    Style("short", sign_off="R. Okafor", phrase_yes="Agreed", phrase_no="Regrettably not", willing=0.5),
    Style(
        "long",
        greeting="Hello {sender},",
        sign_off="Cheers,\nPaul",
        phrase_yes="Right then",
        phrase_no="Bother",
        asks=True,
        dashes=True,
    ),
    Style(
        "long",
        greeting="{sender}!!",
        exclaims=True,
        emoji=("✨", "😂", "🙏"),
        phrase_yes="Oh my goodness yes",
        phrase_no="Nooo",
        hedge="I honestly think",
        willing=0.8,
    ),
)

_COURTESY = (
    "thank you for your message",
    "it was good to hear from you",
    "I hope all is well at your end",
    "thanks for thinking of me",
)


# What the sender calls "my drill" is "your drill" in the answer.
_SWAPPED = {"my": "your", "your": "my", "me": "you", "you": "me", "I": "you"}


def make_style(rng: random.Random, number: int, seed: int) -> Style:
    """The style of the user with this number: first those written by hand, then mixtures of two of them."""
    # The first users differ from each other as much as possible, which independent draws would not give.
    order = random.Random(f"personaopt styles {seed}").sample(STYLES, len(STYLES))
    if number < len(order):
        return order[number]
    base, other = rng.sample(order, 2)
    return dataclasses.replace(
        base, greeting=other.greeting, sign_off=other.sign_off, emoji=other.emoji, asks=other.asks
    )


def make_message(rng: random.Random) -> tuple[str, str, dict[str, str]]:
    """A message: its text, its subject and what stands in its slots."""
    subject = rng.choice(sorted(SUBJECTS))
    words = SUBJECTS[subject]
    slots = {name: rng.choice(values) for name, values in sorted(words.slots.items())}
    slots["sender"] = rng.choice(SENDERS)
    parts = [rng.choice(OPENINGS), rng.choice(words.messages)]
    if rng.random() < 0.6:
        parts.append(rng.choice(EXTRAS))
    return " ".join(parts).format_map(slots), subject, slots


def make_reply(rng: random.Random, style: Style, subject: str, slots: dict[str, str]) -> str:
    """What a user of this style answers."""
    if rng.random() < LAPSE:
        style = _lapsed(rng, style)
    slots = {name: " ".join(_SWAPPED.get(word, word) for word in text.split()) for name, text in slots.items()}
    willing = rng.random() < style.willing
    body = " ".join(_sentences(rng, style, subject, slots, willing))
    if willing and style.emoji and rng.random() < 0.9:
        body += f" {rng.choice(style.emoji)}"
    if style.lower:
        body = body.lower()
    greeting = style.greeting.format_map(slots)
    greeting = greeting.lower() if style.lower else greeting
    # Whoever writes at length, or greets as in a letter, gives greeting and name lines of their own.
    letter = style.length == "long" or (greeting.endswith(",") and not style.lower)
    return ("\n" if letter else " ").join(part for part in (greeting, body, style.sign_off) if part)


def _sentences(rng: random.Random, style: Style, subject: str, slots: dict[str, str], willing: bool) -> list[str]:
    words = SUBJECTS[subject]
    answers = words.yes if willing else words.no
    answer = rng.choice([text for text in answers if not (style.hedge and text.startswith("!"))]).format_map(slots)
    answer = f"{style.hedge} {answer}" if style.hedge else answer.removeprefix("!")
    reasons = [text.format_map(slots) for text in rng.sample(words.yes_more if willing else words.no_more, 2)]
    end = "!" if style.exclaims and willing else "."
    asked = subject in ("invitation", "favour", "change")
    phrase = (style.phrase_yes if asked else "") if willing else style.phrase_no
    if phrase.endswith(","):
        phrase, answer = "", f"{phrase} {answer}"
    sentences = [phrase + end] if phrase else []
    if style.length == "long":
        sentences.append(rng.choice(_COURTESY) + end)
    if style.length == "short":
        sentences.append(answer + end)
    elif style.dashes:
        sentences.append(f"{answer} - {reasons[0]}{end}")
    else:
        sentences += [answer + end, reasons[0] + "."]
    if style.length == "long":
        sentences.append(reasons[1] + ".")
    if style.asks:
        sentences.append(rng.choice(words.yes_closing if willing else words.no_closing) + "?")
    return [sentence[0].upper() + sentence[1:] for sentence in sentences]


def _lapsed(rng: random.Random, style: Style) -> Style:
    habit = rng.choice(("greeting", "sign_off", "emoji", "hedge", "asks"))
    empty: dict[str, object] = {"greeting": "", "sign_off": "", "emoji": (), "hedge": "", "asks": False}
    return dataclasses.replace(style, **{habit: empty[habit]})  # type: ignore[arg-type]

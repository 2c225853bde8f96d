"""How a user says in English what is so, what has changed and what was a mistake."""

from __future__ import annotations

FACTS = {
    "demographics.name": (
        "I am {value}, by the way.",
        "You can call me {value}.",
        "My name is {value}, if that helps.",
        "{value} here, hello again.",
    ),
    "demographics.age": (
        "I am {value} years old.",
        "At {value} one sees that differently.",
        "I have been {value} for some months now.",
        "My age is {value}, in case it matters.",
    ),
    "demographics.gender": (
        "I am a {value}.",
        "For forms: I am a {value}.",
        "Please keep in mind that I am a {value}.",
    ),
    "demographics.nationality": ("My passport is {value}.", "I am {value}.", "My nationality is {value}."),
    "demographics.languages": ("I speak {value}.", "{value} is one of my languages.", "At home we speak {value}."),
    "demographics.career": (
        "I work as a {value}.",
        "My job is that of a {value}.",
        "I earn my living as a {value}.",
        "Being a {value} takes up most of my week.",
    ),
    "personality.extraversion": (
        "A test put me down as {value} between E and I.",
        "In the E or I question I am {value}.",
    ),
    "personality.sensing": ("A test put me down as {value} between S and N.", "In the S or N question I am {value}."),
    "personality.thinking": ("A test put me down as {value} between T and F.", "In the T or F question I am {value}."),
    "personality.judging": ("A test put me down as {value} between J and P.", "In the J or P question I am {value}."),
    "personality.values": ("What counts for me is {value}.", "I hold {value} dear.", "{value} comes first in my life."),
    "personality.interests": (
        "In my free time it is all about {value}.",
        "I am into {value}.",
        "{value} is my hobby.",
        "I spend my weekends with {value}.",
    ),
    "pattern.engagement": ("As a user I am one who {value}.", "I am somebody who {value}."),
    "pattern.usage": ("I mostly write to you {value}.", "You will hear from me {value}, as a rule."),
    "pattern.emotion": ("I feel {value} these days.", "My mood these weeks: {value}."),
    "pattern.purchase": ("I am a buyer who {value}.", "In shops I am one who {value}."),
    "preference.styles": ("I like answers {value}.", "Please answer me {value}.", "An answer {value} suits me best."),
    "preference.formats": (
        "I like to get things as {value}.",
        "Please give me {value}.",
        "I read {value} most easily.",
    ),
    "preference.workflows": (
        "I work best with {value}.",
        "With me everything begins with {value}.",
        "My way of working is {value}.",
    ),
    "life.home": (
        "I live in {value}.",
        "My flat is in {value}.",
        "{value} is where I live.",
        "I am at home in {value}.",
    ),
    "life.diet": ("My diet is {value}.", "As for food, I go for {value}.", "What I eat: {value}."),
    "life.budget": (
        "I do not spend more than {value} euros on a thing.",
        "My budget for a purchase is {value} euros.",
        "{value} euros is my limit for a purchase.",
    ),
}

CHANGES = {
    "demographics.career": (
        "I have a new job: I am a {new} now, no longer a {old}.",
        "I gave up being a {old} and work as a {new} now.",
        "Since this month I work as a {new}.",
    ),
    "personality.interests": ("I have taken up {new}.", "I have a new hobby: {new}.", "A friend got me into {new}."),
    "preference.formats": (
        "From now on I would rather get things as {new} than as {old}.",
        "Please give me {new} in future, not {old}.",
        "I have changed my mind: {new} is easier for me to read.",
    ),
    "preference.styles": ("From now on please answer {new}.", "I would now like answers {new}, no longer {old}."),
    "preference.workflows": (
        "I have switched from {old} to {new}, and it works for me.",
        "These days I work with {new}.",
    ),
    "pattern.purchase": ("I have become a buyer who {new}.", "I no longer am one who {old}; now I am one who {new}."),
    "life.home": (
        "I moved from {old} to {new} a few days ago.",
        "I have left {old}; my new place is in {new}.",
        "The boxes are unpacked: I live in {new} now.",
    ),
    "life.diet": (
        "I have changed what I eat: {new} now.",
        "No more {old} for me, it is {new} from here on.",
        "My doctor convinced me: my diet is {new} now.",
    ),
    "life.budget": (
        "Money has changed: my limit for a purchase is now {new} euros.",
        "My budget for a purchase went from {old} to {new} euros.",
        "I can spend {new} euros on a thing now, not {old}.",
    ),
}

_BACK = (
    "That did not last: instead of {old} it is {new} again.",
    "I have gone back from {old} to {new}.",
    "After trying {old} I have returned to {new}, for good.",
)
RETURNS = dict.fromkeys([field for field in CHANGES if field != "personality.interests"], _BACK)

MOODS = (
    "I feel {value} today, it will pass.",
    "It has been one of those weeks: I feel {value} at the moment.",
    "Just now I feel {value}; give me a few days.",
)

RETRACTIONS = {
    "demographics.career": (
        "I wrote something wrong the other day: I never was a {old}, I am a {new}.",
        "Forget the {old}, that was my sister's job; I am a {new}.",
    ),
    "life.home": (
        "Forget {old}: I was only there on a visit, I live in {new}.",
        "I said {old} by mistake; my home is {new}, as it was all along.",
    ),
    "life.diet": (
        "What I said about my diet was a slip: it is {new}, it never was {old}.",
        "I mixed that up, {old} was for a guest; I go for {new}.",
    ),
    "life.budget": (
        "I named the wrong sum: my limit for a purchase is {new} euros, it never was {old}.",
        "Not {old} euros, that was a typing error: {new} euros it is.",
    ),
}

"""English situations in which a function is called, or an answer is written in a form."""

from __future__ import annotations

import json

from personaopt.evals.personabench.records import Effect, Function
from personaopt.evals.personabench.vocabulary import Tool, Topic


def _function(name: str, description: str, effect: Effect, table: str, key: str, **arguments: str) -> Function:
    """A function whose arguments are all needed; each is described as `type: what`."""
    properties = {}
    for argument, said in arguments.items():
        kind, _, what = said.partition(": ")
        properties[argument] = {"type": kind, "description": what}
    schema = {"type": "object", "properties": properties, "required": list(arguments), "additionalProperties": False}
    return Function(
        name=name, description=description, parameters=json.dumps(schema), effect=effect, table=table, key=key
    )


_DAYS = ("today", "tomorrow", "on Saturday", "on Sunday", "next Monday")

WEATHER = Topic(
    "weather", "life.home", "call",
    ("There is washing to be hung out.", "The bicycle stands outside.", "A picnic is planned close to home.",
    "The windows are to be cleaned.",
     "The laundry line is free and the balcony empty."),
    ("what will the weather be like at my place", "do I need an umbrella when I leave the house",
    "will it stay dry where I live",
     "how warm will it get at home"),
    "Asks for the weather of {right} and tells it.",
    ("That is the wrong place: I live in {value}.", "I am at home in {value}, look there."),
    tool=Tool(
        _function("get_weather", "The weather of a city.", "look_up", "weather", "city",
                  city="string: the city's name", day="string: the day"),
        "city", {"day": _DAYS},
        ("14 degrees and rain", "22 degrees and sun", "8 degrees and fog", "17 degrees and wind",
        "26 degrees and clouds", "3 degrees and snow"),
    ),
)  # fmt: skip

NEARBY = Topic(
    "nearby", "life.home", "call",
    ("A key has broken off in the lock.", "The heel of a shoe has come off.", "The tyre is flat again.",
    "A parcel has to be sent off.",
     "The prescription has to be filled.", "The laptop makes a strange noise."),
    ("who near my home can help", "where is the closest place to get that done around my house",
    "find me an address in my neighbourhood",
     "which shop in my area should I try"),
    "Looks for an address in {right} and names it.",
    ("That is too far: I live in {value}.", "Please look in {value}, where my flat is."),
    tool=Tool(
        _function("find_nearby", "Shops and services of a city.", "look_up", "places", "city",
                  city="string: the city's name", kind="string: what is looked for"),
        "city", {"kind": ("locksmith", "cobbler", "bicycle repair", "post office", "pharmacy", "computer repair")},
        ("the one in Mill Street 4", "the one behind the station", "the one at the market hall",
        "the one in Harbour Lane 17", "the one by the old bridge"),
    ),
)  # fmt: skip

SHOPPING = Topic(
    "shopping", "life.budget", "call",
    ("The kettle has given up.", "A birthday present is missing.", "The rucksack has a hole.",
    "The desk lamp flickers.", "The old headphones crackle.",
     "The frying pan is scratched."),
    ("find me a new one that I can afford", "search for something within my limit",
    "which one could I buy without overspending",
     "look for one that my wallet can take"),
    "Searches with a highest price of {right} euros and names something below it.",
    ("I do not spend that: {value} euros is my limit for a purchase.",
    "My budget for a purchase is {value} euros, search with that."),
    tool=Tool(
        _function("search_products", "Products up to a highest price.", "at_most", "products", "max_price",
                  query="string: what is looked for", max_price="integer: the highest price in euros"),
        "max_price", {"query": ("kettle", "present", "rucksack", "desk lamp", "headphones", "frying pan")},
        ("plain model", "sturdy model", "pretty model", "light model", "classic model"), numeric=True,
    ),
)  # fmt: skip

COURSE = Topic(
    "course", "demographics.career", "call",
    ("The employer pays for a day of training.", "The chamber has opened its autumn list of classes.",
    "There is a voucher for further training.",
     "The trade union invites its members to a seminar."),
    ("which course would bring me forward in my job", "find me a class for my line of work",
    "what training is there for people in my trade",
     "look up what I could learn for my job"),
    "Looks for courses for a {right} and names one.",
    ("That is not my job: I work as a {value}.", "Please look for a {value}, that is what I am."),
    tool=Tool(
        _function("find_courses", "Further training for a profession.", "look_up", "courses", "profession",
                  profession="string: the profession", length="string: how long"),
        "profession", {"length": ("one day", "two days", "an evening", "a week")},
        ("course A in the north wing", "course B on Fridays", "course C by post", "course D with Mrs Hale",
        "course E in the workshop"),
    ),
)  # fmt: skip

REMINDER = Topic(
    "reminder", "pattern.usage", "call",
    ("The plants must not be forgotten.", "The tablets lie in the drawer.", "The meter has to be read.",
    "Vocabulary wants to be learnt.",
     "The diary has been empty for a week."),
    ("remind me of it when I am around anyway", "set a reminder for the time of day when I usually write to you",
    "tell me again at my usual hour",
     "put in a reminder for when you hear from me most"),
    "Sets a reminder {right}.",
    ("That is the wrong hour: I mostly write to you {value}.", "Set it for {value}, when I am here."),
    tool=Tool(
        _function("set_reminder", "Set a reminder.", "append", "reminders", "",
                  what="string: of what",
                  part_of_day="string: early in the morning, at lunch time, in the evening or late at night"),
        "part_of_day", {"what": ("the plants", "the tablets", "the meter", "the vocabulary", "the diary")}, (),
    ),
)  # fmt: skip

TRANSLATION = Topic(
    "translation", "demographics.languages", "call",
    ("A letter from the authorities has arrived.", "The manual is hard to follow.", "A poem hangs in the hallway.",
    "The doctor's report is full of foreign words.",
     "The rules of the house were handed out."),
    ("put that into the language I grew up with", "translate it into my first language",
    "I would like to read it in my mother tongue"),
    "Translates into {right}.",
    ("That is not my language: I speak {value}.", "Please put it into {value}, which we speak at home."),
    tool=Tool(
        _function("translate", "Translate a text.", "look_up", "dictionaries", "language",
                  text="string: the text", language="string: the language to translate into"),
        "language", {"text": ("the letter", "the manual", "the poem", "the report", "the rules")},
        ("a clean translation", "a literal translation", "a translation with notes"),
    ),
)  # fmt: skip

PASSPORT = Topic(
    "passport", "demographics.nationality", "call",
    ("A trip to Canada is planned.", "A conference in India has sent an invitation.",
    "A cousin in Kenya gets married.", "The ship calls at Jakarta.",
     "A stopover in Dubai takes two days."),
    ("do I need a visa with my passport", "which papers do I need to get in", "check the entry rules for me",
    "may I enter with the passport I have"),
    "Checks the entry rules for a {right} passport.",
    ("Those are not my rules: my passport is {value}.", "Check it again, my nationality is {value}."),
    tool=Tool(
        _function("check_entry", "Entry rules by nationality.", "look_up", "entry_rules", "nationality",
                  nationality="string: the nationality, such as Swiss", destination="string: the destination"),
        "nationality", {"destination": ("Canada", "India", "Kenya", "Indonesia", "the Emirates")},
        ("no visa for 30 days", "a visa on arrival", "a visa in advance", "an online permit"),
    ),
)  # fmt: skip

SUMMARY = Topic(
    "summary", "preference.formats", "form",
    ("The subject is {subject}.", "Notes have piled up on {subject}.", "There is a report about {subject}.",
    "Everybody talks about {subject}."),
    ("give me the main points", "sum it up for me", "what do I have to know about it", "lay it out for me"),
    "Answers as {right}.",
    ("I cannot read it like that: please give me {value}.", "I like to get things as {value}."),
    {
        "a bullet list": ("bullets",), "numbered steps": ("numbers",), "a table": ("table",),
        "one short paragraph": ("paragraph",),
    },
)  # fmt: skip

EXPLANATION = Topic(
    "explanation", "preference.styles", "form",
    ("A child has asked about {subject}.", "The quiz will be about {subject}.", "The radio mentioned {subject}.",
    "The museum has a room on {subject}."),
    ("explain it to me", "how does that hang together", "tell me about it", "help me understand it"),
    "Answers {right}.",
    ("Please answer me {value}.", "I like answers {value}; this was not one."),
    {
        "brief and to the point": ("brief",), "thorough, with all details": ("thorough",),
        "with a simple example": ("example",),
        "as a question back first": ("question",),
    },
)  # fmt: skip

NOTE = Topic(
    "note", "demographics.name", "name",
    ("A note on {subject} has to go to the landlord.", "The neighbours get a card because of {subject}.",
     "The club asks for a line about {subject}.", "The library wants an answer concerning {subject}.",
     "A reader's letter on {subject} is half finished."),
    ("write it ready to be sent, with my signature", "draft it and sign it for me",
     "put it in two sentences and add my name"),
    "Is signed {right}.",
    ("It must be signed {value}: that is my name.", "You can call me {value}, and that is how it has to be signed."),
)  # fmt: skip

FARE = Topic(
    "fare", "demographics.age", "choose",
    ("The ticket machine shows {options}.", "The box office sells {options}.", "At the pool there are {options}."),
    ("which ticket do I buy", "what may I travel on", "which fare applies to me", "what do I press"),
    "Names {right}, the fare of the user's age.",
    ("That fare is wrong: I am {value} years old.", "I am {value}, so that does not apply to me."),
    {
        "18-25": ("the youth fare up to 25", "the fare for ages 18 to 25"), "26-59": ("the full fare from 26 to 59",
            "the fare for ages 26 to 59"),
        "60-90": ("the senior fare from 60", "the fare for ages 60 and above"),
    },
)  # fmt: skip

TASKS = (
    WEATHER, NEARBY, SHOPPING, COURSE, REMINDER, TRANSLATION, PASSPORT, SUMMARY, EXPLANATION, NOTE, FARE,
)  # fmt: skip

SUBJECTS = (
    "tidal power", "the town's new bus lines", "the history of tea", "sleep", "heat pumps", "the rules of curling",
    "volcanoes", "pension funds",
    "the northern lights", "yeast", "the printing press", "coral reefs", "noise in open offices", "roundabouts",
    "the price of coffee",
    "the parliament's vote on bicycles", "glass recycling", "river floods", "the theatre season", "storing potatoes",
    "house numbers", "sundials",
    "bats in the attic", "bridges of stone",
)  # fmt: skip

"""The word lists of invented messages and of what may be answered to them.

An answer is made of clauses that start in lower case (but for "I") and have no full stop: what a user's style makes of
them is decided elsewhere. `{day}`, `{thing}` and so on are the slots of the message, so that an answer is about it. A
clause that starts with `!` cannot follow "I think".
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Subject:
    """One kind of message.

    Attributes:
        messages: Texts of a message, with slots.
        slots: What can stand in each slot.
        yes: Clauses of a willing answer.
        no: Clauses of an unwilling answer.
        yes_more: What a longer willing answer adds.
        no_more: What a longer unwilling answer adds.
        yes_closing: Questions with which a willing answer may end.
        no_closing: Questions with which an unwilling answer may end.
    """

    messages: tuple[str, ...]
    slots: dict[str, tuple[str, ...]]
    yes: tuple[str, ...]
    no: tuple[str, ...]
    yes_more: tuple[str, ...]
    no_more: tuple[str, ...]
    yes_closing: tuple[str, ...]
    no_closing: tuple[str, ...]


SENDERS = (
    "Amara",
    "Ben",
    "Carla",
    "Dev",
    "Elif",
    "Finn",
    "Greta",
    "Hana",
    "Isak",
    "Joyce",
    "Karim",
    "Lucy",
    "Nadia",
    "Oscar",
)
OPENINGS = (
    "Hi, it's {sender}.",
    "{sender} here.",
    "Hello, this is {sender}.",
    "Hey, {sender} here.",
    "It's {sender} again.",
)
EXTRAS = (
    "Let me know by tonight if you can.", "No rush at all.", "Sorry for the short notice.",
    "Hope the week is treating you well.",
    "I promise it is the last time I ask this month.", "Everyone says hello, by the way.",
    "I tried to call but could not get through.",
    "It would mean a lot.", "I am on the train, so replies may be slow.", "Just checking before I tell the others.",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday evening", "Wednesday", "Thursday night", "Friday", "Saturday morning", "Sunday afternoon")

SUBJECTS: dict[str, Subject] = {
    "invitation": Subject(
        ("Are you free on {day} for {thing}?", "We are planning {thing} on {day}; would you like to come?",
         "Would you join us for {thing}? It is on {day}.",
         "There is a place left for {thing} on {day}, and I thought of you."),
        {"day": _DAYS, "thing": ("a walk along the canal", "a small birthday dinner", "the jazz night at the Anchor",
                                 "a board game evening", "a swim in the lake", "the flea market", "a pottery class",
                                 "a picnic in the park", "my sister's housewarming", "the new Danish film",
                                 "a bike ride to the coast")},
        ("{day} works for me", "I would love to come", "{thing} is exactly what I need", "!count me in for {day}"),
        ("{day} is no good for me", "I can't make it on {day}", "I have to pass this time", "{day} is already taken"),
        ("it has been far too long since the last time", "I have nothing else planned on {day}",
         "I was hoping somebody would suggest {thing}",
         "I can bring something to eat"),
        ("I promised my mother to help her move a wardrobe", "there is a deadline at work the next morning",
         "I will still be on the road then",
         "my knee needs another week of rest"),
        ("what time should I be there", "shall I bring anything", "who else is coming", "where do we meet"),
        ("can we find another day", "will there be a next time", "how about the week after",
         "will you tell me how it was"),
    ),
    "favour": Subject(
        ("Could you possibly {thing} {day}?", "Any chance you could {thing} {day}?",
         "I need a favour: could you {thing} {day}?",
         "Would you mind if I asked you to {thing} {day}?"),
        {"day": ("this weekend", "next week", "on Friday", "tomorrow", "over the holidays", "on Tuesday",
                 "at the end of the month"),
         "thing": ("water the tomatoes", "feed the cat", "lend me your drill", "read through my application",
         "pick up a parcel for me",
                   "drive me to the airport", "look after the twins for an hour", "help me carry a sofa",
                   "check my tax form",
                   "take the dog out", "translate a letter for me")},
        ("I can {thing} {day}", "that is easy enough", "!leave it to me", "!consider it done"),
        ("I can't {thing} {day}", "{day} is difficult for me", "I have to say no to this one",
         "I am not the right person to ask {day}"),
        ("you did the same for me in spring", "I will be at home anyway", "it is on my way",
         "I will send a message when it is done"),
        ("I am away myself until late", "I have said yes to too many things already", "the car is in the garage",
         "my neighbour may be able to do it"),
        ("is there anything I should know", "what time suits you", "how long will it take", "shall I ring you first"),
        ("who else could you ask", "can it wait a week", "would another day help", "shall I ask around"),
    ),
    "change": Subject(
        ("Something came up. Can we move {thing} to {day}?", "Would it be all right to push {thing} to {day}?",
         "The room is taken, so {thing} would have to be on {day}. Is that fine?",
         "I am running behind. Could {thing} wait until {day}?"),
        {"day": _DAYS, "thing": ("our lunch", "the planning meeting", "the piano lesson", "the budget review",
                                 "band practice",
                                 "our call", "the garden work", "the book club", "the interview", "the rehearsal")},
        ("{day} is fine", "moving {thing} suits me well", "{day} is even better for me", "we can do {thing} on {day}"),
        ("{day} does not work for me", "I would rather keep {thing} as it is", "I can't move {thing} again",
         "{day} is impossible this week"),
        ("I needed the extra time anyway", "I will tell the others", "I have moved it in my calendar",
         "nothing else depends on it"),
        ("three other people have already arranged their day around it", "I am travelling from then on",
         "we have moved it twice already",
         "I will be at the dentist's for half of it"),
        ("same place as before", "what time exactly", "will the others be told", "is everything all right"),
        ("is there no other way", "what has come up", "could somebody stand in for you",
         "can we talk about it tomorrow"),
    ),
    "opinion": Subject(
        ("What do you think of {thing}? I can't decide.", "You know about these things: is {thing} a good idea?",
         "I am tempted by {thing}. Honest opinion?", "Should I go for {thing}, or is that silly?"),
        {"thing": ("the green paint for the kitchen", "a second-hand electric bike", "the flat above the bakery",
                   "taking a year off",
                   "adopting an old greyhound", "the night train to Vienna", "a course in bookkeeping",
                   "painting the door yellow",
                   "selling the car", "a haircut like my brother's", "starting a newsletter",
                   "the cheaper of the two tents")},
        ("{thing} is a good idea", "!go for it", "I like the sound of {thing}", "{thing} would suit you"),
        ("I would leave it", "{thing} is not worth it", "I am not convinced by {thing}", "{thing} sounds like trouble"),
        ("you have been talking about it since last year", "a friend did the same and never looked back",
         "you can always change your mind later",
         "there is never a perfect moment"),
        ("you would regret it by winter", "you were less sure the last time we talked",
         "a colleague did the same and was sorry", "something better will come along"),
        ("when do you start", "can I come and see", "what does your family say", "shall I help"),
        ("when do you have to decide", "have you slept on it", "what does your family say", "is there no other choice"),
    ),
    "question": Subject(
        ("Do you still have {thing}?", "Quick question: did you ever find {thing}?",
         "Have you had time to look at {thing}?",
         "Did {thing} reach you all right?"),
        {"thing": ("the photos from the wedding", "my blue umbrella", "the minutes of the last meeting",
                   "the recipe for the lemon tart",
                   "the address of that plumber", "the draft of the report", "the spare key", "the list of guests",
                   "the tickets for Thursday",
                   "the book I lent you", "the invoice from March")},
        ("!yes, I have {thing} here", "I left {thing} on my desk", "I found {thing} last night",
         "I looked at {thing} this morning"),
        ("I have not seen {thing}", "!no sign of {thing} so far", "I have not got round to it",
         "I no longer have {thing}"),
        ("I will send it over tonight", "you can pick it up whenever you like",
         "it took me a while to remember where to look", "I had a feeling you would ask"),
        ("I will look again at the weekend", "your brother may know more",
         "things tend to turn up when I tidy the cellar",
         "the last two days were a bit much"),
        ("when do you need an answer", "shall I drop by", "was there anything else", "will you be in tomorrow"),
        ("is it urgent", "have you asked the others", "where did you look", "can it wait until the weekend"),
    ),
}  # fmt: skip

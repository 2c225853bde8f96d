"""What English scenes are furnished with, and what may stand around the core of a query."""

from __future__ import annotations

OPENERS = (
    "", "Quick question:", "Tell me,", "Before I forget:", "I could use a hand:", "Hello,", "Good day,",
    "Sorry to bother you,", "One more thing:",
    "Help me out here:", "So,", "Right,", "Be so kind and tell me:", "I keep going back and forth:", "In short:",
    "Let me ask you:",
    "It is about time I asked:", "You may know better than I do:", "For once I am at a loss:",
    "To get this over with:",
)  # fmt: skip

TAILS = (
    "", "and be quick, please", "if you had to say", "going by what you know of me", "the way I like it",
    "as you would for me", "this time",
    "in your opinion", "without a long search", "so that I can get on", "and I will go with it",
    "because I have to answer soon", "so that it fits me",
    "as things stand", "given who is asking", "before the day is over",
)  # fmt: skip

COMPANIONS = (
    "A colleague", "My cousin", "The neighbour from upstairs", "An old schoolmate", "My godchild",
    "Somebody from the choir", "The caretaker",
    "A friend of a friend", "My aunt", "The woman from the kiosk", "A former flatmate", "My brother-in-law",
    "The instructor", "A visitor from abroad",
    "My mentor", "The couple next door", "A pen friend", "The new intern", "My landlady's son",
    "The man with the dog", "A fellow passenger",
    "My doctor's receptionist", "The youngest of the team", "An acquaintance from the market",
)  # fmt: skip

PRESSURES = (
    "wants to know by noon", "is waiting at the door", "has asked twice already", "will call back in ten minutes",
    "left it to me",
    "cannot make up their mind either", "has offered to pay half", "is coming along", "thinks it is easy",
    "bet that I would not manage",
    "needs an answer for the list", "has to be told before the shop closes", "brought it up at breakfast",
    "sent three messages about it",
    "swears that it does not matter", "has had bad luck with it", "put my name down already", "wrote it on the board",
    "is in a hurry as always",
    "remembers last year all too well", "would like to learn how I do it", "has marked the date in red",
    "dropped the leaflet on my desk",
    "promised not to interfere",
)  # fmt: skip

PLACES = (
    "on the platform", "in the stairwell", "at the kitchen table", "in the waiting room", "on a park bench",
    "in the back of a taxi", "at the counter",
    "in the garden", "by the photocopier", "in a long queue", "on the ferry", "in the car park", "at the bus stop",
    "on the balcony", "in the lift",
    "at the reception desk", "in the laundry room", "on the way home", "between two meetings",
    "under an awning in the rain", "at the gate",
    "in the cloakroom", "by the coffee machine", "on the landing",
)  # fmt: skip

MOMENTS = (
    "It is Monday, just after eight.", "It is a quiet Tuesday.", "It is Wednesday and everything runs late.",
    "It is Thursday before lunch.",
    "It is Friday and nearly over.", "It is a grey Saturday.", "It is Sunday, and the bells ring.",
    "It is the first of the month.",
    "It is the last week before the holidays.", "It is the day after a storm.", "It is market day.",
    "It is the hottest day so far.",
    "It is the first frost.", "It is a public holiday.", "It is the evening before a journey.",
    "It is an hour before closing time.",
    "It is the week of the fair.", "It is raining for the third day.", "It is the middle of the exam weeks.",
    "It is the day of the move-out inspection.",
    "It is snowing.", "It is half past three.", "It is the long weekend.", "It is the morning after the party.",
)  # fmt: skip

STOP = frozenset({
    "a", "all", "an", "and", "answers", "are", "as", "asked", "at", "back", "be", "best", "by", "children", "day",
    "do", "does", "every", "first", "for", "from", "good", "hand", "has", "how", "i", "in", "is", "it", "like",
    "made", "mostly", "my", "no", "not", "of", "on", "one", "or", "out", "people", "person", "point", "question",
    "short", "shown", "small", "some", "step", "take", "takes", "that", "the", "them", "there", "they", "things",
    "time", "to", "up", "wants", "what", "will", "with", "work", "you",
})  # fmt: skip

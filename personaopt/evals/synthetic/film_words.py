"""The word lists of invented films: who, what happens and what goes wrong, for ten kinds of film.

`{they}`, `{them}`, `{their}` and `{self}` become the leading character's pronouns. A premise that starts with `crime:`
or `machine:` carries that theme. Nothing here fits only one time: every kind can be set in the past, today or later.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

FilmTag = Literal[
    "sci-fi", "dystopia", "comedy", "dark comedy", "action", "fantasy", "romance", "psychology", "based on a book",
    "true story"
]  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Words:
    """What films of one kind are made of."""

    leads: tuple[str, ...]
    premises: tuple[str, ...]
    turns: tuple[str, ...]
    eras: tuple[str, ...]  # drawn from at random, so a repeated one is likelier


SETTINGS = {
    "future": (
        "in the year 2140", "in the flooded London of 2095", "on a mining colony near Saturn",
        "in a domed city on Mars",
        "a century from now", "on a generation ship halfway to its star", "in the orbital city of Halden",
        "in the parched Europe of 2077", "on a terraformed moon", "in the tower cities of 2210",
    ),
    "period": (
        "in 1890s Lisbon", "in a Prussian garrison town in 1813", "in Regency Bath", "on a Cornish estate in 1847",
        "in Vienna between the wars", "in Kyoto at the end of the shogunate", "in 1920s Marseille", "in Tudor York",
        "in gaslit Edinburgh", "in a Boston boarding house in 1868", "in Renaissance Siena",
    ),
    "present": (
        "in a small Ohio town", "in the back streets of Naples", "in a seaside resort out of season",
        "in suburban Perth",
        "on the outskirts of Lagos", "in a quiet Helsinki suburb", "in present-day Seoul", "in a Glasgow tower block",
        "on a Greek island in August", "in downtown Bogota", "in a Montana ski village",
    ),
}  # fmt: skip

NAMES = {
    "she": (
        "Nora Vance", "Ilse Brandt", "Maya Okoro", "Teresa Quill", "June Halloran", "Asha Menon", "Clara Whitlock",
        "Yuki Tanabe", "Rosa Delmar", "Edith Crane", "Lena Marsh", "Priya Sandhu", "Agnes Fell", "Marta Kowal",
    ),
    "he": (
        "Tom Ferris", "Emil Novak", "Daniel Osei", "Hugo Lamb", "Kenji Mori", "Silas Reed", "Arjun Pillai",
        "Otto Weiss", "Mateo Cruz", "Walter Pym", "Jonas Lind", "Frank Delaney", "Ivo Petrov", "Samuel Tate",
    ),
}  # fmt: skip

# Never the lead of a love story.
CHILDREN = (
    "a ten-year-old stowaway",
    "an eight-year-old orphan",
    "a schoolchild with a stammer",
    "a runaway twelve-year-old",
)

COMPANIONS = (
    "with only a deaf dog for company",
    "helped by a retired nun",
    "against the advice of everyone {they} knows",
    "with a borrowed coat and very little money",
    "together with a brother who never stops talking",
    "and cannot tell a soul",
    "a few days before the first snow",
    "to the dismay of {their} oldest friend",
    "armed with nothing but good manners",
    "with a debt collector close behind",
    "for reasons {they} would rather not explain",
    "on the very day the bridge closes",
    "while a festival fills the streets",
    "and soon wishes {they} had not",
)

LOVES = (
    "and along the way {they} loses {their} heart to a stranger",
    "while {they} falls slowly in love with the one person {they} should avoid",
    "and an old flame comes back at the worst possible moment",
    "and a kiss in the rain changes all of {their} plans",
    "while a shy courtship begins between the lines",
)

TITLES = (
    ("Salt", "Paper", "Winter", "Silent", "Crooked", "Golden", "Borrowed", "Second", "Hollow", "Glass"),
    ("Orchard", "Harbour", "Parade", "Lantern", "Season", "Ledger", "Garden", "Verdict", "Carousel", "Meridian"),
)

KINDS: dict[str, Words] = {
    "comedy": Words(
        ("an accident-prone matchmaker", "a retired ferryman", "an unlucky baker", "a village choirmaster",
         "a failed magician", "a cheerful but clueless butler", "a substitute teacher"),
        ("enters a cooking contest {they} cannot possibly win", "pretends to be a famous surgeon for one weekend",
         "swaps houses with a total stranger", "agrees to coach the worst team for miles around",
         "accidentally sells the town hall to three different buyers",
         "opens a hotel that has no guests and one stubborn goat",
         "is mistaken for a visiting duke and is too polite to say no",
         "bets {their} home on the slowest donkey in the race",
         "crime:bungles the robbery of a bank that has already closed"),
        ("A mother-in-law, a missing cake and a marching band do not help", "Soon one small lie has grown into twenty",
         "The neighbours mean well, which makes everything hilariously worse",
         "What follows is a week of slammed doors, wrong names and burnt dinners",
         "Nobody is fooled for long, but everybody has far too much fun to stop",
         "It would be a disaster if {their} hapless friends were not so good at celebrating disasters"),
        ("present", "present", "period", "future"),
    ),
    "dark comedy": Words(
        ("a cash-strapped undertaker", "a bored coroner", "a polite poisoner", "an insurance clerk with months to live",
         "a disgraced priest", "a taxidermist with rich clients", "a butcher with a loyal clientele"),
        ("crime:discovers that burying the wrong man pays better than burying the right one",
         "crime:hires an assassin for {self} and then changes {their} mind",
         "crime:keeps a dead landlord's rent book going",
         "stages {their} own funeral to see who will weep", "crime:poisons the wrong guest at a dinner for eight",
         "sells the same grave to four grieving families", "crime:finds a corpse in the bath and a party at the door",
         "will inherit a fortune only if {their} cousins die first"),
        ("The bodies pile up, and so do the awkward condolences",
         "The widow is delighted, the constable is slow and the cat knows everything",
         "Every attempt to do the decent thing leaves one more person dead",
         "Grief has rarely been so profitable or so badly catered",
         "By the third funeral even the vicar has begun to place bets", "Manners are kept up to the very last gasp"),
        ("present", "present", "period", "future"),
    ),
    "action": Words(
        ("a runaway convict", "a disgraced soldier", "a stubborn customs officer", "a bounty hunter", "a river pilot",
         "a former bodyguard", "a smuggler with a conscience"),
        ("has one night to bring a witness across the city alive", "is hunted by the killers {they} once trained",
         "crime:takes on one last robbery to clear {their} brother's debt",
         "must hold a bridge against an army of mercenaries",
         "crime:sets out to steal back a shipment of gold", "breaks into a fortress prison to free {their} captain",
         "wakes up with a price on {their} head", "races a rival crew to a wreck full of weapons",
         "crime:goes to war with the gang that burned down {their} home"),
        ("Explosions, rooftop chases and a traitor in the crew stand in the way",
         "Every road out is guarded, and the ammunition is running low",
         "The ambush at dawn is only the first of many",
         "With the clock running, {they} has to fight through every floor",
         "An old enemy offers help, at gunpoint", "There is no plan left except to run, shoot and keep running"),
        ("present", "present", "future", "period"),
    ),
    "romance": Words(
        ("a cellist gone silent", "a widowed gardener", "a shy translator", "a travelling portrait painter",
         "a nurse on night duty", "a letter carrier", "a restless heiress"),
        ("falls in love with a stranger who keeps writing to the wrong address",
         "must choose between a safe engagement and a reckless summer",
         "meets the love of {their} life a week before leaving for ever",
         "pretends to be engaged to a rival and begins to mean it",
         "finds the letters {their} first love never posted",
         "gives dancing lessons to the person {they} left at the altar",
         "shares a long journey, and then a life, with a perfect opposite",
         "is courted by two people who have never met each other"),
        ("Between missed meetings and long goodbyes, two people learn what they mean to each other",
         "One evening, one song and one confession are enough to undo years of caution",
         "Families disapprove, letters go astray and the heart will not listen",
         "It takes a wedding, somebody else's, for the truth to come out", "Neither is free, and neither can stay away",
         "A single summer has to be long enough"),
        ("present", "present", "period", "period", "future"),
    ),
    "fantasy": Words(
        ("an apprentice mapmaker", "a hedge witch", "a blind bell-ringer", "a dragon keeper",
         "a cursed prince's servant",
         "the last guardian of a river spirit", "a locksmith on speaking terms with doors"),
        ("discovers that whatever {they} draws comes true", "must return a stolen name to the forest that owns it",
         "makes a bargain with a talking fox", "finds a staircase that leads down into last winter",
         "wakes a giant that sleeps beneath the market square", "has until the full moon to break a spell of silence",
         "inherits a sword that refuses to fight", "follows a trail of enchanted lanterns into the land of the dead"),
        ("Spells unravel, statues speak and an ancient queen wants her shadow back",
         "Only a promise made in a dream can close the gate again",
         "The price of every wish is a memory", "An old prophecy turns out to have been copied down wrongly",
         "Goblins, ghosts and one very small dragon all take sides",
         "Magic is returning to the world, and it is hungry"),
        ("present", "present", "period", "period", "future"),
    ),
    "sci-fi": Words(
        ("a stubborn inventor", "an astronomer on the night shift", "a clockmaker", "a young mathematician",
         "a disgraced engineer", "a signals officer", "a botanist with a secret laboratory"),
        ("machine:builds a device that remembers other people's lives",
         "receives a signal from a place that should be empty",
         "finds a perfect copy of {self} asleep in a sealed room", "machine:teaches a machine to lie",
         "machine:sends a message ten years into the past",
         "discovers that gravity is failing a little more each night",
         "machine:repairs an automaton that insists it was once alive", "makes first contact and is not believed",
         "opens a door between two versions of the same day"),
        ("The experiment cannot be stopped, and its results are already changing the sky",
         "Each answer from the other side raises a worse question",
         "What arrives next is neither human nor hostile, only curious", "Science has a name for this, but no cure",
         "To undo it, {they} has to trust a mind that is not {their} own",
         "The numbers agree: something is on its way"),
        ("future", "future", "future", "present", "period"),
    ),
    "dystopia": Words(
        ("a clerk in the Ministry of Quiet", "a ration inspector", "a junior censor", "a night-shift informer",
         "a teacher of approved history", "a wall guard", "a seller of forbidden books"),
        ("must report {their} own family for hoarding books",
         "finds {their} name on tomorrow's list of the disappeared",
         "learns that the war everybody obeys has been over for years", "crime:forges a permit to have a second child",
         "begins to doubt the voice that wakes the city each morning", "is ordered to erase a town from every record",
         "machine:services the machine that decides who may eat", "joins a choir that is really a conspiracy"),
        ("Every window has ears, and the penalty for a question is silence",
         "Those who remember are re-educated, and those who forget are promoted",
         "Obedience keeps the lights on, until one district goes dark",
         "The wall is high, the ration is shrinking and somebody is singing on the other side",
         "Freedom turns out to be a form that nobody has filled in for years",
         "The state knows {their} dreams, and it is disappointed"),
        ("future", "future", "future", "present"),
    ),
    "psychology": Words(
        ("a sleepless doctor", "a portrait painter with no memory for faces", "a grieving pianist",
         "a gifted hypnotist",
         "a governess with a locked diary", "a retired judge", "an identical twin"),
        ("begins to suspect that {their} spouse is an impostor",
         "loses a week and finds {their} own handwriting on every wall",
         "hears a child crying in a room that was bricked up", "takes on a patient who knows all of {their} secrets",
         "cannot say which of two memories is {their} own",
         "becomes obsessed with the life of the house across the road",
         "agrees to be locked in for thirty days of total silence",
         "confesses to something nobody believes {they} did"),
        ("As guilt and memory blur, even the mirrors stop being reliable",
         "The closer the truth comes, the less {they} trusts {their} own mind",
         "Every session ends one door deeper", "What looks like madness may be grief, or the other way round",
         "Somebody is playing a patient game with {their} fears", "It is not the house that is haunted"),
        ("present", "present", "period", "future"),
    ),
    "based on a book": Words(
        ("the youngest of five quarrelling sisters", "a country parson's ward", "the heir to a ruined shipping house",
         "an unloved schoolmaster", "a foundling with a famous surname", "the chronicler of a fading family"),
        ("comes home to a house that three generations have fought over",
         "spends one long year learning what money cannot mend",
         "breaks a family silence that has lasted since the flood",
         "is sent to live with an aunt who never leaves her room",
         "sets out to sell the estate and ends up reading its letters",
         "keeps a promise to a dying father at the cost of every other",
         "rises from errand runner to master of the firm that ruined {their} parents"),
        ("Adapted from the prize-winning novel, it follows the family through thirty years of quarrels",
         "The beloved novel's many voices come together around one last dinner",
         "As in the novel, each chapter belongs to another member of the household",
         "A faithful adaptation of the bestseller keeps its wry narrator",
         "Readers of the trilogy will know how the inheritance is settled",
         "Its famous last page reaches the screen word for word"),
        ("period", "period", "period", "present", "future"),
    ),
    "true story": Words(
        ("a country doctor", "a champion swimmer", "a court clerk", "a mountain guide", "a mill worker",
         "a village schoolteacher", "a lighthouse keeper"),
        ("leads forty strangers out of an avalanche", "crosses the strait alone in an open boat",
         "exposes the company that poisoned the well", "hides a family in the attic of the town hall for two winters",
         "crime:testifies against the most feared boss in the region",
         "is the first to bring the trophy home after six defeats",
         "keeps a sinking ship afloat for nine days to bring the crew home",
         "spends eleven years proving a neighbour's innocence"),
        ("The events are real, and so are the letters read over the closing titles",
         "Everything in it was sworn to by those who were there",
         "The trial records, quoted word for word, are more astonishing than fiction",
         "It happened much as it is shown, down to the broken compass",
         "Every name in it is the name of somebody who lived",
         "History remembers the rescue, and this account remembers who paid for it"),
        ("present", "present", "period", "period"),
    ),
}  # fmt: skip

"""English values of the fields that personas are drawn from."""

from __future__ import annotations

NAMES = {
    "woman": (
        "Alma", "Beatriz", "Chiara", "Dilek", "Elin", "Farida", "Greta", "Hanna", "Ines", "Jolanta", "Katarina",
        "Leila",
        "Maren", "Nadia", "Olena", "Paola", "Ragnhild", "Sabine", "Tamar", "Ursula", "Valentina", "Wanda", "Yasmin",
        "Zofia",
    ),
    "man": (
        "Anton", "Bruno", "Cem", "Darius", "Emil", "Fabio", "Gustav", "Henrik", "Ivan", "Jakub", "Kofi", "Lorenzo",
        "Mateo", "Nils", "Omar", "Pavel", "Rafael", "Stefan", "Tomasz", "Ulrich", "Viktor", "Wassim", "Yusuf",
        "Zoran",
    ),
    "non-binary person": ("Alexis", "Ariel", "Charlie", "Dani", "Eden", "Jules", "Kim", "Luca", "Noa", "Robin",
        "Sascha", "Toni"),
}  # fmt: skip

TONGUES = {
    "Portuguese": "Portuguese", "Italian": "Italian", "Turkish": "Turkish", "Swedish": "Swedish", "Polish": "Polish",
    "Mexican": "Spanish", "Brazilian": "Portuguese", "Norwegian": "Norwegian", "Dutch": "Dutch", "Greek": "Greek",
    "Croatian": "Croatian", "Egyptian": "Arabic", "Moroccan": "Arabic", "Japanese": "Japanese", "Korean": "Korean",
    "Vietnamese": "Vietnamese", "Ukrainian": "Ukrainian", "Finnish": "Finnish", "Argentinian": "Spanish",
    "Austrian": "German",
}  # fmt: skip

CAREERS = (
    "nurse", "carpenter", "primary school teacher", "software developer", "florist", "tax adviser", "train driver",
    "architect", "baker", "journalist", "veterinarian", "electrician", "librarian", "pharmacist", "photographer",
    "gardener", "lawyer", "social worker", "chef", "civil engineer", "dentist", "translator", "actor", "farmer",
)  # fmt: skip

HOMES = (
    "Lisbon", "Turin", "Ankara", "Malmö", "Gdansk", "Guadalajara", "Recife", "Bergen", "Utrecht", "Thessaloniki",
    "Split",
    "Alexandria", "Fez", "Osaka", "Busan", "Hanoi", "Lviv", "Tampere", "Rosario", "Graz", "Bristol", "Lyon",
    "Leipzig", "Cork",
)  # fmt: skip

INTERESTS = (
    "chess", "rock climbing", "birdwatching", "jazz", "pottery", "astronomy", "sailing", "opera", "board games",
    "cycling",
    "baking", "old maps", "salsa dancing", "film noir", "beekeeping", "calligraphy", "football", "mushroom picking",
    "street art", "swimming",
)  # fmt: skip

BUDGETS = ("15", "30", "60", "120", "250", "500")
DIETS = ("vegan", "vegetarian", "pescatarian", "meat with every dinner")
STYLES = ("brief and to the point", "thorough, with all details", "with a simple example", "as a question back first")
FORMATS = ("a bullet list", "numbered steps", "a table", "one short paragraph")
WORKFLOWS = (
    "a plan first", "a rough draft first", "a checklist", "trying things out", "one small step a day",
)  # fmt: skip
VALUES = ("nature", "family", "fairness", "learning", "tradition", "independence", "health", "beauty")
EMOTIONS = ("calm", "worn out", "anxious", "cheerful", "lonely", "angry")
PURCHASES = (
    "compares prices everywhere", "takes what is second-hand", "takes the best there is",
    "buys the first that will do",
    "buys from small local shops",
)  # fmt: skip
ENGAGEMENTS = (
    "wants a decision made for them", "wants to be shown all choices", "wants to be asked back", "wants sources",
)  # fmt: skip
USAGES = ("early in the morning", "at lunch time", "in the evening", "late at night")

VALUES_OF = {
    "demographics.gender": tuple(NAMES),
    "demographics.nationality": tuple(TONGUES),
    "demographics.career": CAREERS,
    "personality.extraversion": ("E", "I"),
    "personality.sensing": ("S", "N"),
    "personality.thinking": ("T", "F"),
    "personality.judging": ("J", "P"),
    "personality.values": VALUES,
    "personality.interests": INTERESTS,
    "pattern.engagement": ENGAGEMENTS,
    "pattern.usage": USAGES,
    "pattern.emotion": EMOTIONS,
    "pattern.purchase": PURCHASES,
    "preference.styles": STYLES,
    "preference.formats": FORMATS,
    "preference.workflows": WORKFLOWS,
    "life.home": HOMES,
    "life.diet": DIETS,
    "life.budget": BUDGETS,
}

BIOGRAPHY = (
    "{demographics_name} is {demographics_age}, {demographics_nationality}, and works as a {demographics_career} in "
    "{life_home}.",
    "The free hours belong to {personality_interests}; what counts most is {personality_values}.",
    "On the table it is {life_diet}, and a purchase should stay under {life_budget} euros: {demographics_name} "
    "{pattern_purchase}.",
    "{demographics_name} mostly writes {pattern_usage}, feels {pattern_emotion} these days, {pattern_engagement}, and "
    "likes answers {preference_styles}, as {preference_formats}.",
)

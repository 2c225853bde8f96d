"""The offline generator's English, and other words for all that a user says in it."""

from __future__ import annotations

import dataclasses

from personaopt.evals.personabench.english import (
    attributes,
    paraphrased_complaints,
    paraphrased_news,
    paraphrases,
    remarks,
    settings,
)
from personaopt.evals.personabench.english.choices import CHOICES
from personaopt.evals.personabench.english.tasks import SUBJECTS, TASKS
from personaopt.evals.personabench.vocabulary import Vocabulary

VOCABULARY = Vocabulary(
    language="English",
    names=attributes.NAMES,
    tongues=attributes.TONGUES,
    values=attributes.VALUES_OF,
    several={"personality.interests": 2, "personality.values": 2},
    biography=attributes.BIOGRAPHY,
    facts=remarks.FACTS,
    changes=remarks.CHANGES,
    returns=remarks.RETURNS,
    moods=remarks.MOODS,
    falsehoods=remarks.FACTS,
    retractions=remarks.RETRACTIONS,
    topics=(*CHOICES, *TASKS),
    subjects=SUBJECTS,
    openers=settings.OPENERS,
    tails=settings.TAILS,
    companions=settings.COMPANIONS,
    pressures=settings.PRESSURES,
    places=settings.PLACES,
    moments=settings.MOMENTS,
    stop=settings.STOP,
)

HELD_OUT = dataclasses.replace(
    VOCABULARY,
    facts=paraphrases.FACTS,
    changes=paraphrased_news.CHANGES,
    returns=paraphrased_news.RETURNS,
    moods=paraphrased_news.MOODS,
    falsehoods=paraphrased_news.FALSEHOODS,
    retractions=paraphrased_news.RETRACTIONS,
    complaints=paraphrased_complaints.COMPLAINTS,
    clauses=paraphrases.CLAUSES,
    joins=paraphrases.JOINS,
    asides=paraphrases.ASIDES,
)
WORDINGS = {"usual": VOCABULARY, "held-out": HELD_OUT}

__all__ = ["HELD_OUT", "VOCABULARY", "WORDINGS"]

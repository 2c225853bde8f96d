"""The offline generator's English."""

from __future__ import annotations

from personaopt.evals.personabench.english import attributes, remarks, settings
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

__all__ = ["VOCABULARY"]

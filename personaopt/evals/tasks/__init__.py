"""The benchmark's tasks as values, and how a task of your own becomes one (`Task.of`)."""

from personaopt.evals.tasks.lamp import LAMP_1, LAMP_2M, LAMP_2N, LAMP_3, LAMP_4, LAMP_5, TASKS
from personaopt.evals.tasks.metrics import Classification, Kind, Metrics, Rating, Rouge
from personaopt.evals.tasks.naming import task_for
from personaopt.evals.tasks.signatures import (
    CategorizeArticle,
    Choice,
    ChooseReference,
    MovieTag,
    NewsCategory,
    RateReview,
    Score,
    TagFilm,
    TagMovie,
    WriteHeadline,
    WriteReply,
    WriteTitle,
)
from personaopt.evals.tasks.task import Task

__all__ = [
    "LAMP_1",
    "LAMP_2M",
    "LAMP_2N",
    "LAMP_3",
    "LAMP_4",
    "LAMP_5",
    "TASKS",
    "CategorizeArticle",
    "Choice",
    "ChooseReference",
    "Classification",
    "Kind",
    "Metrics",
    "MovieTag",
    "NewsCategory",
    "RateReview",
    "Rating",
    "Rouge",
    "Score",
    "TagFilm",
    "TagMovie",
    "Task",
    "WriteHeadline",
    "WriteReply",
    "WriteTitle",
    "task_for",
]

"""LaMP's tasks (arXiv 2304.11406): its sentences, its profile items, and what it looks similar ones up by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

from personaopt.evals.tasks.metrics import Classification
from personaopt.evals.tasks.reading import ItemReader, SentenceReader
from personaopt.evals.tasks.references import with_choices
from personaopt.evals.tasks.signatures import (
    CategorizeArticle,
    Choice,
    ChooseReference,
    RateReview,
    TagMovie,
    WriteHeadline,
    WriteTitle,
)
from personaopt.evals.tasks.task import Task


def both_options(inputs: Mapping[str, Any]) -> str:
    """What LaMP-1 looks similar papers up by: the two candidates, not the new paper."""
    return " ".join(str(inputs[name]) for name in ("option_1", "option_2") if name in inputs) or str(inputs["title"])


LAMP_1 = Task(
    name="LaMP-1",
    signature=ChooseReference,
    output="choice",
    kind="choice",
    labels=get_args(Choice),
    parse=SentenceReader(
        re.compile(
            r'paper with the title "(?P<title>.*)", which reference is related\?.*?'
            r'\[1\]: "(?P<option_1>.*)" \[2\]: "(?P<option_2>.*)"\s*$',
            re.DOTALL,
        ),
        ("title", "option_1", "option_2"),
    ),
    # LaMP-1's items are the author's papers: nothing was chosen between two options. Cases with a ground truth are made
    # of what they cite; abstracts and citations, where known, are metadata.
    from_profile=ItemReader((("title", "title"),), None),
    metrics=Classification(get_args(Choice)),
    kept=("abstract", "citation"),
    retrieval=both_options,
    cases=with_choices,
)
LAMP_2M = Task.of("LaMP-2M", TagMovie, question=r"tags: \[(?P<labels>[^\]]*)\] description: (?P<description>.*)$")
LAMP_2N = Task.of(
    "LaMP-2N",
    CategorizeArticle,
    question=r"categories: \[(?P<labels>[^\]]*)\] article: (?P<article>.*)$",
    item={"article": "text"},
)
LAMP_3 = Task.of(
    "LaMP-3", RateReview, question=r"scale of 1 to 5\?.*? review: (?P<review>.*)$", item={"review": "text"}
)
LAMP_4 = Task.of(
    "LaMP-4",
    WriteHeadline,
    question=r"headline for the following article: (?P<article>.*)$",
    item={"article": "text", "headline": "title"},
)
LAMP_5 = Task.of("LaMP-5", WriteTitle, question=r"title for the following abstract of a paper: (?P<abstract>.*)$")
TASKS: Mapping[str, Task] = {task.name: task for task in (LAMP_1, LAMP_2M, LAMP_2N, LAMP_3, LAMP_4, LAMP_5)}

"""What each task asks. Short field names and descriptions, because small local models see them in plain form."""

from __future__ import annotations

from typing import Annotated, Literal

import dspy

from personaopt.evals.synthetic.film_words import FilmTag
from personaopt.signatures.standing import StandsFor

MovieTag = Literal[
    "sci-fi", "based on a book", "comedy", "action", "twist ending", "dystopia", "dark comedy", "classic",
    "psychology", "fantasy", "romance", "thought-provoking", "social commentary", "violence", "true story",
]  # fmt: skip
NewsCategory = Literal[
    "women", "religion", "politics", "style & beauty", "entertainment", "culture & arts", "sports",
    "science & technology", "travel", "business", "crime", "education", "healthy living", "parents", "food & drink",
]  # fmt: skip
Choice = Literal["[1]", "[2]"]
Score = Literal["1", "2", "3", "4", "5"]


class ChooseReference(dspy.Signature):
    """Choose the reference this author would cite in the paper."""

    title: str = dspy.InputField(desc="title of the author's new paper")
    option_1: str = dspy.InputField(desc="title of the first candidate, [1]")
    option_2: str = dspy.InputField(desc="title of the second candidate, [2]")
    choice: Annotated[Choice, StandsFor({"[1]": "option_1", "[2]": "option_2"}, said="Cites")] = dspy.OutputField(
        desc="the candidate the author cites"
    )


class TagMovie(dspy.Signature):
    """Choose the tag this user would give the movie."""

    description: str = dspy.InputField(desc="what the movie is about")
    tag: MovieTag = dspy.OutputField(desc="the one tag this user gives the movie")


class CategorizeArticle(dspy.Signature):
    """Choose the category this author would file the article under."""

    article: str = dspy.InputField(desc="the article's text")
    category: NewsCategory = dspy.OutputField(desc="the one category this author files it under")


class RateReview(dspy.Signature):
    """Choose the score this user gave together with the review."""

    review: str = dspy.InputField(desc="what the user wrote about a product")
    score: Score = dspy.OutputField(desc="stars from 1, the worst, to 5, the best")


class WriteHeadline(dspy.Signature):
    """Write the headline this author would give the article."""

    article: str = dspy.InputField(desc="the article's text")
    headline: str = dspy.OutputField(desc="one line in the author's own style")


class WriteTitle(dspy.Signature):
    """Write the title this author would give the paper."""

    abstract: str = dspy.InputField(desc="the paper's abstract")
    title: str = dspy.OutputField(desc="one line in the author's own style")


class TagFilm(dspy.Signature):
    """Choose the tag this user would give the film."""

    description: str = dspy.InputField(desc="what the film is about")
    tag: FilmTag = dspy.OutputField(desc="the one tag this user gives the film")


class WriteReply(dspy.Signature):
    """Write the reply this user would send."""

    message: str = dspy.InputField(desc="what somebody wrote to the user")
    reply: str = dspy.OutputField(desc="the user's answer in the user's own style")

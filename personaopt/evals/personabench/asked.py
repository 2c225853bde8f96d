"""What an LM is asked, stage by stage, when it writes the bench."""

from __future__ import annotations

import dspy
import pydantic


class DescribePersona(dspy.Signature):
    """Bring an invented person to life from a few facts, for a benchmark of assistants that adapt to their users.

    Word each value as it fits this person, in the given language, as a short phrase without a full stop; it may be more
    particular than the fact but must not contradict it. Invent nobody who exists.
    """

    language: str = dspy.InputField()
    facts: dict[str, list[str]] = dspy.InputField(desc="What is so at the beginning, by field.")
    values: list[str] = dspy.InputField(desc="Every value to be worded, those that come later among them.")
    biography: str = dspy.OutputField(desc="Three or four sentences about the person at the beginning.")
    wordings: dict[str, str] = dspy.OutputField(desc="For each value exactly as given its wording.")


class SceneDraft(pydantic.BaseModel):
    """A scene as an LM writes it."""

    context: str = pydantic.Field(description="two to four sentences for the assistant, with all options in them")
    options: list[str] = pydantic.Field(
        default_factory=list, description="what can be chosen, each exactly as it stands in the context; or none"
    )
    right: list[str] = pydantic.Field(default_factory=list, description="the options that suit the user")
    outdated: list[str] = pydantic.Field(
        default_factory=list, description="options that suited the user once and do not any more"
    )
    expected: str = pydantic.Field(description="what a right answer says, in one or two sentences")
    complaint: str = pydantic.Field(description="what the user says to a wrong answer, with the value in its words")


class WriteScene(dspy.Signature):
    """Write a situation in which a user turns to an assistant, and in which the right answer depends on one value.

    The context sets the scene and never says the value or what would be right. Options, where there are any, differ in
    whether they suit the value, and one stands for each outdated value. The user has not asked anything yet.
    """

    language: str = dspy.InputField()
    about: str = dspy.InputField(desc="What the situation is about, and how it is answered.")
    persona: str = dspy.InputField(desc="The user at this time.")
    depends_on: str = dspy.InputField(desc="The field and its value.")
    outdated_values: list[str] = dspy.InputField(desc="Values that no longer hold.")
    audience: str = dspy.InputField(desc="Whether only this user could be in the situation, or anybody.")
    scene: SceneDraft = dspy.OutputField()


class JudgeScene(dspy.Signature):
    """Say what would be right for this user in a situation that anybody could be in."""

    language: str = dspy.InputField()
    context: str = dspy.InputField()
    options: list[str] = dspy.InputField(desc="What can be chosen; or none.")
    persona: str = dspy.InputField(desc="The user at this time.")
    depends_on: str = dspy.InputField(desc="The field and its value.")
    outdated_values: list[str] = dspy.InputField(desc="Values that no longer hold.")
    right: list[str] = dspy.OutputField(desc="The options that suit the user, exactly as given.")
    outdated: list[str] = dspy.OutputField(desc="Options that suited the user once and do not any more.")
    expected: str = dspy.OutputField(desc="What a right answer says, in one or two sentences.")
    complaint: str = dspy.OutputField(desc="What the user says to a wrong answer, with the value in its words.")


class WriteQuery(dspy.Signature):
    """Write the message with which a user opens this conversation.

    It asks for what the situation calls for and tells nothing about the user: no name, place, job, age, taste, habit,
    mood or way of liking answers. Anybody could have written it.
    """

    language: str = dspy.InputField()
    context: str = dspy.InputField(desc="The situation, which the assistant knows too.")
    about: str = dspy.InputField(desc="What the situation is about.")
    query: str = dspy.OutputField(desc="One or two sentences.")


class SayOfThemselves(dspy.Signature):
    """Word what a user mentions about themselves in passing: one natural sentence each, with the value in its words.

    A `false` item is said as if it were true. A `retraction` takes back what was said wrongly. A `mood` will pass.
    """

    language: str = dspy.InputField()
    items: list[str] = dspy.InputField(desc="What is to be said, in order.")
    sentences: list[str] = dspy.OutputField(desc="As many sentences, in the same order.")


class Told(pydantic.BaseModel):
    """One thing that a message tells of its writer."""

    field: str = pydantic.Field(description="what is told: job, place, diet, taste, mood, way of liking answers ...")
    words: str = pydantic.Field(description="the words of the message that tell it, copied exactly")


class LookThrough(dspy.Signature):
    """Say what this message tells about the person who wrote it, beyond what is asked for.

    Only what sets this person apart from others who could ask the same. Most messages tell nothing.
    """

    message: str = dspy.InputField()
    told: list[Told] = dspy.OutputField(desc="Empty where nothing is told.")


class Neutralise(dspy.Signature):
    """Rewrite a message so that it asks for the same and no longer tells anything about its writer."""

    language: str = dspy.InputField()
    message: str = dspy.InputField()
    told: list[str] = dspy.InputField(desc="Words that told something: none of them may stay.")
    neutral: str = dspy.OutputField(desc="The rewritten message.")

"""Users and questions in the forms other libraries take: `datasets.Dataset` and `dspy.Example`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from personaopt.errors import DataError
from personaopt.evals.lamp.histories import Question, UserHistory
from personaopt.interaction import Interaction

if TYPE_CHECKING:
    import datasets
    import dspy

BESIDE = ("user_id", "question_id")
"""What an example holds beside the task's fields."""


def to_dataset(users: Iterable[UserHistory]) -> datasets.Dataset:
    """One row a question: user_id, id, time, inputs, ground_truth and profile; `load_lamp` reads it back once saved.

    Inputs and ground truth are objects by the task's fields; the profile is a list of {id, time, inputs, ground_truth,
    metadata}, of which the last two are missing where no item has any.

    Args:
        users: What `load_lamp` returned, or some of it, of one task.

    Raises:
        DataError: There is no question.
    """
    import datasets

    users = list(users)
    items = [item for user in users for item in user.interactions]
    kept = [name for name in ("ground_truth", "metadata") if any(getattr(item, name) for item in items)]
    rows = [_row(user, question, kept) for user in users for question in user.questions]
    if not rows:
        raise DataError("A data set is made of at least one user with a question; there is none.")
    return datasets.Dataset.from_list(rows)


def to_examples(users: Iterable[UserHistory]) -> list[dspy.Example]:
    """One example a question, with the task's typed fields as its inputs and its label.

    Beside them it holds `user_id` and `question_id`, which are no inputs. The history stays with the user: what may be
    known is `user.history_before(example.question_id)`.

    Args:
        users: What `load_lamp` returned, or some of it.

    Raises:
        DataError: The task has a field of one of these two names.
    """
    import dspy

    examples = []
    for user in users:
        for question in user.questions:
            fields = {**question.inputs, **question.ground_truth}
            taken = [name for name in BESIDE if name in fields]
            if taken:
                raise DataError(f"The task has a field called {', '.join(taken)}, which an example holds beside them.")
            example = dspy.Example(**fields, user_id=user.user_id, question_id=question.id)
            examples.append(example.with_inputs(*question.inputs))
    return examples


def _row(user: UserHistory, question: Question, kept: list[str]) -> dict[str, Any]:
    return {
        "user_id": user.user_id,
        "id": question.id,
        "time": question.time,
        "inputs": dict(question.inputs),
        "ground_truth": dict(question.ground_truth),
        "profile": [_item(item, kept) for item in question.profile],
    }


def _item(item: Interaction, kept: list[str]) -> dict[str, Any]:
    values = {"id": item.id, "time": item.time, "inputs": dict(item.inputs)}
    return values | {name: dict(getattr(item, name)) for name in kept}

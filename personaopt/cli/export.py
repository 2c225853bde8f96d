"""`personaopt export`: what was learnt for a user of a store, as a file."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from personaopt.cli.output import message, print_json
from personaopt.errors import DataError, StoreError

if TYPE_CHECKING:
    import dspy

    from personaopt.interaction import Interaction

COMPARED = 100
"""How many of the latest interactions must be of a task for it to be taken as theirs."""


class Format(enum.StrEnum):
    """The formats of `personaopt.program.export`."""

    PROGRAM = "program"
    PROMPT = "prompt"
    MESSAGES = "messages"
    MARKDOWN = "markdown"


def export(
    user: Annotated[str, typer.Argument(help="Whose persona; a user of the store.", show_default=False)],
    store: Annotated[Path, typer.Option(help="The store that has it.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The file to write; its folder must exist.", show_default=False)],
    format: Annotated[
        Format, typer.Option(help="`program` for personaopt; the others for use without it.")
    ] = Format.PROGRAM,
    task: Annotated[
        str | None,
        typer.Option(
            help="What the user's answers are for: a LaMP task such as LaMP-2M, or TagFilm or WriteReply of the demo. "
            "Found by the recorded fields where it is missing.",
            show_default=False,
        ),
    ] = None,
    retrieve: Annotated[int, typer.Option(min=0, help="Similar earlier interactions put into each prompt.")] = 8,
    memories: Annotated[bool, typer.Option(help="Put the user's interactions into a program.")] = True,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Write a user's current persona and memories to a file that runs in another process."""
    if not store.is_file():  # opening it would make it
        raise StoreError(f"There is no store at {store}.")
    from personaopt.agent import PersonaAgent
    from personaopt.memory import open_store
    from personaopt.program import export as write

    with open_store(store) as opened:
        known = opened.users()
        if user not in known:
            some = f"it has {', '.join(known[:3])}{' and more' if len(known) > 3 else ''}" if known else "it is empty"
            raise DataError(f"The store {store} has no user {user!r}; {some}.")
        owner = opened.user(user)
        if not owner.version:
            raise DataError(f"User {user!r} has no persona in {store} yet; align one first.")
        agent = PersonaAgent(_signature(task, owner.latest(COMPARED)), user=owner, retrieve=retrieve)
        write(agent, out, format=format.value, memories=memories)
        result = {
            "user": user,
            "version": agent.persona_version,
            "persona": agent.persona.render(),
            "task": agent.task.__name__,
            "format": format.value,
            "memories": owner.count() if memories and format is Format.PROGRAM else 0,
            "out": str(out),
        }
    _tell(result, json)


def _tell(result: dict[str, Any], json: bool) -> None:
    done = f"Wrote version {result['version']} of {result['user']}'s persona, for {result['task']}, to {result['out']}"
    done += f" with {result['memories']} interactions." if result["memories"] else "."
    following = f"Next: python -c 'import personaopt as po; print(po.load(\"{result['out']}\").persona)'"
    tell = message if json else typer.echo
    if json:
        print_json(result)
    tell(done)
    if result["format"] == "program":
        tell(following)


def _known() -> Iterator[tuple[str, type[dspy.Signature]]]:
    from personaopt.evals.tasks import TASKS, TagFilm, WriteReply

    yield from ((task.name, task.signature) for task in TASKS.values())
    yield from (("TagFilm", TagFilm), ("WriteReply", WriteReply))


def _signature(task: str | None, latest: list[Interaction]) -> type[dspy.Signature]:
    """The signature that a name means, or the known one whose fields and answers are the recorded ones."""
    known = list(_known())
    wanted = (task or "").lower().replace("_", "-")
    for name, signature in known:
        if task is None and latest and all(_fits(signature, item) for item in latest):
            return signature
        if task is not None and wanted in (name.lower(), signature.__name__.lower()):
            return signature
    names = ", ".join(name for name, _ in known)
    if task is not None:
        raise DataError(f"The task {task!r} is not known; known are {names}.")
    raise DataError(f"The user's interactions are of no task that is known here; name one of {names} with --task.")


def _fits(signature: type[dspy.Signature], interaction: Interaction) -> bool:
    from personaopt.lm.adapter import answers_of

    if set(signature.input_fields) != set(interaction.inputs):
        return False
    if set(signature.output_fields) != set(interaction.ground_truth):
        return False
    return all(
        not answers_of(field) or interaction.ground_truth[name] in answers_of(field)
        for name, field in signature.output_fields.items()
    )

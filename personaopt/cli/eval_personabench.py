"""`personaopt eval personabench`: AI PERSONA's benchmark of personas that change over many sessions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from personaopt.cli.output import message, print_json

app = typer.Typer(
    help="Personas that change over a lifetime of sessions: AI PERSONA's benchmark, generated.",
    rich_markup_mode=None,
)


@app.command("generate")
def generate(
    out: Annotated[Path, typer.Option(help="The bench's folder; an unfinished one in it is gone on with.")],
    backend: Annotated[
        str, typer.Option(help="Who writes: `offline` (word lists, no LM), or any LM as PROVIDER/MODEL.")
    ] = "offline",
    personas: Annotated[int, typer.Option(min=1, help="How many personas.")] = 200,
    sessions: Annotated[int, typer.Option(min=2, help="Sessions of each persona.")] = 20,
    seed: Annotated[int, typer.Option(help="For everything that is drawn.")] = 0,
    language: Annotated[str, typer.Option(help="The language of the sessions; `offline` writes English.")] = "English",
    wording: Annotated[
        str,
        typer.Option(
            help="In what words users of `offline` speak: `held-out` has other words for all they say, for tests of "
            "learners that know the usual ones."
        ),
    ] = "usual",
    concurrency: Annotated[int, typer.Option(min=1, help="Calls of an LM under way at once.")] = 8,
    check_leaks: Annotated[
        bool, typer.Option("--check-leaks", help="Let a classifier try to read the personas off the queries.")
    ] = False,
    api_base: Annotated[
        str | None, typer.Option(help="Address of the server of PROVIDER/MODEL, such as vLLM's or Ollama's.")
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Say how many calls an LM would get, and write nothing.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print report.json.")] = False,
) -> None:
    """Write personas with dated changes, and sessions whose right answer depends on who the persona is at the time.

    The same command again goes on with what is left, also after it was killed, and ends with the same files.
    """
    from personaopt.cli.personabench_generate import Wanted, carry_out, previewed

    if preview:
        calls = previewed(backend, personas, sessions, seed)
        if json:
            print_json(calls)
        message(f"{calls['calls']:,} calls, {calls['at_most']:,} at most.")
        return
    report = carry_out(
        Wanted(out, backend, personas, sessions, seed, language, wording, concurrency, check_leaks, api_base)
    )
    if json:
        print_json(report)
    message(
        f"{report['personas']} personas, {report['sessions']} sessions and {report['scenes']['distinct']} scenes are "
        f"in {out}; report.json says what they are like."
    )

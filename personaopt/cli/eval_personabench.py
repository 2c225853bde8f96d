"""`personaopt eval personabench`: AI PERSONA's benchmark of personas that change over many sessions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from personaopt.cli.lm import Dtype
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


@app.command("run")
def run(
    bench: Annotated[Path, typer.Option(help="What `generate --out` wrote.")],
    out: Annotated[Path, typer.Option(help="The run's folder; an unfinished run in it is gone on with.")],
    lm: Annotated[
        str,
        typer.Option(
            help="Who answers: `local`, any LM as PROVIDER/MODEL, or `scripted`, a stand-in for a capable LM that "
            "reads its prompt by rules and needs no model."
        ),
    ] = "local",
    methods: Annotated[
        str, typer.Option(help="Names with commas between them, or `all`: none,golden,rag,k1,k3,k5,personaopt.")
    ] = "all",
    editor_lm: Annotated[
        str | None, typer.Option(help="Who writes how a persona changes; the same as --lm without it.")
    ] = None,
    user_lm: Annotated[str, typer.Option(help="Who speaks for the personas: `rules`, or an LM as for --lm.")] = "rules",
    satisfaction_lm: Annotated[
        str, typer.Option(help="Who says when a reply is enough: `rules`, or an LM as for --lm.")
    ] = "rules",
    judge_lm: Annotated[
        str | None,
        typer.Option(
            help="Who judges replies and personas: `rules` or an LM; without it --lm where that is PROVIDER/MODEL, "
            "else `rules`."
        ),
    ] = None,
    personas: Annotated[int | None, typer.Option(min=1, help="The first so many; all without it.")] = None,
    sessions: Annotated[int | None, typer.Option(min=1, help="Of each persona, the first; all without it.")] = None,
    turns: Annotated[int, typer.Option(min=1, help="Turns of a session at most.")] = 3,
    retrieve: Annotated[int, typer.Option(min=1, help="K: earlier messages that `rag` shows.")] = 8,
    noise: Annotated[
        str, typer.Option(help="Of `scripted`: which part of the facts it misses, and how often it makes one up.")
    ] = "0.10,0.05",
    systematic: Annotated[
        bool, typer.Option("--systematic", help="`scripted` misses a sentence always, or never.")
    ] = False,
    dtype: Annotated[Dtype, typer.Option(help="Of the local model.")] = Dtype.float32,
    seed: Annotated[int, typer.Option(help="For everything that is drawn.")] = 0,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Sittings under way at once; 2 for the local model, 8 for served ones.")
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(min=0, help="Processes for the sittings, 0 for threads; for `scripted` one a core without it."),
    ] = None,
    limit_seconds: Annotated[
        float | None, typer.Option(min=0, help="End after this time; the same command goes on later.")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Hold sessions that ended in an error again, and those after them.")
    ] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Say how many calls and tokens each method takes, and ask nothing.")
    ] = False,
    api_base: Annotated[
        str | None, typer.Option(help="Address of the server of PROVIDER/MODEL, such as vLLM's or Ollama's.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Hold every session of the bench under every method; each is kept as soon as it is over.

    The agent learns who its user is from what the user says, session by session. The same command again goes on with
    what is left, also after it was killed, and asks no served LM for what it has answered.
    """
    from personaopt.cli.personabench_preview import previewed
    from personaopt.cli.personabench_roles import Cast
    from personaopt.cli.personabench_run import Wanted, carry_out

    misses, invents = _noise(noise)
    served = lm not in ("local", "scripted")
    cast = Cast(
        agent=lm,
        editor=editor_lm or lm,
        user=user_lm,
        satisfaction=satisfaction_lm,
        judge=judge_lm or (lm if served else "rules"),
        misses=misses,
        invents=invents,
        systematic=systematic,
        seed=seed,
        api_base=api_base,
        dtype=dtype.value,
    )
    wanted = Wanted(
        bench, out, cast, methods, personas, sessions, turns, retrieve, seed, concurrency, processes, limit_seconds,
        retry_failed,
    )  # fmt: skip
    result = previewed(wanted, json) if preview else carry_out(wanted, json)
    if json:
        print_json(result)


@app.command("report")
def report(
    folder: Annotated[Path, typer.Argument(help="What `run --out` wrote.", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print summary.json.")] = False,
) -> None:
    """Make summary, tables and plots anew, from results.jsonl alone."""
    from personaopt.cli.personabench_run import reported

    result = reported(folder, json)
    if json:
        print_json(result)


def _noise(text: str) -> tuple[float, float]:
    try:
        misses, invents = (float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter("--noise is two numbers with a comma between them, such as 0.10,0.05") from None
    return misses, invents

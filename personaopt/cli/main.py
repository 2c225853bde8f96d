"""The command line's front: which commands there are, and how they end.

A command lives in a module of its own, which imports at its top only what its options need: `personaopt --help` loads
all of them.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

import personaopt.cli.align
import personaopt.cli.data
import personaopt.cli.demo
import personaopt.cli.diff
import personaopt.cli.doctor
import personaopt.cli.eval_lamp
import personaopt.cli.eval_personabench
import personaopt.cli.export
import personaopt.cli.forget
import personaopt.cli.history
import personaopt.cli.rollback
import personaopt.cli.show
from personaopt import __version__
from personaopt.cli.output import print_json
from personaopt.errors import ConfigurationError, PersonaOptError

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    name="personaopt",
    add_completion=False,
    rich_markup_mode=None,  # plain help: the same on a terminal and in a pipe, and 0.1 s quicker
    pretty_exceptions_enable=False,  # its tracebacks would show the values of variables, such as users' texts
)
app.command("demo")(personaopt.cli.demo.demo)
app.command("align")(personaopt.cli.align.align)
app.command("export")(personaopt.cli.export.export)
app.command("show")(personaopt.cli.show.show)
app.command("history")(personaopt.cli.history.history)
app.command("diff")(personaopt.cli.diff.diff)
app.command("rollback")(personaopt.cli.rollback.rollback)
app.command("forget")(personaopt.cli.forget.forget)
app.add_typer(personaopt.cli.data.app, name="data")
experiments = typer.Typer(help="Experiments on many users.", rich_markup_mode=None)
experiments.add_typer(personaopt.cli.eval_lamp.app, name="lamp")
experiments.add_typer(personaopt.cli.eval_personabench.app, name="personabench")
app.add_typer(experiments, name="eval")
app.command("doctor")(personaopt.cli.doctor.doctor)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"personaopt {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def front(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Train a persona for every user of an LLM application, on that user's own interactions."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run() -> None:
    """Run the command line: 0 done, 1 failed, 2 wrong usage, 130 interrupted; what went wrong is one line on stderr."""
    sys.exit(_run())


def _run() -> int:
    try:
        code = app(standalone_mode=False)
    except PersonaOptError as error:
        return _explain(str(error), WRONG_USAGE if isinstance(error, ConfigurationError) else FAILED)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "personaopt"
        return _explain(f"{error.format_message().rstrip('.')}. See `{command} --help`.", error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    if code == INTERRUPTED:
        return _explain("Interrupted.", INTERRUPTED)
    return code if isinstance(code, int) else 0


def _explain(sentence: str, code: int) -> int:
    typer.echo(sentence, err=True)
    if "--json" in sys.argv:
        print_json({"error": sentence})
    return code


if __name__ == "__main__":
    run()

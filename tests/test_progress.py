"""The progress of an alignment: a bar on a terminal, a changing line in a notebook, plain lines in a pipe."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import dspy
import pytest
from hashed_words import HashedWords
from scripted_lm import Rules, scripted_lm

import personaopt as po
from personaopt.cli.output import AlignmentOnStderr
from personaopt.lm.metering import Usage
from personaopt.optimizers import events
from personaopt.optimizers.progress import Lines, Progress, screen_for
from personaopt.optimizers.results import Alignment, Candidate

SAID = "something that the user said"
PERSONA = po.Persona.from_text("Quotes: " + SAID)


def story(run="r1", user="u42"):
    """The events of an alignment that keeps one change and refuses another."""
    edits = (po.Edit("add", PERSONA.statements[0]),)
    usage = Usage(calls=9, input_tokens=90, output_tokens=9, seconds=1.0)
    record = Alignment(po.Persona(), PERSONA, (0.8, 0.5), (), "all 1 epochs are over", usage)
    who = (run, user)
    return [
        events.RunStarted(*who, ("i1", "i2"), ("i3",), 1),
        events.LevelStarted(*who, 0, "simulate", 3),
        *(events.CallEnded(*who, "simulate", done, 3) for done in (1, 2, 3)),
        events.LevelEnded(*who, 0, "simulate", usage),
        events.EpochStarted(*who, 1, 0.8),
        events.LevelStarted(*who, 1, "trial", 6),
        events.CallEnded(*who, "trial", 1, 6),
        events.LevelEnded(*who, 1, "trial", usage),
        events.CandidateProposed(*who, 1, edits),
        events.CandidateJudged(*who, 1, Candidate(edits, True, "better", 0.5, 0.3)),
        events.CandidateJudged(*who, 1, Candidate(edits, False, "worse", 0.9, -0.1)),
        events.EpochEnded(*who, 1, 0.5, PERSONA),
        events.VersionStored(*who, 2, 1, PERSONA),
        events.RunEnded(*who, record),
    ]


def test_plain_lines_where_it_is_piped(capsys):
    progress = Progress()
    for event in story():
        progress(event)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "u42: learning from 2 interactions, judging by 1 more",
        "u42: epoch 1 of at most 1, mean loss 0.800",
        "u42: a change was kept, mean loss lower by 0.300",
        "u42: a change was refused, mean loss higher by 0.100",
        "u42: epoch 1 is over, mean loss 0.500",
        "u42: stored as version 2",
        "u42: done; mean loss 0.800 -> 0.500; 9 LM calls, 99 tokens, 1.0 s",
    ]
    assert SAID not in printed.err


def test_a_failure_is_told_by_its_kind(capsys):
    progress = Progress()
    for event in (story()[0], events.RunFailed("r1", "u42", "ModelError")):
        progress(event)
    assert capsys.readouterr().err.splitlines()[-1] == "u42: failed with ModelError"


def test_it_never_raises():
    class Broken(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    for file in (Broken(), closed()):
        progress = Progress(Lines(file))
        for event in story():
            progress(event)
    Progress(Lines(io.StringIO()))(events.CallEnded("unknown", "u", "trial", 1, 2))


def closed() -> io.StringIO:
    file = io.StringIO()
    file.close()
    return file


def test_several_runs_at_once():
    file = io.StringIO()
    progress = Progress(Lines(file))

    def tell(name):
        for event in story(f"run-{name}", name):
            progress(event)

    threads = [threading.Thread(target=tell, args=(f"user{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = file.getvalue().splitlines()
    assert len(lines) == 8 * 7
    for number in range(8):
        own = [line for line in lines if line.startswith(f"user{number}:")]
        assert "learning from" in own[0]
        assert "done" in own[-1]


IN_A_TERMINAL = """
import sys
sys.path.insert(0, {tests!r})
from test_progress import story
from personaopt.optimizers import events
from personaopt.optimizers.progress import Progress
progress = Progress()
for event in story():
    progress(event)
first, level, *_ = story("r2", "u43")
progress(first), progress(level), progress(events.RunFailed("r2", "u43", "LMError"))
"""


def test_a_bar_on_a_terminal_that_is_given_back():
    ours, theirs = pty.openpty()
    code = IN_A_TERMINAL.format(tests=str(Path(__file__).parent))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"}
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=theirs, env=environment)
    os.close(theirs)
    shown = drained(ours)
    assert done.returncode == 0
    assert done.stdout == b""
    assert "u42: answering" in shown
    assert "epoch 1 of 1, trying the changes" in shown
    assert "6" in shown
    assert "u42: done; mean loss 0.800 -> 0.500" in shown
    assert "u43: failed with LMError" in shown
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") > 0  # the cursor is hidden, and shown again
    assert SAID not in shown


def drained(terminal: int) -> str:
    parts = []
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the other end is closed and everything has been read
            part = b""
        if not part:
            os.close(terminal)
            return b"".join(parts).decode()
        parts.append(part)


def test_in_a_notebook():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    code = IN_A_TERMINAL.format(tests=str(Path(__file__).parent))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    outputs = notebook.cells[0].outputs
    lines = "".join(output.text for output in outputs if output.output_type == "stream")
    assert "u42: epoch 1 of at most 1" in lines
    assert "u43: failed with LMError" in lines
    shown = [output for output in outputs if output.output_type == "display_data"]
    assert [output.data["text/plain"] for output in shown] == ["", ""]  # one line a run, empty when it is over
    assert not [output for output in outputs if output.output_type == "error"]


def test_what_is_no_terminal_gets_lines():
    assert isinstance(screen_for(io.StringIO()), Lines)


@pytest.fixture
def agent():
    with po.open_store(":memory:", embedder=HashedWords()) as store:
        user = store.user("u42")
        rules = Rules(sign_off="Best, Kim")
        for number, place in enumerate(("the lake", "the station", "the mill", "work", "home", "the sea")):
            message = f"Can we meet at {place}?"
            truth = {"reply": rules.reply(message)}
            user.record(po.Interaction({"message": message}, ground_truth=truth, time=number, id=f"i{number}"))
        yield po.PersonaAgent("message -> reply", user=user, retrieve=0)


def test_an_alignment_prints_nothing_unless_it_is_asked(agent, capfd):
    with dspy.context(lm=scripted_lm(), adapter=None):
        po.PersonaAligner(latest=3, held_out=2, epochs=1).compile(agent)
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")


def test_a_real_alignment(agent, capfd):
    with dspy.context(lm=scripted_lm(), adapter=None):
        aligned = po.PersonaAligner(latest=3, held_out=2, epochs=2, callbacks=[po.Progress()]).compile(agent)
    assert aligned.persona_version == 1
    printed = capfd.readouterr()
    assert printed.out == ""
    first, *between, last = printed.err.splitlines()
    assert first == "u42: learning from 3 interactions, judging by 2 more"
    assert any(line.startswith("u42: a change was kept, mean loss lower by") for line in between)
    assert "u42: stored as version 1" in printed.err
    losses = " -> ".join(f"{loss:.3f}" for loss in aligned.detailed_results.losses)
    assert last.startswith(f"u42: done; mean loss {losses}; {aligned.detailed_results.usage.calls} LM calls")
    assert "Kim" not in printed.err


def test_on_the_command_line_it_stands_beside_the_stages(capsys, monkeypatch):
    stages = []
    progress = Progress(AlignmentOnStderr(stages.append))
    for event in story():
        progress(event)
    assert stages == []
    assert "u42: stored as version 2" in capsys.readouterr().err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    progress = Progress(AlignmentOnStderr(stages.append))
    for event in story():
        progress(event)
    assert capsys.readouterr().err == ""
    assert stages[:3] == [f"u42: answering ({done} of 3)" for done in (0, 1, 2)]

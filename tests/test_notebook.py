"""The notebooks run from the first cell to the last."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
WITH_OUTPUTS = {"03_optimizer_anatomy.ipynb"}
"""Their outputs are the same on every machine, and a test compares them."""


def executed(name, folder):
    """A notebook with the outputs of now; raises at the first cell that fails."""
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def printed(cell):
    return "".join(o["text"] for o in cell.get("outputs", ()) if o.output_type == "stream" and o.name == "stdout")


def test_notebooks_are_kept_without_outputs() -> None:
    found = sorted(NOTEBOOKS.glob("*.ipynb"))
    assert {path.name for path in found} > WITH_OUTPUTS
    for path in found:
        for cell in nbformat.read(path, as_version=4).cells:
            if path.name not in WITH_OUTPUTS:
                assert not cell.get("outputs"), path
                assert cell.get("execution_count") is None, path
            assert all(output.get("name") != "stderr" for output in cell.get("outputs", ())), path


@pytest.mark.local_model
def test_the_quickstart_runs(tmp_path: Path) -> None:
    notebook = executed("01_quickstart.ipynb", tmp_path)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert any("LM calls" in output.get("data", {}).get("text/html", "") for output in outputs)
    assert "aligned persona: " in "".join(map(printed, notebook.cells))
    assert outputs[-1]["data"]["text/plain"] == "True"


@pytest.mark.local_model
def test_the_small_experiment_runs_and_draws(tmp_path: Path) -> None:
    notebook = executed("02_lamp.ipynb", tmp_path)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert "16 questions, 0 errors" in "".join(map(printed, notebook.cells))
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 7  # methods, reliability, K, cold start; likeness, map and growth of personas
    html = "".join(output["data"].get("text/html", "") for output in outputs if "data" in output)
    assert all(part in html for part in ("personaopt less each method", "saturates", "cold start", "<iframe"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.local_model
def test_the_anatomy_shows_what_it_is_kept_with(tmp_path: Path) -> None:
    notebook = executed("03_optimizer_anatomy.ipynb", tmp_path)
    kept = nbformat.read(NOTEBOOKS / "03_optimizer_anatomy.ipynb", as_version=4)
    code = [(now, then) for now, then in zip(notebook.cells, kept.cells, strict=True) if now.cell_type == "code"]
    for now, then in code:
        assert printed(then), then.source
        if "measured" not in now.metadata.get("tags", ()):  # likelihoods may differ in the last digit
            assert printed(now) == printed(then), now.source
    text = "".join(printed(now) for now, _ in code)
    for part in ("textgrad.variable", "Verdict(accepted=True", "Verdict(accepted=False", "4n + 1", "skipped:"):
        assert part in text
    assert list(tmp_path.iterdir()) == []  # no logs


@pytest.mark.local_model
def test_a_user_who_changes(tmp_path: Path) -> None:
    notebook = executed("04_lifelong_personas.ipynb", tmp_path)
    text = " ".join("".join(map(printed, notebook.cells)).split())
    for part in (
        "speak of a change replace Lives in: Vienna (until 2026-02-09) The user says so in message s4-1.",
        "Budget in euros: 900 The user took it back in message s6-1.",
        "life.home was left as it is: the words that were quoted for it speak of somebody else",
        "lives in Atlantis lives in Vienna again",
        "after session 11: sessions have become worse",
    ):
        assert part in text
    pages = [output["data"].get("text/html", "") for cell in notebook.cells for output in cell.get("outputs", ())
             if "data" in output]  # fmt: skip
    drawn = [page for page in pages if "data:image/png;base64," in page]
    assert ["<s>Atlantis</s>" in page for page in drawn] == [False, True]
    assert all("<s>900</s>" in page for page in drawn)
    assert list(tmp_path.iterdir()) == []

"""The notebooks run from the first cell to the last."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


def test_notebooks_are_kept_without_outputs() -> None:
    found = sorted(NOTEBOOKS.glob("*.ipynb"))
    assert found
    for path in found:
        for cell in nbformat.read(path, as_version=4).cells:
            assert not cell.get("outputs"), path
            assert cell.get("execution_count") is None, path


@pytest.mark.local_model
def test_the_quickstart_runs(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOKS / "01_quickstart.ipynb", as_version=4)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()  # raises at the first cell that fails
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert any("LM calls" in output.get("data", {}).get("text/html", "") for output in outputs)
    printed = "".join(
        output["text"] for output in outputs if output.output_type == "stream" and output.name == "stdout"
    )
    assert "aligned persona: " in printed
    assert outputs[-1]["data"]["text/plain"] == "True"

"""The notebook of the docs runs from its first cell to its last, and shows what it says it shows."""

import os
from pathlib import Path

import pytest

from tests.helpers.clone import copy_clone

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "docs" / "first-hour.ipynb"
nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")


def cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_it_is_kept_without_results():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert all(not cell.outputs and cell.execution_count is None for cell in cells(notebook))


@pytest.mark.slow
def test_each_cell_runs_and_shows_something(tmp_path, monkeypatch):
    copy_clone(tmp_path)
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    # the kernel reads its settings where the user has them
    for name, value in {"PYTHONPATH": path, "IPYTHONDIR": str(tmp_path / "ipython")}.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    # files are made beside it, and the connection of the kernel is a file as well
    ran = nbclient.NotebookClient(
        notebook, timeout=900, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    shown = [output["data"] for cell in cells(ran) for output in cell.outputs if "data" in output]
    assert len(shown) == len(cells(ran))
    html = [data.get("text/html", "") for data in shown]
    _, first, run, posterior, _, then = html
    assert "5 texts to label next" in first and "5 texts to label next" in then
    assert "<svg" in run and "round-001" in run
    assert "most probable analysis" in posterior and "<table>" in posterior
    assert "metoprolol" in shown[4]["text/plain"]

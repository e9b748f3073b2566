"""The site of the docs is built without a warning, from the command that the docs give, and every page is at its side."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMMAND = "sphinx-build -W -c docs . site"


def test_its_command_is_said_where_one_looks():
    for page in ("docs/commands.md", "docs/CONTRIBUTING.md", "docs/conf.py"):
        assert COMMAND in (ROOT / page).read_text("utf8"), page


@pytest.mark.slow
def test_it_is_built_without_a_warning(tmp_path):
    pytest.importorskip("furo")
    pytest.importorskip("myst_parser")
    words = [str(tmp_path) if word == "site" else word for word in shlex.split(COMMAND)[1:]]
    # as one file in many processes would be read while another test writes it
    command = [sys.executable, "-m", "sphinx", "-q", "-d", str(tmp_path / "read"), *words]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == 0, done.stderr
    first = (tmp_path / "index.html").read_text("utf8")
    side = set(re.findall(r'href="([^"#]+)\.html"', first.partition("sidebar-tree")[2]))
    pages = {
        path.relative_to(ROOT).with_suffix("").as_posix() for path in ROOT.glob("docs/**/*.md")
    }
    assert pages <= side, pages - side
    for caption in ("To begin", "To do something", "To look something up", "To judge it"):
        assert caption in first

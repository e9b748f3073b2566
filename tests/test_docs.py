"""What is written beside the code: links lead somewhere, words are spelt, and files that other programs read are in order."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
import srsly

import spacy_al

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *(p for d in ("docs", "configs", "corpus") for p in sorted((ROOT / d).rglob("*.md"))),
]
LINK = r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)"


def outside_code(text):
    return re.sub(r"^```.*?^```$|`[^`\n]+`", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(path):
    """The names by which headings can be linked, as code hosts make them."""
    text = re.sub(r"^```.*?^```$", "", path.read_text("utf8"), flags=re.DOTALL | re.MULTILINE)
    found = set()
    for title in re.findall(r"^#+ +(.+?) *$", text, flags=re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", re.sub(LINK, "", title).lower()).replace(" ", "-")
        number = 0
        while (unique := f"{name}-{number}" if number else name) in found:
            number += 1
        found.add(unique)
    return found


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path):
    for target in re.findall(LINK, outside_code(path.read_text("utf8"))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = path.parent / name if name else path
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


def test_what_links_are_checked_for(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A `b`, c!\n## A b c\n```\n# no\n[x](nowhere)\n```\n[`y`](other.md#z) `[q](r)`\n"
    )
    assert anchors(page) == {"a-b-c", "a-b-c-1"}
    found = re.findall(LINK, outside_code(page.read_text()))
    assert found == ["other.md#z"]


@pytest.mark.slow
def test_words_are_spelt():
    pytest.importorskip("codespell_lib")
    done = subprocess.run(
        [sys.executable, "-m", "codespell_lib"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_checks_of_a_host_are_those_of_the_docs():
    jobs = srsly.read_yaml(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]
    ran = {
        name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()
    }
    assert ran["whole"] == [".ci/run"]
    contributing = (ROOT / "docs" / "CONTRIBUTING.md").read_text("utf8")
    quick = re.search(r"<!-- quick -->\n```bash\n(.*?)\n```", contributing, flags=re.DOTALL)[1]
    assert ran["quick"][-1] == quick
    assert {"ruff check .", "ruff format --check .", "mypy"} <= set(ran["quick"])


def test_what_is_checked_before_a_commit():
    repos = srsly.read_yaml(ROOT / ".pre-commit-config.yaml")["repos"]
    hooks = [hook["id"] for repo in repos for hook in repo["hooks"]]
    assert hooks == ["ruff-check", "ruff-format", "codespell", "mypy"]
    assert all("rev" in repo for repo in repos if repo["repo"] != "local")


def test_how_to_cite():
    cited = srsly.read_yaml(ROOT / "docs" / "CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    assert cited["version"] == spacy_al.__version__
    assert all("name" in author or "family-names" in author for author in cited["authors"])


def test_what_has_moved_is_there():
    text = (ROOT / "docs" / "CHANGELOG.md").read_text("utf8")
    moves = re.search(r"<!-- moves -->\n(.*?)<!-- /moves -->", text, flags=re.DOTALL)[1]
    for row in moves.splitlines()[2:]:
        first, *others = re.findall(r"`([\w.]+)`", row.split("|")[2])
        try:
            place, names = importlib.import_module(first), others
        except ModuleNotFoundError:
            module, _, name = first.rpartition(".")
            place, names = importlib.import_module(module), [name, *others]
        assert [name for name in names if not hasattr(place, name)] == [], row
    assert f"## {spacy_al.__version__}" in text and "## Unreleased" in text

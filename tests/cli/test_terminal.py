"""What commands say: through one door, without what a terminal would obey, and to nobody if nobody is there."""

import ast
import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
from typer.testing import CliRunner

import spacy_al.cli
from spacy_al.cli.app import app

FILES = sorted(Path(spacy_al.cli.__file__).parent.glob("*.py"))
CORPUS = Path(__file__).parents[2] / "corpus"
# Ends a program, clears the screen, renames the window
HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202e"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_commands_say_all_through_one_door(path):
    """Standard output is for results: JSON has its own escapes."""
    if path.stem == "app":
        return
    for node in ast.walk(ast.parse(path.read_text("utf8"))):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        assert name not in ("print", "sys.stderr.write", "typer.secho"), node.lineno
        if name == "typer.echo":
            assert ast.unparse(node.args[0]).startswith("json.dumps("), node.lineno


@pytest.mark.parametrize("where", ["header", "id", "file name"])
def test_names_from_files_do_not_reach_the_terminal_as_they_are(tmp_path, where):
    name = f"a{HOSTILE}.csv" if where == "file name" else "a.csv"
    with (tmp_path / name).open("w", newline="", encoding="utf8") as file:
        rows = csv.writer(file)
        rows.writerow([f"text{HOSTILE}" if where == "header" else "text", "id"])
        rows.writerow(["One sentence."])
        rows.writerow(["Two.", HOSTILE if where == "id" else "2", "too much"])
    found = CliRunner().invoke(app, ["ingest", str(tmp_path / name), str(tmp_path / "pool")])
    assert found.output.strip()
    assert not set(found.output) & {"\x1b", "\x07", "\u202e"}, found.output


@pytest.mark.skipif(os.name == "nt", reason="pipes that are closed at one end")
def test_work_goes_on_where_nobody_reads(tmp_path):
    code = (
        "import sys; from pathlib import Path; from spacy_al.cli.app import explained, say\n"
        "@explained\n"
        "def work():\n"
        "    for number in range(3):\n"
        "        say('x' * 100_000)\n"
        "    Path(sys.argv[1]).write_text('done')\n"
        "work()"
    )
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "done")], stderr=writer)
    os.close(writer)
    assert done.returncode == 0 and (tmp_path / "done").read_text() == "done"


LONG = "x" * 300


@pytest.mark.parametrize(
    "words",
    [
        ["ingest", str(CORPUS / "clinical.txt"), LONG],
        ["select", str(CORPUS / "pool.spacy"), "--cold", "-n", "1", "-o", LONG],
        ["status", LONG],
        ["run", LONG],
        ["encode", str(CORPUS / "pool.spacy"), "-e", LONG, "-o", "cache"],
        ["select", str(CORPUS / "pool.spacy"), "-m", LONG],
    ],
    ids=lambda words: words[0],
)
def test_names_that_no_file_can_have_are_errors(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(app, words)
    assert found.exit_code in (1, 2) and "[AL" in found.output, found.output
    assert isinstance(found.exception, SystemExit), found.exception


def test_a_long_path_is_cut(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(app, ["status", LONG])
    assert "[AL063]" in found.output and len(found.output) < 200


def test_a_gpu_that_is_not_there_is_an_error(tmp_path):
    spacy.blank("en").to_disk(tmp_path / "model")
    words = ["select", str(CORPUS / "pool.spacy"), "-m", str(tmp_path / "model"), "--gpu-id", "99"]
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 2 and "[AL087] --gpu-id is 99" in found.output

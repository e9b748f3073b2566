"""Each command of the tutorials is run, in their order, on the corpus that ships, by trainings that are cut short."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TUTORIALS = {path.stem: path for path in (ROOT / "docs" / "tutorials").glob("*.md")}
# Of a config, so that it takes seconds
SHORT = {"max_steps": 10, "eval_frequency": 10, "batch_size": 5, "max_rounds": 1, "dev_size": 5}


def commands(name):
    blocks = re.findall(
        r"^```bash\n(.*?)^```", TUTORIALS[name].read_text("utf8"), flags=re.DOTALL | re.MULTILINE
    )
    return [line for block in blocks for line in block.splitlines()]


def shorten(path):
    text = path.read_text("utf8")
    head, al, section = text.partition("\n[al]\n")
    for name, value in SHORT.items():
        # what [training] calls batch_size is a schedule, and [nlp] has one as well
        if name in ("max_steps", "eval_frequency"):
            head = re.sub(rf"(?m)^{name} ?= ?\d+$", f"{name} = {value}", head)
        section = re.sub(rf"(?m)^{name} ?= ?\d+$", f"{name} = {value}", section)
    if al and "dev_size" not in section:
        section = f"dev_size = 5\n{section}"
    path.write_text(head + al + section, "utf8")


@pytest.fixture
def run(tmp_path, monkeypatch):
    for name in ("configs", "corpus"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    shorten(Path("configs/ner.cfg"))

    def run_one(line, *more):
        python, *words = shlex.split(line)
        assert python == "python"
        done = subprocess.run(
            [sys.executable, *words, *more], capture_output=True, text=True, timeout=600
        )
        assert done.returncode in (0, 3), f"{line}\n{done.stdout}{done.stderr}"
        for config in Path().glob("*.cfg"):
            shorten(config)
        return done

    return run_one


def test_there_is_one_for_each_way_in():
    assert set(TUTORIALS) == {"nothing-labelled", "a-pipeline-i-have", "convince-my-boss"}


@pytest.mark.slow
def test_nothing_labelled(run):
    sentences = re.sub(r"\n+", "\n", Path("corpus/README.md").read_text("utf8")).splitlines()
    Path("notes").mkdir()
    Path("notes/a.txt").write_text("\n\n".join(sentences[:60]), "utf8")
    shutil.rmtree("corpus")
    codes = []
    for line in commands("nothing-labelled"):
        if " import " in line:
            tasks = Path("training/my/round-000/tasks.jsonl").read_text("utf8").splitlines()
            answers = [json.loads(task) for task in tasks]
            for answer in answers:
                token = answer["tokens"][0]
                span = {"start": token["start"], "end": token["end"], "label": "DRUG"}
                answer |= {
                    "answer": "accept",
                    "spans": [{**span, "token_start": 0, "token_end": 0}],
                }
            lines = [json.dumps(answer) + "\n" for answer in answers]
            Path("answers.jsonl").write_text("".join(lines), "utf8")
        codes.append(run(line).returncode)
    # it waits for a person where it asks first, and again once it has learned
    assert codes == [0, 0, 3, 0, *codes[4:5], 0, 0] and codes[4] in (0, 3)
    assert list(Path("training/my").glob("round-*/model-best"))
    assert Path("training/my/report.html").is_file()


@pytest.mark.slow
def test_a_pipeline_i_have(run):
    # the command that writes the config goes on with it
    few = ["--training.max_steps", "10", "--training.eval_frequency", "10"]
    done = [run(line, *(few if " run " in line else [])) for line in commands("a-pipeline-i-have")]
    assert [one.returncode for one in done] == [0, 0, 0, 0]
    assert Path("batch.jsonl").read_text("utf8").count("\n") == 10
    assert "Began as" in done[-1].stderr and "Make a package of it" in done[-1].stderr


@pytest.mark.slow
def test_convince_my_boss(run):
    pytest.importorskip("matplotlib")
    for line in commands("convince-my-boss"):
        run(line, *(["--seeds", "1"] if " simulate " in line else []))
    assert Path("training/boss/report.html").is_file()
    assert "random choice" in Path("training/pilot/report.html").read_text("utf8")

"""The cost of a round: each part is told from the others, whole processes are counted, and runs are compared."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from spacy.tokens import DocBin
from spacy.vocab import Vocab

import spacy_al
from spacy_al.bench import parts
from spacy_al.bench.parts import REST, part_of
from spacy_al.bench.round_cost import WHOLE, cut_corpus, format_round_cost, outcome, round_cost

ROOT = Path(spacy_al.__file__).parent.parent


def test_parts_are_told_by_the_innermost_function_under_way():
    found = []

    def named(file, function, body):
        scope = {}
        exec(compile(f"def {function}(then):\n    return {body}", file, "exec"), scope)
        return scope[function]

    def look():
        found.append(part_of(sys._getframe()))

    evaluate = named("/x/spacy/training/loop.py", "evaluate", "then()")
    steps = named("/x/spacy/training/loop.py", "train_while_improving", "then()")
    imports = named("<frozen importlib._bootstrap>", "_find_and_load", "then()")
    other = named("/x/elsewhere/loop.py", "evaluate", "then()")
    for run in (
        lambda: steps(look),
        lambda: steps(lambda: evaluate(look)),
        lambda: steps(lambda: evaluate(lambda: imports(look))),
        lambda: other(look),
    ):
        run()
    assert found == [
        "training: updates",
        "training: looks at dev",
        "imports",
        REST,
    ]
    assert part_of(None) == REST


@pytest.mark.skipif(sys.platform == "win32", reason="needs a timer of the processor's time")
def test_a_process_counts_what_it_took(tmp_path):
    """What the parts sum up to is what the process itself says that it took."""
    (tmp_path / "sitecustomize.py").write_text(Path(parts.__file__).read_text("utf8"), "utf8")
    busy = (
        "import time\nwhile time.process_time() < 0.4: sum(range(1000))\nprint(time.process_time())"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), parts.FOLDER: str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", busy], env=environment, capture_output=True, text=True, check=True
    )
    (file,) = tmp_path.glob("*.json")
    spent = json.loads(file.read_text("utf8"))["seconds"]
    assert sum(spent.values()) == pytest.approx(float(done.stdout), abs=0.1)
    assert spent[REST] > 0.2


def test_texts_are_cut_from_a_corpus(tmp_path):
    corpus, folder = tmp_path / "corpus", tmp_path / "cut"
    corpus.mkdir()
    folder.mkdir()
    (corpus / "train.spacy").write_bytes((ROOT / "corpus" / "pool_gold.spacy").read_bytes())
    (corpus / "dev.spacy").write_bytes((ROOT / "corpus" / "dev.spacy").read_bytes())
    cut_corpus(corpus, folder, labelled=20, dev=10, pool=30, seed=0)
    docs = {
        name: list(DocBin().from_disk(folder / f"{name}.spacy").get_docs(Vocab()))
        for name in ("train", "dev", "pool", "gold")
    }
    assert {name: len(found) for name, found in docs.items()} == {
        "train": 20,
        "dev": 10,
        "pool": 30,
        "gold": 30,
    }
    assert [doc.text for doc in docs["pool"]] == [doc.text for doc in docs["gold"]]
    assert any(doc.ents for doc in docs["gold"]) and not any(doc.ents for doc in docs["pool"])
    assert not {doc.text for doc in docs["train"]} & {doc.text for doc in docs["pool"]}


def test_times_are_no_part_of_what_came_of_a_run(tmp_path):
    for name, seconds, score in (("a", 1.0, 0.5), ("b", 2.0, 0.5), ("c", 1.0, 0.6)):
        folder = tmp_path / name / "round-000"
        folder.mkdir(parents=True)
        metrics = {"seconds_train": seconds, "dev": {"score": score + 1e-15}}
        (folder / "metrics.json").write_text(json.dumps(metrics), "utf8")
        (folder / "tasks.jsonl").write_text('{"text": "One."}\n', "utf8")
    found = [outcome(tmp_path / name) for name in "abc"]
    assert found[0] == found[1] != found[2]
    assert found[0]["round-000/tasks.jsonl"] == ["One."]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a timer of the processor's time")
@pytest.mark.parametrize("simulated", [False, True])
def test_a_round_is_measured_part_by_part(tmp_path, simulated):
    (tmp_path / "train.spacy").write_bytes((ROOT / "corpus" / "pool_gold.spacy").read_bytes())
    (tmp_path / "dev.spacy").write_bytes((ROOT / "corpus" / "dev.spacy").read_bytes())
    # the command under test names the paths of the run, so what is short for it stands in the config
    config = tmp_path / "ner.cfg"
    text = (ROOT / "configs" / "ner.cfg").read_text("utf8")
    config.write_text(text.replace("max_steps = 2000", "max_steps = 20"), "utf8")
    sizes = {"labelled": 20, "dev": 10, "pool": 160}
    trees, settings = {"one": ROOT, "two": ROOT}, {}
    if simulated:
        # settings in place of trees: what they come to may differ
        settings = {"top": ["--training.dropout", "0.1"], "dropped": ["--training.dropout", "0.5"]}
    found = round_cost(
        config, tmp_path, trees, settings=settings, pairs=1, simulated=simulated, **sizes
    )
    assert found["alike"] and [*found["trees"]] == [*(settings or trees)]
    for (run,) in found["trees"].values():
        wanted = {"imports", "training: updates", "selection"}
        wanted |= set() if simulated else {"calibration"}
        assert {part for part in wanted if run["seconds"].get(part, 0) > 0} == wanted
        assert sum(run["seconds"].values()) == pytest.approx(run["whole"])
    shown = format_round_cost(json.loads(json.dumps(found)))
    assert "training: updates" in shown and WHOLE in shown and "came to the same: yes" in shown

"""What a person reads when the input is bad: one message with a code and what to do, never a traceback."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy
import pytest
import spacy
from spacy.tokens import Doc
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.corpus import pool as pool_module
from spacy_al.corpus import shard as shard_module
from tests.helpers.ner_oracle import make_ner
from tests.helpers.shards import write_shards
from tests.query.test_select import CONFIG, TEXTS, save_light, write

run = CliRunner()

USER_CODE = """
import numpy
from spacy_al.registry import al_acquisitions, al_samplers

FOUND = {
    "shape": lambda p: numpy.ones((len(p), 2)),
    "short": lambda p: numpy.ones(len(p) - 1),
    "nan": lambda p: numpy.full(len(p), numpy.nan),
    "negative": lambda p: -numpy.ones(len(p)),
    "nothing": lambda p: None,
    "words": lambda p: ["high"] * len(p),
    "crash": lambda p: {}["missing"],
}
for name, function in FOUND.items():
    al_acquisitions(f"test_{name}.v1", func=lambda function=function: function)

@al_samplers("test_twice.v1")
def make():
    return lambda scores, n, rng, *, embeddings=None, groups=None: (numpy.zeros(n, int), numpy.ones(n))

@al_samplers("test_broken.v1")
def make_broken():
    return lambda scores, n, rng, *, embeddings=None, groups=None: 1 / 0
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with all kinds of things, good and bad."""
    path = tmp_path_factory.mktemp("place")
    write(TEXTS[:40], path / "pool", 10)
    nlp = make_ner(updates=1)
    save_light(nlp, path / "ner")
    nlp.get_pipe("ner").model.get_ref("upper").get_param("W")[:] = numpy.nan
    save_light(nlp, path / "damaged")
    spacy.blank("xx").to_disk(path / "blank")
    two = spacy.blank("xx")
    two.add_pipe("ner").add_label("A")
    two.add_pipe("textcat_multilabel", name="textcat").add_label("A")
    two.initialize()
    two.to_disk(path / "two")
    bare = spacy.blank("xx")
    bare.add_pipe("textcat")
    bare.to_disk(path / "untrained")
    (path / "torn_model").mkdir()
    (path / "torn_model" / "meta.json").write_text("{}")
    good = (path / "pool" / "00000.spacy").read_bytes()
    for name, shards in {
        "half": [good, good[: len(good) // 2]],
        "torn": [b"", good[:30]],
        "none": [],
    }.items():
        (path / name).mkdir()
        for number, data in enumerate(shards):
            (path / name / f"{number}.spacy").write_bytes(data)
    vocab = spacy.blank("xx").vocab
    write_shards([Doc(vocab), Doc(vocab, words=[" ", "\n"])], path / "white")
    (path / "empty").mkdir()
    shard_module.write_shard([], path / "empty" / "0.spacy")
    (path / "file.txt").write_text("text")
    (path / "code.py").write_text(USER_CODE)
    (path / "bad_code.py").write_text("import nowhere_to_be_found")
    (path / "ok.cfg").write_text(
        CONFIG.replace('"train.spacy"', "null").replace('"nowhere"', '"pool"')
    )
    (path / "no_al.cfg").write_text("[paths]\ntrain = null\n")
    (path / "broken.cfg").write_text("[al\nx = ")
    (path / "half.jsonl").write_text(json.dumps({"text": TEXTS[0]}) + '\n{"text": "ha')
    return path


# arguments, exit status, what the message says
CASES = {
    # the pool
    "no pool": ("", 2, "AL090"),
    "missing pool": ("nowhere", 1, r"AL040.*no file or folder 'nowhere'"),
    "no shards": ("none", 1, r"AL041.*it is empty.*ingest"),
    "another file": ("file.txt", 1, r"AL042.*ingest"),
    "empty pool": ("empty", 1, r"AL045.*holds no texts"),
    "white space": ("white", 1, r"AL045.*1 empty, 1 white space only"),
    "torn shards": ("torn", 1, r"AL043.*0 bytes"),
    "one torn shard": ("half", 0, r"ALW041.*1 of 2 shards.*AL044.*torn"),
    "two pools": ("pool half", 2, "One pool at a time"),
    "all labelled": ("pool --labeled pool", 1, r"AL086.*40 already labelled"),
    "half a line": ("pool --labeled half.jsonl", 0, r"ALW042.*1 lines.*(.|\n)*1 already labelled"),
    "no corpus": ("pool --labeled file.txt", 1, "AL060"),
    "no labelled file": ("pool --labeled nowhere", 1, "AL040"),
    # the model
    "no pipeline": ("pool -m nowhere", 1, r"AL085.*nowhere"),
    "no pipeline either": ("pool -m pool", 1, "AL085"),
    "a torn pipeline": ("pool -m torn_model", 1, "AL085"),
    "nothing to read": ("pool -m blank", 1, r"AL003.*none"),
    "two to read": ("pool -m two", 1, r"AL003.*ner, textcat.*--component"),
    "unknown component": ("pool -m ner --component tagger", 1, r"AL001.*'tagger'.*It has: ner"),
    "no labels": ("pool -m untrained", 1, r"AL007"),
    "NaN weights": ("pool -m damaged", 1, r"AL005.*not finite.*train it again"),
    "two models": ("pool -m ner --cold", 2, "--cold"),
    "no language": ("pool --lang zz", 2, "AL054"),
    # the functions
    "unknown acquisition": ("pool -m ner --acquisition nope", 2, r"AL084.*nope.*token_entropy"),
    "misfit": ("pool -m ner --acquisition margin", 1, r"AL020.*margin.*token_entropy"),
    "unknown sampler": ("pool -m ner --sampler nope", 2, r"AL084.*top_k"),
    "scores without a model": ("pool --cold --acquisition entropy", 2, r"AL094.*--acquisition"),
    "density without a model": ("pool --cold --density-weight 1", 2, "AL094.*--density-weight"),
    "ranks without a model": ("pool --cold --sampler top_k", 2, "AL094"),
    "bad code": ("pool -c bad_code.py", 1, r"AL088.*nowhere_to_be_found"),
    "no code": ("pool -c nowhere.py", 1, "AL088"),
    "wrong shape": ("U shape", 1, r"AL024.*\(10,\).*\(10, 2\)"),
    "too few": ("U short", 1, r"AL024"),
    "NaN scores": ("U nan", 1, r"AL021.*scores of.*nan.*at least 0"),
    "negative scores": ("U negative", 1, r"AL021.*-1"),
    "no scores": ("U nothing", 1, r"AL024"),
    "words": ("U words", 1, r"AL092.*ValueError"),
    "a crash": ("U crash", 1, r"AL092.*KeyError: 'missing'.*code\.py:12"),
    "one row twice": ("pool --cold -c code.py --sampler test_twice.v1", 1, "AL096"),
    "a sampler that crashes": ("pool --cold -c code.py --sampler test_broken.v1", 1, "AL092.*Zero"),
    # numbers
    "n is 0": ("pool -n 0", 2, r"AL087.*-n.*is 0.*1 or more"),
    "n is negative": ("pool -n -3", 2, "AL087"),
    "n is a word": ("pool -n many", 2, "valid integer"),
    "more than there is": ("pool --cold -n 500", 0, "40 of 40 texts"),
    "no process": ("pool --n-process 0", 2, "AL087.*--n-process"),
    "negative density": ("pool -m ner --density-weight -1", 2, "AL087.*-1.0"),
    "NaN density": ("pool -m ner --density-weight nan", 2, "AL087"),
    "negative seed": ("pool --seed -1", 2, "AL087.*--seed"),
    # options and the config
    "unknown option": ("pool --densty 1", 2, "--densty"),
    "unknown letter": ("pool -x", 2, "-x"),
    "override of nothing": ("pool --al.batch_size 7", 2, r"AL089.*--al\.batch_size"),
    "wrong format": ("pool --format xml", 2, "xml"),
    "no config": ("--config nowhere.cfg", 1, "AL080"),
    "config without al": ("--config no_al.cfg", 1, "AL082"),
    "broken config": ("--config broken.cfg", 1, "AL081"),
    "good config": ("--config ok.cfg -n 2", 0, "2 of 40"),
    "good override": ("--config ok.cfg --al.batch_size 3", 0, "3 of 40"),
    "unknown setting": ("--config ok.cfg --al.batchsize 3", 2, r"AL083.*al\.batchsize.*batch_size"),
    "setting of a wrong type": ("--config ok.cfg --al.batch_size x", 2, r"AL083.*whole number"),
    "no train": ("--config ok.cfg --paths.train gone.spacy", 1, r"AL040.*gone\.spacy"),
    # the output
    "output is a folder": ("pool --cold -o pool", 2, "AL095"),
    "output is another folder": ("pool --cold -o none", 1, "AL047.*folder"),
    "output below a file": ("pool --cold -o file.txt/x.jsonl", 1, r"AL047.*not a folder"),
    "output in the pool": ("pool --cold --format spacy -o pool/b.spacy", 2, "AL095"),
    "spacy on standard output": ("pool --cold --format spacy -o -", 2, "AL091"),
    "a full disk": ("pool --cold -o /dev/full", 1, r"AL047.*No space left"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_what_a_person_reads(case, place, monkeypatch):
    words, status, message = CASES[case]
    monkeypatch.chdir(place)
    if words.startswith("U "):
        words = f"pool -m ner -c code.py --acquisition test_{words[2:]}.v1"
    # no model-best stands below this folder, so the default is a cold start
    words += "" if {"-l", "--lang"} & set(words.split()) else " -l xx"
    result = run.invoke(app, ["select", *words.split()])
    assert re.search(message, result.stderr), result.stderr
    assert result.exit_code == status, result.stderr
    assert "Traceback" not in result.output and not isinstance(result.exception, Exception)
    if status:
        assert result.stdout == ""
        lines = [line for line in result.stderr.splitlines() if line.startswith("✘")]
        assert len(lines) == 1 or status == 2


@pytest.mark.slow
def test_warnings_come_once(place, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.setattr(pool_module, "LARGE_FILE", 100)
    result = run.invoke(app, ["select", "pool", "-l", "xx"])
    assert result.exit_code == 0 and result.stderr.count("ALW040") == 1


@pytest.mark.slow
def test_errors_come_out_of_other_processes(place, monkeypatch):
    monkeypatch.chdir(place)
    words = "select pool -m damaged --n-process 2"
    result = run.invoke(app, words.split())
    assert result.exit_code == 1 and "AL005" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("format", ["prodigy", "label-studio", "spacy"])
def test_a_full_disk_leaves_the_old_batch(format, place, tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    output = tmp_path / "batch"
    output.write_text("old")
    monkeypatch.setattr("spacy_al.util.os.fsync", full)
    words = ["select", str(place / "pool"), "--cold", "-l", "xx", "-o", str(output)]
    result = run.invoke(app, [*words, "--format", format])
    assert result.exit_code == 1 and re.search("AL047.*No space left", result.stderr)
    assert output.read_text() == "old" and os.listdir(tmp_path) == ["batch"]


@pytest.mark.slow
def test_a_folder_that_cannot_be_written(place, tmp_path, monkeypatch):
    monkeypatch.setattr("spacy_al.corpus.shard.os.access", lambda path, mode: False)
    words = ["select", str(place / "pool"), "--cold", "-o", str(tmp_path / "a" / "b.jsonl")]
    result = run.invoke(app, words)
    assert result.exit_code == 1 and re.search("AL047.*nothing may be written", result.stderr)
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_a_device_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with shard_module.writing(pipe) as file:
        file.write("data")
    assert os.read(reader, 10) == b"data" and pipe.is_fifo()
    os.close(reader)


@pytest.mark.slow
def test_a_pool_that_changes_meanwhile(place, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.setattr("spacy_al.query.questions.fetch", lambda *args, **kwargs: {})
    result = run.invoke(app, ["select", "pool", "--cold", "-l", "xx", "-n", "3"])
    assert result.exit_code == 1 and re.search("AL097.*changed.*3 of", result.stderr)


SLOW = """
import time
from spacy_al.registry import al_acquisitions

@al_acquisitions("test_slow.v1")
def make():
    return slow

def slow(posteriors):
    print("scoring", flush=True)
    time.sleep(900)
"""


@pytest.mark.slow
def test_interrupted_it_leaves_nothing(place, tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)
    output = tmp_path / "out" / "batch.jsonl"
    words = [
        sys.executable,
        "-m",
        "spacy_al",
        "select",
        str(place / "pool"),
        "-m",
        str(place / "ner"),
    ]
    words += ["-c", str(tmp_path / "slow.py"), "--acquisition", "test_slow.v1", "-o", str(output)]
    child = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell that starts the tests in its background has them ignore it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert child.stdout.readline() == "scoring\n"
    started = time.monotonic()
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=600)
    # long before it would have ended by itself
    assert time.monotonic() - started < 600 and child.returncode != 0
    assert "Traceback" not in errors and not output.parent.exists()

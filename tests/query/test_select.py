"""The same texts give the same batch, however the pool is stored, and nothing is asked twice."""

import inspect
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import spacy
from spacy.tokens import DocBin, Span
from typer.testing import CliRunner

from spacy_al import registry
from spacy_al.arrays.keyed_noise import KeyedGenerator
from spacy_al.cli import app
from spacy_al.cli.batch import cut, format_selection, width
from spacy_al.config.settings import Settings, read_settings
from spacy_al.errors import AlError, UsageError
from spacy_al.query.costs import Seconds
from spacy_al.query.scorer import Scorer
from spacy_al.query.select import select
from spacy_al.query.ties import close_to_each_other
from spacy_al.store.store import Store
from spacy_al.training.latest import latest_model
from spacy_al.util import content_hash
from tests.helpers.ner_oracle import make_ner
from tests.helpers.shards import write_shards

SENTENCE = (
    "aspirin Dr Smith gave him two mg in Paris fever and the patient denies chest pain took ibuprofen daily "
    "lease shall terminate on notice by Borrower under Section within days of receipt no distress was seen"
)


# texts that differ in digits alone are near duplicates, so the numbers are spelt
rng = random.Random(1)
TEXTS = [
    " ".join(
        [*rng.choices(SENTENCE.split(), k=rng.randint(3, 15)), "x" * (i % 7 + 1), "y" * (i // 7)]
    ).strip()
    for i in range(150)
]


def write(texts, path, shard_size=10_000, *, gold=False):
    nlp = spacy.blank("xx")
    docs = [nlp.make_doc(text) for text in texts]
    for i, doc in enumerate(docs):
        if gold:
            doc.ents = [Span(doc, 0, 1, f"GOLD{i % 3}")]
            doc.cats = {"A": 1.0}
            doc.spans["sc"] = [Span(doc, 0, len(doc), "X")]
    write_shards(docs, path, shard_size)
    return path


def save_light(nlp, path):
    """Save a pipeline without the exceptions of the English tokeniser, which take half a second to load."""
    nlp.tokenizer.rules = {}
    nlp.to_disk(path)
    config = (path / "config.cfg").read_text()
    (path / "config.cfg").write_text(config.replace('lang = "en"', 'lang = "xx"'))
    meta = json.loads((path / "meta.json").read_text())
    (path / "meta.json").write_text(json.dumps({**meta, "lang": "xx"}))
    return str(path)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_light(
        make_ner(updates=5, shared=True), tmp_path_factory.mktemp("model") / "model-best"
    )


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    return write(TEXTS, tmp_path_factory.mktemp("pool"))


def batch(pool, **kwargs):
    """(id, score, propensity) of each task, and the tasks without their numbers."""
    tasks = select(pool, n=kwargs.pop("n", 12), lang="xx", **kwargs).tasks
    numbers = [
        (content_hash(t["text"]), t["meta"]["score"], t["meta"]["propensity"]) for t in tasks
    ]
    return numbers, [
        (t["text"], t["labels"], [s["label"] for s in t.get("spans", [])]) for t in tasks
    ]


def assert_same(first, second):
    assert [row[0] for row in first[0]] == [row[0] for row in second[0]]
    numpy.testing.assert_allclose([r[1:] for r in first[0]], [r[1:] for r in second[0]], atol=1e-5)
    assert first[1] == second[1]


# the order and the place of a text do not matter

WAYS = {
    "top_k": {},
    "density": {"density_weight": 1.0},
    "uniform": {"sampler": "uniform", "seed": 3},
    "representative": {"sampler": "representative"},
    "expected_errors": {"acquisition": "expected_errors"},
    "cold": {"model": None},
    "cold uniform": {"model": None, "sampler": "uniform"},
    "hashed words": {
        "density_weight": 2.0,
        "sampler": "representative",
        "settings": Settings(blocks={"embedding": {"@al_embeddings": "spacy-al.hashed_words.v1"}}),
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_the_batch_does_not_depend_on_how_the_pool_is_stored(way, model, pool, tmp_path):
    kwargs = {"model": model, **WAYS[way]}
    expected = batch(pool, **kwargs)
    assert len(expected[0]) == len(set(expected[0])) == 12
    shuffled = random.Random(5).sample(TEXTS, len(TEXTS))
    for name, texts, size, gold in (
        ("one file", shuffled, 10_000, False),
        ("sevens", TEXTS, 7, False),
        ("gold", shuffled, 40, True),
        ("duplicates", [*TEXTS[:70], *shuffled, "  ", *TEXTS[50:]], 33, True),
    ):
        folder = write(texts, tmp_path / name, size, gold=gold)
        found = folder / "00000.spacy" if name == "one file" else folder
        assert_same(expected, batch(found, **kwargs))


@pytest.mark.slow
def test_two_processes_give_the_same_batch(model, pool, tmp_path):
    code = tmp_path / "mine.py"
    code.write_text(USER_CODE)
    kwargs = {
        "model": model,
        "acquisition": "test_longest.v1",
        "density_weight": 1.0,
        "code": str(code),
    }
    assert_same(batch(pool, **kwargs), batch(pool, n_process=2, **kwargs))


USER_CODE = """
import numpy
from spacy_al.registry import al_acquisitions

@al_acquisitions("test_longest.v1")
def make():
    return longest

def longest(posteriors):
    return numpy.array([len(p.token_probs) + p.entropy for p in posteriors])
"""


def test_user_code_is_used_by_name(model, pool, tmp_path):
    (tmp_path / "mine.py").write_text(USER_CODE)
    found = batch(pool, model=model, acquisition="test_longest.v1", code=str(tmp_path / "mine.py"))
    assert found[0][0][1] >= max(len(text.split()) for text in TEXTS)


@pytest.mark.slow
def test_equal_scores_are_not_ordered_by_float_noise(model, tmp_path, monkeypatch):
    # the first words are all the model is unsure of, so most scores are equal
    rng = random.Random(2)
    texts = [
        " ".join(["aspirin Dr Smith gave", *rng.choices(TEXTS[3].split(), k=9)]) for _ in range(90)
    ]
    score = Scorer.score
    monkeypatch.setattr(
        Scorer,
        "score",
        lambda self, docs: (
            score(self, docs) + 2e-6 * numpy.sin(7.0 * len(docs) + numpy.arange(len(docs)))
        ),
    )
    expected = batch(write(texts, tmp_path / "0"), model=model, n=20)
    assert len({round(row[1], 5) for row in expected[0]}) < 20
    for size in (11, 17, 40):
        found = batch(write(texts[::-1], tmp_path / str(size), size), model=model, n=20)
        assert_same(expected, found)


def test_close_to_each_other():
    values = numpy.array([5.0, 1.0, 5.00001, 3.0, 0.5, 1.000001, 3.1, 1.000002, 0.2, 0.2])
    assert sorted(close_to_each_other(values, 1)) == [0, 2]
    assert sorted(close_to_each_other(values, 2)) == [0, 2]
    assert sorted(close_to_each_other(values, 3)) == [0, 1, 2, 5, 7]
    assert sorted(close_to_each_other(values, 500)) == [0, 1, 2, 5, 7, 8, 9]
    assert not len(close_to_each_other(values[:1], 3))


# noise

IDS = numpy.random.default_rng(0).integers(2**64, size=2000, dtype="u8")


def test_noise_belongs_to_the_text():
    for draw in ("random", "gumbel"):
        whole = getattr(KeyedGenerator(1, 2, IDS), draw)(size=2000)
        assert len(set(whole.tolist())) == 2000 and numpy.isfinite(whole).all()
        part = getattr(KeyedGenerator(1, 2, IDS[500:]), draw)(size=1500)
        assert (whole[500:] == part).all()
        for other in (KeyedGenerator(2, 2, IDS), KeyedGenerator(1, 3, IDS)):
            assert abs(numpy.corrcoef(getattr(other, draw)(size=2000), whole)[0, 1]) < 0.1
    uniform = numpy.sort(KeyedGenerator(1, 2, IDS).random(2000))
    assert abs(uniform - (numpy.arange(2000) + 0.5) / 2000).max() < 0.04
    gumbel = KeyedGenerator(0, 0, IDS).gumbel(size=2000)
    assert abs(gumbel.mean() - 0.5772) < 0.1 and abs(gumbel.var() - 1.645) < 0.25
    twice = KeyedGenerator(0, 0, IDS)
    assert (twice.random(2000) != twice.random(2000)).all()


def test_other_draws_are_an_ordinary_streams():
    keyed, again = KeyedGenerator(1, 2, IDS), KeyedGenerator(1, 2, IDS[:7])
    assert keyed.random() == again.random() and 0 <= keyed.random() < 1
    assert keyed.integers(100) == again.integers(100) or keyed.random(3).shape == (3,)
    assert sorted(keyed.permutation(5)) == [0, 1, 2, 3, 4]
    order = keyed.permutation(2000)
    assert sorted(order) == list(range(2000)) and not (order == numpy.arange(2000)).all()


def test_uniform_keeps_its_choice_when_other_texts_leave(model, pool, tmp_path):
    kwargs = {"model": None, "sampler": "uniform", "seed": 1, "n": 20}
    chosen = [row[0] for row in batch(pool, **kwargs)[0]]
    left = [t for i, t in enumerate(TEXTS) if content_hash(t) in chosen or i % 3]
    assert len(left) < len(TEXTS)
    found = batch(write(left, tmp_path), **kwargs)
    assert [row[0] for row in found[0]] == chosen
    assert [row[2] for row in found[0]] == pytest.approx([1 / (len(left) - i) for i in range(20)])
    other = select(pool, **{**kwargs, "round": 1}).tasks
    assert [t["text"] for t in other] != [row[0] for row in found[1]]


# what is asked


def test_the_best_come_first(model, pool):
    tasks = select(pool, model=model, n=len(TEXTS) + 50, sampler="top_k").tasks
    assert len(tasks) == len(TEXTS)
    scores = [task["meta"]["score"] for task in tasks]
    assert scores == sorted(scores, reverse=True) and scores[0] > scores[-1]
    assert [task["meta"]["rank"] for task in tasks] == list(range(1, len(TEXTS) + 1))
    first = tasks[0]
    assert first["labels"] == ["DRUG", "PER"] and first["_view_id"] == "ner_manual"
    assert first["meta"]["component"] == "ner" and first["meta"]["design"] == "deterministic"
    assert first["meta"]["strategy"] == "token_entropy · top_k"


def test_draws_by_chance_alone_are_said(model, pool):
    drawn = select(pool, model=model, n=3)
    assert "10% of the draws are by chance" in format_selection(drawn, Path("batch.jsonl"))
    highest = select(pool, model=model, n=3, sampler="top_k")
    assert "by chance" not in format_selection(highest, Path("batch.jsonl"))


def test_random_choices_are_not_called_deterministic(pool):
    tasks = select(pool, sampler="uniform", n=5).tasks
    assert all("design" not in task["meta"] for task in tasks)


def test_near_duplicates_are_asked_once(tmp_path):
    pool = write(["He took 10 mg.", "He took 20 mg.", "HE TOOK 30 MG!", "Another one."], tmp_path)
    found = select(pool, n=4)
    assert len(found.tasks) == 2
    # said where the batch is short of them, and only there
    assert found.n_near == 2 and select(pool, n=2).n_near == 0
    assert "2 more are near duplicates of these" in format_selection(found, Path("batch.jsonl"))


def test_what_is_labelled_is_not_asked(model, pool, tmp_path):
    write(TEXTS[:30], tmp_path / "folder", 7, gold=True)
    write(TEXTS[30:60], tmp_path / "file", gold=True)
    lines = [json.dumps({"text": text, "answer": "accept"}) for text in TEXTS[60:90]]
    (tmp_path / "tasks.jsonl").write_text("\n".join(lines))
    labeled = [tmp_path / "folder", tmp_path / "file" / "00000.spacy", tmp_path / "tasks.jsonl"]
    write(TEXTS[90:100], tmp_path / "dev")
    settings = Settings(train=labeled[0], dev=tmp_path / "dev")
    found = select(pool, model=model, n=500, labeled=labeled[1:], settings=settings)
    assert {task["text"] for task in found.tasks} == set(TEXTS[100:])
    assert found.report["already labelled"] == 90 and found.report["in dev or test"] == 10
    assert found.n_pool == found.report["read"] == 50


def test_cold_start_asks_with_the_form_of_the_component(pool):
    settings = Settings(component="textcat", factory="textcat", labels=["A", "B"])
    task = select(pool, n=1, settings=settings).tasks[0]
    assert [option["id"] for option in task["options"]] == ["A", "B"]
    assert task["_view_id"] == "choice" and task["meta"]["model"] is None
    assert select(pool, n=1).tasks[0]["spans"] == []


@pytest.mark.slow
def test_a_cold_start_looks_at_a_part_of_a_large_pool(pool, tmp_path, monkeypatch):
    from importlib import import_module

    # the function has the module's name
    monkeypatch.setattr(import_module("spacy_al.query.score_pool"), "REPRESENTED", 40)
    found = select(pool, n=2, lang="xx")
    # three times 40 and some: about a third, by the texts' own hashes
    part = {text for text in TEXTS if int(content_hash(text), 16) % 3 == 0}
    assert found.n_pool == found.report["read"] == len(part) < 75
    assert found.report["not looked at (no model)"] == 150 - len(part)
    assert {task["text"] for task in found.tasks} <= part
    both = [select(pool, n=2, lang="xx", n_process=k).tasks for k in (1, 2)]
    assert both[0] == both[1] == found.tasks
    # whoever needs all of them gets all of them: draws that estimate something, and many at once
    assert select(pool, n=2, lang="xx", sampler="uniform").n_pool == 150
    assert select(pool, n=8, lang="xx").n_pool == 150
    # and where most of the part is asked already, all is looked at
    asked = {content_hash(text) for text in part}
    rest = select(pool, n=2, lang="xx", asked=asked)
    assert rest.n_pool == 150 - len(part) and not rest.report["not looked at (no model)"]
    # the same few texts again and again may have no part of that kind
    text = next(text for text in TEXTS if text not in part)
    again = write([text] * 130, tmp_path)
    assert [task["text"] for task in select(again, n=2, lang="xx").tasks] == [text]


def test_source_of_ingest_is_passed_on(tmp_path):
    doc = spacy.blank("en")("A sentence of a note.")
    doc.user_data["al_source"] = {"doc": "note1", "sentence": 3, "before": "x", "after": "y"}
    write_shards([doc], tmp_path)
    meta = select(tmp_path, n=1).tasks[0]["meta"]
    assert (meta["doc"], meta["sentence"], meta["before"], meta["after"]) == ("note1", 3, "x", "y")


def test_keep_tokens(model, tmp_path):
    nlp = spacy.blank("en")
    doc = spacy.tokens.Doc(nlp.vocab, words=["as", "pirin", "now"], spaces=[False, True, False])
    write_shards([doc], tmp_path)
    kept, own = (select(tmp_path, model=model, keep_tokens=k).tasks[0] for k in (True, False))
    assert [len(task["tokens"]) for task in (kept, own)] == [3, 2]


# the command

run = CliRunner()


@pytest.mark.slow
def test_command_writes_what_select_returns(model, pool, tmp_path):
    output = tmp_path / "new" / "batch.jsonl"
    result = run.invoke(app, ["select", str(pool), "-m", model, "-n", "3", "-o", str(output)])
    assert result.exit_code == 0, result.output
    tasks = [json.loads(line) for line in output.read_text().splitlines()]
    assert tasks == json.loads(json.dumps(select(pool, model=model, n=3).tasks))
    assert "ner of" in result.stderr and "uncalibrated" in result.stderr
    assert f"3 of {len(TEXTS)} texts written to {output}" in result.stderr
    assert result.stdout == "" and [p.name for p in output.parent.iterdir()] == ["batch.jsonl"]


@pytest.mark.parametrize("format", ["prodigy", "label-studio"])
def test_only_data_on_standard_output(format, pool):
    result = run.invoke(
        app, ["select", str(pool), "--cold", "-l", "xx", "-n", "2", "-o", "-", "--format", format]
    )
    assert result.exit_code == 0 and "cold start" in result.stderr
    if format == "prodigy":
        assert len([json.loads(line)["text"] for line in result.stdout.splitlines()]) == 2
    else:
        assert [task["data"]["al_rank"] for task in json.loads(result.stdout)] == [1, 2]


@pytest.mark.slow
def test_spacy_format_and_default_names(pool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for format, name in (
        ("spacy", "batch.spacy"),
        ("label-studio", "batch.json"),
        ("prodigy", "batch.jsonl"),
    ):
        result = run.invoke(app, ["select", str(pool), "-n", "2", "--format", format, "-q"])
        assert result.exit_code == 0 and result.output == ""
        assert Path(name).stat().st_size
    docs = list(DocBin().from_disk("batch.spacy").get_docs(spacy.blank("en").vocab))
    assert len(docs) == 2 and all(not doc.ents for doc in docs)


def test_looking_for_a_model_leaves_the_run_of_an_earlier_version_as_it_is(tmp_path):
    old = Path(__file__).parents[1] / "fixtures" / "run_0_1_0" / "select" / "al.db"
    database = tmp_path / "select" / "al.db"
    database.parent.mkdir()
    database.write_bytes(old.read_bytes())
    # its models are not there
    assert latest_model(tmp_path) is None
    assert database.read_bytes() == old.read_bytes()
    assert [path.name for path in database.parent.iterdir()] == ["al.db"]
    with Store(database, create=False, migrate=False) as store:
        assert store.rounds() and store.models()
        with pytest.raises(AlError, match="AL113"):
            store.log("seen")
    # whoever goes on with it does
    with Store(database, create=False) as store:
        store.log("seen")
    assert database.read_bytes() != old.read_bytes()


def test_the_last_rounds_model_is_the_default(model, pool, tmp_path, monkeypatch):
    """By rounds and by what the store says, whatever the times of files are."""
    assert latest_model(tmp_path) is None
    monkeypatch.chdir(tmp_path)

    def put(name, time):
        shutil.copytree(model, tmp_path / name)
        os.utime(tmp_path / name / "meta.json", (time, time))

    put("b/model-best", 50)
    assert latest_model(Path(".")) == str(Path("b/model-best"))
    with Store(tmp_path / "training" / "al" / "al.db") as store:
        store.open_round(2)
    put("training/al/round-002/model-best", 10)
    put("training/al/round-010/model-best", 5)
    # of another kind
    put(".hid/model-best", 60)
    put("training/al/round-010/member-2/model-best", 61)
    put("training/simulate/start/seed-1/model-best", 62)
    (tmp_path / "training" / "simulate" / "plan.json").write_text("{}")
    last = str(Path("training/al/round-010/model-best"))
    assert latest_model(Path(".")) == last
    result = run.invoke(app, ["select", str(pool), "-n", "1"])
    assert "ner of training/al/round-010/model-best" in result.stderr
    # the store knows of round 2 alone: what came after was of another run, or of a backup
    with Store(tmp_path / "training" / "al" / "al.db") as store:
        assert latest_model(Path(".")) == last
        known = {"hash": "", "path": "", "seconds": 1.0}
        store.advance(2, "evaluate", model=known)
    assert latest_model(Path(".")) == str(Path("training/al/round-002/model-best"))
    put("other/round-000/model-best", 7)
    assert latest_model(Path(".")) == str(Path("training/al/round-002/model-best"))
    (tmp_path / "training" / "al" / "al.db").unlink()
    result = run.invoke(app, ["select", str(pool), "-n", "1"])
    assert result.exit_code == 2 and "AL079" in result.stderr
    assert "other/round-000" in result.stderr and "round-010" in result.stderr


CONFIG = """
[paths]
train = "train.spacy"
dev = null
pool = "nowhere"

[nlp]
lang = "en"

[components]

[components.ner]
factory = "ner"

[al]
component = "ner"
batch_size = 4

[al.pool]
path = ${paths.pool}

[al.sampler]
@al_samplers = "spacy-al.uniform.v1"
"""


def test_config_with_overrides_and_relative_paths(model, pool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("my.cfg").write_text(CONFIG)
    write(TEXTS[:100], tmp_path / "train.spacy")
    args = ["select", "--config", "my.cfg", "-m", model, "-o", "-", "--paths.pool", str(pool)]
    args += ["--paths.train=train.spacy/00000.spacy"]
    result = run.invoke(app, [*args, "--al.batch_size", "7", "--al.seed", "2"])
    assert result.exit_code == 0, result.output
    tasks = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(tasks) == 7 and not {task["text"] for task in tasks} & set(TEXTS[:100])
    assert "100 already labelled" in result.stderr and "uniform" in result.stderr
    assert len(run.invoke(app, [*args, "-n", "2"]).stdout.splitlines()) == 2
    # the command line comes before the config
    assert "top_k" in run.invoke(app, [*args, "--sampler", "top_k"]).stderr


def test_a_committee_beside_the_model_is_read_where_the_config_has_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("my.cfg").write_text(CONFIG)
    member = Path("round-001/member-1/model-best")
    member.mkdir(parents=True)
    seen = []

    def stop(pool, *, settings, **given):
        seen.append(settings.blocks.get("posterior"))
        raise AlError("seen enough")

    monkeypatch.setattr("spacy_al.loop.next_batch.select", stop)
    args = ["select", "--config", "my.cfg", "-m", "round-001/model-best", "-o", "-"]
    for more in (["--al.committee", "seeds"], []):
        assert run.invoke(app, [*args, *more]).exit_code == 1
    block = {"@al_posteriors": "spacy-al.committee.v1", "members": [str(member)]}
    assert seen == [block, None]


def test_shipped_config_resolves():
    root = Path(__file__).parents[2]
    settings = read_settings(root / "configs" / "ner.cfg")
    assert settings.component == settings.factory == "ner" and settings.pool


@pytest.mark.slow
def test_a_reader_that_leaves_early(pool, tmp_path):
    shell = f"{sys.executable} -m spacy al select {pool} --cold -n 140 -o - | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", shell],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=600,
    )
    assert (
        json.loads(done.stdout)
        and "Traceback" not in done.stderr
        and "Exception" not in done.stderr
    )


# on a terminal

NASTY = [
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 text \x1b[2J gone",
    "\u202eevil\u202c مرحبا بالعالم هذا نص",
    "患者は頭痛を訴えた。血圧は正常であった。" * 30,
    "👨\u200d👩\u200d👧 family 😀 emoji",
    "line one\nline two\r\nline three\ttab \x85 \u2028 x",
    "a " * 500,
    "x" * 3000,
    "\x9b31m C1",
]


@pytest.mark.parametrize("columns", [60, 120])
def test_a_terminal_never_obeys_a_text(columns, model, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    selection = select(write(NASTY, tmp_path), model=model, n=20)
    shown = format_selection(selection, Path("a\x1b[1m.jsonl"))
    assert not [c for c in shown if ord(c) < 32 and c != "\n"]
    assert not set(shown) & set("\x7f\x85\x9b\u202e\u202c\u2028\r")
    lines = shown.splitlines()
    rows = lines[4 : 4 + len(NASTY)]
    assert [int(row.split()[0]) for row in rows] == list(range(1, len(NASTY) + 1))
    start = lines[2].index("Text")
    for row in rows:
        assert width(row) <= max(columns, start + 33)
        assert width(row[: row.index("   ", 3)]) <= start
    assert "family" in shown and "[" in shown


def test_a_cold_start_shows_no_scores(pool):
    shown = format_selection(select(pool, n=12), Path("-"))
    assert "No model: a cold start" in shown and "Score" not in shown and "Least" not in shown
    assert "… and 2 more" in shown and "standard output" in shown


def test_columns():
    assert width("abc") == 3 and width("患者") == 4 and width("e\u0301") == 1 and width("😀") == 2
    assert cut("abcdef", 6) == "abcdef" and cut("abcdef", 4) == "abc…"
    assert width(cut("患者は頭痛", 6)) <= 6


BORROWED = {f"spacy-al.{name}.v1" for name in ("skactiveml", "small_text")}


@pytest.mark.slow
def test_every_sampler_and_acquisition_can_be_named(model, pool):
    for name in registry.al_samplers.get_all():
        # those of other libraries have tests of their own
        if not name.startswith("spacy-al.") or name in BORROWED:
            continue
        if "members" in inspect.signature(registry.al_samplers.get(name)()).parameters:
            with pytest.raises(UsageError, match=r"AL099.*dropout"):
                select(pool, model=model, sampler=name, n=2)
        else:
            assert select(pool, model=model, sampler=name, n=2).tasks


# Cost, density and filters


def chosen(pool, model, n=5, **settings):
    return select(pool, model=model, n=n, settings=Settings(**settings))


def test_scores_by_cost(model, pool):
    plain = {t["text"]: t for t in chosen(pool, model, 1000).tasks}
    for seconds, cost in (
        (None, len),
        (Seconds(10.0, 0.5, 0.0), lambda words: 10 + 0.5 * len(words)),
    ):
        made = select(
            pool, model=model, n=1000, seconds=seconds, settings=Settings(cost_weight=0.5)
        )
        for task in made.tasks:
            expected = plain[task["text"]]["meta"]["score"] / cost(task["tokens"]) ** 0.5
            assert task["meta"]["score"] == pytest.approx(expected, rel=1e-3)
        assert ("seconds^-0.5" if seconds else "words^-0.5") in made.strategy
        assert len(made.tasks) == len(plain)


@pytest.mark.slow
def test_density_by_rank_and_by_neighbours(model, pool):
    blocks = {"sampler": {"@al_samplers": "spacy-al.top_k.v1"}}
    by_rank = {"density_weight": 1.0, "density_fusion": "rank", "blocks": blocks}
    ranked = chosen(pool, model, 1000, **by_rank)
    scores = [task["meta"]["score"] for task in ranked.tasks]
    assert scores == sorted(scores, reverse=True) and 0 <= scores[-1] < scores[0] <= 1
    near = chosen(pool, model, 1000, density_weight=1.0, density_neighbours=2)
    whole = chosen(pool, model, 1000, density_weight=1.0)
    by_text = [{t["text"]: t["meta"]["score"] for t in made.tasks} for made in (near, whole)]
    assert by_text[0].keys() == by_text[1].keys() and by_text[0] != by_text[1]


@pytest.mark.slow
def test_what_is_filtered_is_not_asked_and_is_counted(model, pool):
    everything = chosen(pool, model, 1000)
    lengths = sorted(len(task["tokens"]) for task in everything.tasks)
    low, high = lengths[2], lengths[-3]
    made = chosen(pool, model, 1000, filter={"min_tokens": low, "max_tokens": high})
    assert {len(task["tokens"]) for task in made.tasks} <= set(range(low, high + 1))
    report = made.report
    assert report["too short"] == sum(length < low for length in lengths)
    assert report["too long"] == sum(length > high for length in lengths)
    assert report["read"] == made.n_pool == len(made.tasks)
    far = chosen(pool, model, 1000, filter={"far": 0.2, "min_words": 0.01})
    assert 0 < far.report["far from all others"] <= 0.2 * len(lengths) + 1
    with pytest.raises(AlError, match=r"AL086.*too short"):
        chosen(pool, model, filter={"min_tokens": 10**6})

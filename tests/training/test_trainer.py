"""Training a round: what its config says, that its process ends with the loop, and what a failure leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from spacy.util import load_config
from spacy.vocab import Vocab

from spacy_al.config.project import Project
from spacy_al.config.settings import read_settings
from spacy_al.corpus.labelled import labelled_ids
from spacy_al.errors import AlError, AlWarning
from spacy_al.processes.child import reason, run_spacy
from spacy_al.tasks.decision import INCORRECT
from spacy_al.training.pretrain import pretrain
from spacy_al.training.round_config import PROJECT, keep_project, training_budget, write_config
from spacy_al.training.trainer import train
from spacy_al.util import content_hash

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs" / "ner.cfg"
SMALL = {
    "components.tok2vec.model.encode.width": 16,
    "components.tok2vec.model.encode.depth": 1,
    "components.tok2vec.model.embed.rows": [500, 100, 250, 250],
}
QUICK = {**SMALL, "training.max_steps": 4, "training.eval_frequency": 2}
# Tells the log which process it is
CODE = "import os\nprint('PROCESS', os.getpid())\n"


def docs_of(name, count):
    return list(DocBin().from_disk(ROOT / "corpus" / f"{name}.spacy").get_docs(Vocab()))[:count]


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    path = tmp_path_factory.mktemp("dev") / "dev.spacy"
    DocBin(docs=docs_of("dev", 15)).to_disk(path)
    return path


def a_round(folder, dev, docs=None, overrides=QUICK, config=CONFIG, **how):
    """A folder that is ready to train."""
    docs = docs_of("seed", 30) if docs is None else docs
    folder.mkdir(exist_ok=True)
    path = folder / "train.spacy"
    DocBin(docs=docs).to_disk(path)
    n_words = sum(map(len, docs))
    return write_config(config, overrides, path, dev, folder, n_words=n_words, **how)


def config_with(path, changes):
    """The shipped config with other sections, as its user might write them."""
    config = load_config(CONFIG, interpolate=False)
    changes(config)
    config.to_disk(path)
    return path


def rejecting(docs):
    docs[0].spans[INCORRECT] = [Span(docs[0], 0, 1, "DRUG")]
    return docs


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def left_over(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def alive(pid):
    """A zombie is not: nobody may be there to collect it."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


# What the user has changed since the round before


def test_only_what_the_user_changed_is_told(tmp_path, dev):
    rounds = [tmp_path / f"round-{number:03}" for number in range(3)]
    told = []
    for folder, batch in zip(rounds, (5, 50, 50)):
        overrides = {**QUICK, "al.batch_size": batch}
        written = a_round(folder, dev, docs_of("seed", 10), overrides)
        told.append(keep_project(CONFIG, overrides, folder, tmp_path / f"round-{len(told) - 1:03}"))
        # a training that collapsed was made again, and the loop says how
        config = load_config(written, interpolate=False)
        config["training"]["seed"] = 500
        config.to_disk(written)
    assert told == [[], ["al.batch_size 5 -> 50"], []]
    wider = {**overrides, "components.tok2vec.model.encode.width": 32}
    assert keep_project(CONFIG, wider, rounds[2], rounds[1]) == [
        "components.tok2vec.model.encode.width 16 -> 32"
    ]
    assert (rounds[2] / PROJECT).is_file()


# Budget


def of(steps, patience, every):
    return {"training": {"max_steps": steps, "patience": patience, "eval_frequency": every}}


@pytest.mark.parametrize("own", [(600, 500, 100), (20000, 1600, 200), (0, 0, 200), (7, 3, 3)])
def test_the_budget_grows_and_keeps_within_the_config(own):
    found = [
        training_budget(of(*own), words) for words in (1, 500, 2000, 10_000, 100_000, 10_000_000)
    ]
    limits = dict(zip(("max_steps", "patience", "eval_frequency"), own))
    for now in found:
        assert now["max_steps"] >= 1 and now["eval_frequency"] >= 1
        # the last step is one that is looked at
        assert now["max_steps"] % now["eval_frequency"] == 0
        for name, limit in limits.items():
            assert now[name] <= limit or (name == "max_steps" and limit == 0), name
    steps = [now["max_steps"] for now in found]
    assert steps == sorted(steps)
    if own[0] > 1000:
        assert steps[0] < 500 < steps[-2] and steps[-1] == own[0]


def test_no_limit_is_finite_and_no_patience_stays_none():
    found = training_budget(of(0, 0, 200), 2000)
    assert 0 < found["max_steps"] < 2000 and found["patience"] == 0
    # a config that leaves them out has spaCy's own
    assert training_budget({}, 2000) == training_budget(of(20000, 1600, 200), 2000)


def test_steps_of_texts_count_texts_and_steps_of_words_words():
    texts = {"training": {"batcher": {"@batchers": "spacy.batch_by_sequence.v1", "size": 24}}}
    short = training_budget(texts, 3000, words_a_text=12)
    assert training_budget(texts, 50_000, words_a_text=200) == short
    assert training_budget(texts, 12_000, words_a_text=12)["max_steps"] > short["max_steps"]
    assert training_budget({}, 50_000, words_a_text=200) == training_budget({}, 50_000)


@pytest.mark.parametrize("name", ["textcat", "ner"])
def test_as_many_texts_are_passed_over_as_often_when_they_are_longer(name, tmp_path):
    nlp, steps = spacy.blank("en"), []
    for times in (3, 60):
        docs = [nlp(f"{name} {number} " * times) for number in range(200)]
        for doc in docs:
            doc.cats = {"A": 1.0, "B": 0.0}
        path = tmp_path / "train.spacy"
        DocBin(docs=docs).to_disk(path)
        words = sum(map(len, docs))
        config = ROOT / "configs" / f"{name}.cfg"
        written = write_config(config, {}, path, path, tmp_path, n_words=words)
        steps.append(load_config(written)["training"]["max_steps"])
    assert (steps[0] == steps[1]) is (name == "textcat") and steps[0] < 500


def test_over_an_encoder_a_training_that_still_gains_goes_on():
    own = of(20000, 1600, 200)
    law, long = training_budget(own, 2000), training_budget(own, 2000, longest=2)
    assert long == {**law, "max_steps": 2 * law["max_steps"]}
    # within the config's own limit
    short = training_budget(of(400, 1600, 200), 2000, longest=2)
    assert law["max_steps"] < short["max_steps"] <= 400


# The config


@pytest.mark.slow
def test_the_config_says_what_is_trained_on(tmp_path, dev):
    path = a_round(tmp_path, dev)
    config = load_config(path, interpolate=True)
    assert config["corpora"]["train"]["path"] == str(tmp_path / "train.spacy")
    assert config["corpora"]["dev"]["path"] == str(dev)
    assert config["training"]["max_steps"] == 4 and config["training"]["eval_frequency"] == 1
    assert config["components"]["tok2vec"]["model"]["encode"]["width"] == 16
    original = load_config(CONFIG, interpolate=True)
    assert config["al"] == original["al"]
    assert config["components"]["ner"] == original["components"]["ner"] | {
        "model": config["components"]["ner"]["model"]
    }
    assert path.read_bytes() == a_round(tmp_path, dev).read_bytes()


@pytest.mark.parametrize("epochs", [-1, 3])
def test_epochs_stay_the_users(tmp_path, dev, epochs):
    path = a_round(tmp_path, dev, overrides={**QUICK, "training.max_epochs": epochs})
    assert load_config(path)["training"]["max_epochs"] == epochs


@pytest.mark.slow
def test_rejected_entities_are_read_where_there_are_any(tmp_path, dev):
    def key(path):
        return load_config(path)["components"]["ner"]["incorrect_spans_key"]

    assert key(a_round(tmp_path, dev)) is None
    assert key(a_round(tmp_path, dev, rejecting(docs_of("seed", 3)))) == INCORRECT
    # a model that later rounds go on from has to know it from the start
    assert key(a_round(tmp_path, dev, overrides={**QUICK, "al.retrain": "resume"})) == INCORRECT
    other = {**QUICK, "components.ner.incorrect_spans_key": "wrong"}
    assert key(a_round(tmp_path, dev, overrides=other)) == "wrong"
    with pytest.raises(AlError, match=r"AL132.*'wrong'"):
        a_round(tmp_path, dev, rejecting(docs_of("seed", 3)), overrides=other)


@pytest.mark.parametrize("name", ["train", "dev"])
def test_a_corpus_read_from_elsewhere_is_refused(tmp_path, dev, name):
    with pytest.raises(AlError, match=rf"AL131.*corpora\.{name}.*paths\.{name}"):
        a_round(tmp_path, dev, overrides={**QUICK, f"corpora.{name}.path": "other.spacy"})
    assert not (tmp_path / "config.cfg").exists()


def test_a_reader_within_a_reader_is_found(tmp_path, dev):
    def nest(config):
        config["corpora"]["train"] = {"@readers": "some.v1", "inner": config["corpora"]["train"]}

    config = config_with(tmp_path / "nested.cfg", nest)
    assert a_round(tmp_path / "round", dev, config=config).exists()


def test_code_that_cannot_be_loaded_is_explained(tmp_path, dev):
    (tmp_path / "code.py").write_text("import no_such_module\n")
    with pytest.raises(AlError, match=r"AL088.*no_such_module"):
        a_round(tmp_path, dev, code=tmp_path / "code.py")


# Training


@pytest.fixture(scope="module")
def trained(tmp_path_factory, dev):
    """A round that has been trained, with al_scorer in its config, and what was shown."""
    folder = tmp_path_factory.mktemp("trained")

    def add(config):
        config["nlp"]["pipeline"].append("al_scorer")
        config["components"]["al_scorer"] = {"factory": "al_scorer", "component": "ner"}

    (folder / "code.py").write_text(CODE)
    config = config_with(folder / "with.cfg", add)
    a_round(folder, dev, config=config, code=folder / "code.py")
    shown: list[str] = []
    done = train(folder, code=folder / "code.py", show=shown.append)
    return folder, done, shown


@pytest.mark.slow
def test_it_trains(trained):
    folder, done, shown = trained
    nlp = spacy.load(done.model)
    # what the user's config has, and nothing more
    assert nlp.pipe_names == ["tok2vec", "ner", "al_scorer"]
    assert nlp.meta["performance"]["ents_f"] == done.score
    assert done.model == folder / "model-best" and done.seconds > 0
    assert left_over(folder) == []
    log = (folder / "train.log").read_text("utf8").splitlines()
    assert log[:-1] == shown and "\x1b" not in "".join(log)
    assert any("Pipeline: ['tok2vec', 'ner', 'al_scorer']" in line for line in shown)
    # the code was run there, and not only here
    process = next(line for line in shown if line.startswith("PROCESS"))
    assert process != f"PROCESS {os.getpid()}"


@pytest.mark.slow
def test_a_model_that_is_there_is_used(trained):
    folder, done, _ = trained
    (folder / ".attempt-stale").mkdir()
    before = (folder / "train.log").stat().st_mtime_ns
    # the temperature that calibration keeps beside it makes no other model of it
    (folder / "model-best" / "al_calibration.json").write_text("{}")
    assert train(folder, code=folder / "code.py") == done
    (folder / "model-best" / "al_calibration.json").unlink()
    assert (folder / "train.log").stat().st_mtime_ns == before
    assert left_over(folder) == []


@pytest.mark.slow
def test_training_by_hand_gives_the_same_bytes(trained, tmp_path):
    folder, done, _ = trained
    words = [
        "train",
        str(folder / "config.cfg"),
        "-o",
        str(tmp_path),
        "-c",
        str(folder / "code.py"),
    ]
    done_by_hand = subprocess.run(
        [sys.executable, "-m", "spacy", *words], capture_output=True, text=True, timeout=120
    )
    assert done_by_hand.returncode == 0, done_by_hand.stdout + done_by_hand.stderr
    by_hand, ours = files_of(tmp_path / "model-best"), files_of(done.model)
    # spaCy orders the scores by label in it by chance
    assert json.loads(by_hand.pop("meta.json")) == json.loads(ours.pop("meta.json"))
    assert by_hand == ours


@pytest.mark.slow
def test_what_fails_is_explained_and_can_be_trained_again(tmp_path, dev):
    docs = docs_of("seed", 30)
    doc = next(doc for doc in docs if doc.ents)
    doc.spans[INCORRECT] = [Span(doc, doc.ents[0].start, doc.ents[0].end, doc.ents[0].label_)]
    a_round(tmp_path, dev, docs)
    with pytest.raises(AlError, match=r"AL130.*\[E868\]") as failed:
        train(tmp_path)
    assert str(tmp_path / "train.log") in str(failed.value)
    assert "Traceback" not in str(failed.value) and "File " not in str(failed.value)
    assert left_over(tmp_path) == [] and not (tmp_path / "model-best").exists()
    # a setting that spaCy does not take
    a_round(tmp_path, dev, overrides={**QUICK, "training.dropout": "much"})
    with pytest.raises(AlError, match=r"(?s)AL130.*Config validation error.*dropout"):
        train(tmp_path)
    # a function of the config's whose file was not given; frames are for the log
    lines: list[str] = []
    a_round(tmp_path, dev, overrides={**QUICK, "nlp.before_creation": {"@callbacks": "mine.v1"}})
    with pytest.raises(AlError, match=r"AL136.*'mine.v1'.*--code"):
        train(tmp_path, show=lines.append)
    assert "Traceback" in (tmp_path / "train.log").read_text("utf8")
    assert not [line for line in lines if "Traceback" in line or line.startswith("  File")]
    # killed by somebody else: a kill of this very process, as soon as it says which one it is
    (tmp_path / "code.py").write_text(CODE)

    def kill(line):
        if line.startswith("PROCESS"):
            os.kill(int(line.split()[1]), signal.SIGKILL)

    a_round(tmp_path, dev)
    with pytest.raises(AlError, match=r"AL130.*signal 9.*memory"):
        train(tmp_path, code=tmp_path / "code.py", show=kill)
    assert left_over(tmp_path) == [] and not (tmp_path / "model-best").exists()
    assert train(tmp_path).model.is_dir()


@pytest.mark.slow
def test_it_ends_with_its_parent(tmp_path, dev):
    forever = {"training.max_steps": 0, "training.patience": 0}
    a_round(tmp_path, dev, overrides={**QUICK, **forever})
    (tmp_path / "code.py").write_text(CODE + "import time\ntime.sleep(600)\n")
    script = "import sys; from pathlib import Path; from spacy_al.training.trainer import train; "
    script += "train(Path(sys.argv[1]), code=Path(sys.argv[1]) / 'code.py', show=lambda line: print(line, flush=True))"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        line = next(line for line in parent.stdout if line.startswith("PROCESS"))
        pid = int(line.split()[1])
        assert pid != parent.pid and alive(pid)
        parent.kill()
    deadline = time.monotonic() + 120
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(pid)
    # what it left is swept away by the next attempt
    assert len(left_over(tmp_path)) == 1
    a_round(tmp_path, dev)
    done = train(tmp_path)
    first = done.hash
    assert left_over(tmp_path) == []
    # and the same again, byte for byte
    files = files_of(done.model)
    done.model.rename(tmp_path / "before")
    assert train(tmp_path).hash == first
    assert files_of(done.model) == files


@pytest.mark.slow
def test_an_exception_here_ends_it_there(tmp_path):
    class Stop(Exception):
        pass

    seen = []

    def show(line):
        if line.startswith("PROCESS"):
            seen.append(int(line.split()[1]))
            raise Stop

    (tmp_path / "code.py").write_text(CODE + "import time\ntime.sleep(600)\n")
    words = ["train", str(CONFIG), "--code", str(tmp_path / "code.py")]
    with pytest.raises(Stop):
        run_spacy(words, tmp_path / "log", show)
    assert not alive(seen[0])


@pytest.mark.parametrize(
    "printed,expected",
    [
        (
            "i\nTraceback (most recent call last):\n  File x\n    y\nValueError: [E1] a\nb\n",
            "[E1] a\nb",
        ),
        (
            "Traceback (most recent call last):\n  x\nKeyError: 'a'\n\nDuring\n\n"
            "Traceback (most recent call last):\n  x\nOSError: no space\n",
            "OSError: no space",
        ),
        ("well\n✘ Config validation error\ntraining\n", "✘ Config validation error\ntraining"),
        ("Killed\n", "Killed"),
        ("", "it printed nothing."),
    ],
)
def test_the_reason_is_spacys_own(tmp_path, printed, expected):
    (tmp_path / "log").write_text(printed, "utf8")
    assert reason(tmp_path / "log", 1) == expected


# Going on from the last model


@pytest.fixture(scope="module")
def learned(tmp_path_factory, dev):
    """A model that has learned something, of a project that goes on from the last one."""
    folder = tmp_path_factory.mktemp("learned")
    longer = {**QUICK, "training.max_steps": 120, "training.eval_frequency": 60}
    a_round(
        folder, dev, docs_of("seed", 60), {**longer, "training.optimizer.learn_rate": 0.01, **GO_ON}
    )
    return train(folder)


GO_ON = {"al.retrain": "resume"}
# Averages over a single step are mostly zeros, and a step of the shipped rate is a large one
PLAIN = {"training.optimizer.use_averages": False, "training.optimizer.learn_rate": 0.001}
ONE = {**SMALL, **GO_ON, **PLAIN, "training.max_steps": 1, "training.eval_frequency": 1}


@pytest.mark.slow
def test_it_goes_on_from_the_last_model(learned, tmp_path, dev):
    assert learned.score >= 0.1
    path = a_round(
        tmp_path / "on", dev, rejecting(docs_of("seed", 60)), ONE, retrain_from=learned.model
    )
    parts = load_config(path)["components"]
    assert parts == {name: {"source": str(learned.model)} for name in ("tok2vec", "ner")}
    after = train(tmp_path / "on")
    a_round(tmp_path / "anew", dev, docs_of("seed", 60), ONE)
    assert after.score > 0.8 * learned.score > 0.04 + train(tmp_path / "anew").score
    nlp, before = spacy.load(after.model), spacy.load(learned.model)
    # the encoder is still shared, and learned as well
    assert nlp.get_pipe("tok2vec").listening_components == ["ner"]
    assert nlp.get_pipe("ner").cfg["incorrect_spans_key"] == INCORRECT
    weights = [pipeline.get_pipe("tok2vec").model.to_bytes() for pipeline in (nlp, before)]
    assert weights[0] != weights[1]
    # and a third round can go on from the second
    third = a_round(tmp_path / "third", dev, overrides=ONE, retrain_from=after.model)
    assert load_config(third)["components"]["ner"] == {"source": str(after.model)}


@pytest.mark.slow
def test_it_starts_anew_where_it_cannot_go_on(learned, tmp_path, dev):
    docs = docs_of("seed", 30)
    docs[0].ents = [Span(docs[0], 0, 1, "NEW")]
    how = {"overrides": ONE, "retrain_from": learned.model}
    with pytest.warns(AlWarning, match=r"ALW130.*does not know the label NEW"):
        path = a_round(tmp_path, dev, docs, **how)
    assert load_config(path)["components"]["ner"]["factory"] == "ner"
    how["overrides"] = {**ONE, "components.tok2vec.model.encode.depth": 2}
    with pytest.warns(AlWarning, match=r"ALW130.*'tok2vec' have changed"):
        path = a_round(tmp_path, dev, **how)
    assert load_config(path)["components"]["tok2vec"]["model"]["encode"]["depth"] == 2
    how["retrain_from"] = tmp_path / "none"
    with pytest.raises(AlError, match="AL085"):
        a_round(tmp_path, dev, **how)


# Pretraining


@pytest.mark.slow
def test_the_encoder_learns_from_the_pool_once(tmp_path, dev):
    pool = tmp_path / "pool.spacy"
    held_out = docs_of("dev", 15)
    texts = docs_of("pool", 40)
    DocBin(docs=[*texts, *held_out, texts[0]]).to_disk(pool)
    overrides = {**QUICK, "paths.pool": str(pool), "paths.dev": str(dev), "al.pretrain_epochs": 2}
    project = Project(CONFIG, overrides, read_settings(CONFIG, overrides))
    weights = pretrain(project, tmp_path / "pretrain")
    assert left_over(tmp_path / "pretrain") == []
    lines = (tmp_path / "pretrain" / "texts.jsonl").read_text("utf8").splitlines()
    found = [content_hash(json.loads(line)["text"]) for line in lines]
    assert sorted(found) == found
    assert set(found) == labelled_ids(pool) - labelled_ids(dev) and len(found) == len(set(found))
    before = weights.stat().st_mtime_ns
    assert pretrain(project, tmp_path / "pretrain") == weights
    assert weights.stat().st_mtime_ns == before
    # averages begin at zero, and a single step says little of them
    still = {**overrides, "training.optimizer.learn_rate": 0.0, "training.max_steps": 1}
    still["training.optimizer.use_averages"] = False
    path = a_round(tmp_path / "round", dev, overrides=still, init_tok2vec=weights)
    assert load_config(path)["initialize"]["init_tok2vec"] == str(weights)
    nlp = spacy.load(train(tmp_path / "round").model)
    pretrained = spacy.blank("en").from_config(load_config(path)).get_pipe("tok2vec").model
    pretrained.initialize(X=[Doc(nlp.vocab, ["a"])])
    pretrained.from_bytes(weights.read_bytes())
    params = [
        [node.get_param(name).tolist() for node in model.walk() for name in node.param_names]
        for model in (nlp.get_pipe("tok2vec").model, pretrained)
    ]
    # a difference of a million numbers takes pytest minutes to print
    is_same = params[0] == params[1]
    assert is_same


def test_a_pipeline_without_an_encoder_is_not_pretrained(tmp_path, dev):
    def swap(config):
        config["nlp"]["pipeline"] = ["textcat"]
        model = {"@architectures": "spacy.TextCatBOW.v3", "exclusive_classes": True}
        config["components"] = {"textcat": {"factory": "textcat", "model": model}}
        config["al"]["component"] = "textcat"
        del config["al"]["posterior"]

    config = config_with(tmp_path / "bow.cfg", swap)
    overrides = {"paths.pool": str(dev), "paths.dev": str(dev), "al.pretrain_epochs": 1}
    project = Project(config, overrides, read_settings(config, overrides))
    with pytest.raises(AlError, match=r"AL133.*textcat"):
        pretrain(project, tmp_path / "pretrain")

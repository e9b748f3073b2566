"""Every config that ships is whole, is read strictly, trains and lets texts be chosen; the projects around them run."""

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
from spacy.cli.debug_config import debug_config
from spacy.tokens import Doc, DocBin
from spacy.util import load_config, load_model_from_config
from spacy.vocab import Vocab
from weasel.util.config import load_project_config

from spacy_al.cli import app
from spacy_al.config.settings import read_settings
from spacy_al.kinds import FACTORIES
from spacy_al.registry import resolve
from tests.helpers.clone import copy_clone

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs"
NAMES = ["ner", "spancat", "tagger", "textcat", "textcat_multilabel"]
PROJECTS = ["clinical", "legal"]
SHORT = ["--vars.batch_size", "5", "--vars.max_rounds", "1"]
SHIPPED = [name for name in NAMES if name != "tagger"]


@pytest.fixture
def at_root(monkeypatch):
    # paths in a config start at the working directory
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="session")
def tagged(tmp_path_factory):
    """A corpus whose tags are a rule, so that a tagger has something to learn."""
    folder = tmp_path_factory.mktemp("tagged")
    nlp = spacy.blank("en")
    for name, lot in (("seed", "seed"), ("dev", "dev")):
        docs = []
        for doc in DocBin().from_disk(ROOT / "corpus" / f"{lot}.spacy").get_docs(nlp.vocab):
            words, spaces = zip(*((token.text, bool(token.whitespace_)) for token in doc))
            docs.append(Doc(nlp.vocab, words, spaces, tags=[tag_of(token) for token in doc]))
        DocBin(attrs=["TAG"], docs=docs[:100]).to_disk(folder / f"{name}.spacy")
    return {"paths.train": str(folder / "seed.spacy"), "paths.dev": str(folder / "dev.spacy")}


def tag_of(token):
    if token.is_space or token.is_punct:
        return "PUNCT"
    if token.like_num:
        return "NUM"
    return "NAME" if token.is_title and token.i else "WORD"


def test_all_of_them_are_tested():
    assert sorted(path.stem for path in CONFIGS.glob("*.cfg")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_al_section_is_read_strictly(name):
    settings = read_settings(CONFIGS / f"{name}.cfg")
    assert settings.component == settings.factory == name
    assert set(settings.blocks) >= {"posterior", "acquisition", "sampler", "stopper"}
    assert settings.blocks["posterior"]["@al_posteriors"] == FACTORIES[name].reader
    stop, reason = resolve(settings.blocks["stopper"])([])
    assert not stop and "target" in reason and "budget" in reason and "settled" in reason


@pytest.mark.parametrize("name", SHIPPED)
def test_its_paths_exist(name, at_root):
    settings = read_settings(CONFIGS / f"{name}.cfg")
    paths = (settings.train, settings.dev, settings.test, settings.pool)
    assert all(path is not None and path.is_file() for path in paths)


def test_outputs_are_apart():
    assert len({read_settings(CONFIGS / f"{name}.cfg").output for name in NAMES}) == len(NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_to_fill_in(name):
    filled = load_model_from_config(load_config(CONFIGS / f"{name}.cfg"), auto_fill=True).config
    config = load_config(CONFIGS / f"{name}.cfg")
    # spaCy would write out defaults of spacy-al's functions, too
    assert {**filled, "al": None} == {**config, "al": None}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_debug_config_passes(name, at_root, tagged, capsys):
    debug_config(CONFIGS / f"{name}.cfg", overrides=tagged if name == "tagger" else {})
    assert "Config validation error" not in capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_they_differ_where_they_must(name):
    ours, ner = (load_config(CONFIGS / f"{file}.cfg") for file in (name, "ner"))
    for config, component in ((ours, name), (ner, "ner")):
        # what is of the component, its corpus and its scores
        del config["components"][component], config["paths"], config["training"]["score_weights"]
        assert config["nlp"].pop("pipeline") == [*config["components"], component]
        assert config["al"].pop("component") == component
        del config["al"]["output"], config["al"]["posterior"]
        # what was measured to be best is not the same for all
        del config["al"]["acquisition"], config["al"]["sampler"]
        settled = config["al"]["stopper"]["stoppers"]["settled"]["stoppers"]
        del settled["stable"]["threshold"]
        config["al"].get("oracle", {}).pop("boundary", None)
    if name != "ner":
        # measured for entities, and for spans not better
        for config in (ours, ner):
            del (
                config["training"]["optimizer"]["learn_rate"],
                config["training"]["optimizer"]["use_averages"],
            )
            del config["training"]["batcher"]["size"]["start"]
    if "textcat" in name:
        # words without their context: no encoder, and steps of texts, of which a long one is no step of its own
        ner["components"].clear()
        assert ours["training"].pop("batcher")["@batchers"] == "spacy.batch_by_sequence.v1"
        del ner["training"]["batcher"]
    assert ours == ner


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_trains_and_texts_are_chosen(name, at_root, tagged, tmp_path):
    from spacy.cli.train import train

    from spacy_al.query.select import select

    overrides = {"training.max_steps": 8, "training.eval_frequency": 4}
    overrides |= {"corpora.dev.limit": 20}
    overrides |= tagged if name == "tagger" else {}
    train(CONFIGS / f"{name}.cfg", tmp_path, overrides=overrides)
    pool = tmp_path / "pool.spacy"
    nlp = spacy.blank("en")
    docs = DocBin().from_disk(ROOT / "corpus" / "pool.spacy").get_docs(nlp.vocab)
    DocBin(docs=[doc for doc, _ in zip(docs, range(60))]).to_disk(pool)
    settings = read_settings(CONFIGS / f"{name}.cfg", overrides)
    selection = select(pool, n=5, model=str(tmp_path / "model-best"), settings=settings)
    assert len(selection.tasks) == 5
    assert {task["_view_id"] for task in selection.tasks} == {FACTORIES[name].view_id}


@pytest.fixture(scope="module")
def prepare():
    spec = importlib.util.spec_from_file_location("prepare", CONFIGS / "prepare.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.prepare_cli


@pytest.fixture
def project(tmp_path, request):
    """A worked project as a stranger has it: the configs and the corpus, in another place."""
    copy_clone(tmp_path)
    ner = tmp_path / "configs" / "ner.cfg"
    text = ner.read_text("utf8")
    short, count = re.subn(r"(?m)^max_steps = \d+$", "max_steps = 10", text)
    assert count == 1
    ner.write_text(short, "utf8")
    project = tmp_path / "configs" / request.param
    steps = (project / "project.yml").read_text("utf8")
    assert "--training.max_steps 600" in steps
    (project / "project.yml").write_text(steps.replace("max_steps 600", "max_steps 10"), "utf8")
    return project


def weasel(project, *words):
    command = [sys.executable, "-m", "weasel", "run", *words]
    return subprocess.run(command, cwd=project, capture_output=True, text=True)


def docs_of(path):
    return list(DocBin().from_disk(path).get_docs(Vocab()))


def test_what_a_project_works_on_is_in_the_package():
    """Where the project looks for it from its place in the package."""
    text = (ROOT / "pyproject.toml").read_text("utf8")
    section = text.split("[tool.hatch.build.targets.wheel.force-include]\n")[1].split("\n[")[0]
    included = dict(re.findall(r'^"?([\w/.]+)"? = "([\w/.]+)"$', section, flags=re.MULTILINE))
    for path in (ROOT / "corpus").glob("*.spacy"):
        assert included[f"corpus/{path.name}"] == f"spacy_al/corpus/{path.name}"
    assert included["configs"] == "spacy_al/configs"
    for name in PROJECTS:
        assert load_project_config(CONFIGS / name)["vars"]["data"] == "../../corpus"
        assert "spacy_al.__path__" in (CONFIGS / name / "README.md").read_text("utf8")


@pytest.mark.parametrize("name", PROJECTS)
def test_a_project_file_is_whole(name):
    project = load_project_config(CONFIGS / name, interpolate=True)
    commands = {command["name"]: command for command in project["commands"]}
    for steps in project["workflows"].values():
        assert set(steps) <= set(commands)
    assert project["workflows"]["all"][-1] == "report"
    made: set[str] = set()
    for step in project["workflows"]["all"]:
        command = commands[step]
        given = {path for path in command["deps"] if not path.startswith("..")}
        assert given <= made, step
        made |= {*command.get("outputs", ()), *command.get("outputs_no_cache", ())}
    verbs = {command.name for command in app.registered_commands}
    for command in commands.values():
        assert command["help"]
        for line in command["script"]:
            assert "${" not in line
            words = line.split()
            assert words[0] == "python" and (words[2] != "spacy_al" or words[3] in verbs)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROJECTS)
def test_a_project_prepares_what_ships(name, prepare, tmp_path, monkeypatch):
    project = load_project_config(CONFIGS / name, interpolate=True)
    line = next(part for part in project["commands"] if part["name"] == "prepare")["script"][0]
    python, script, data, folder, *options = shlex.split(line)
    monkeypatch.chdir(CONFIGS / name)
    assert (python, Path(script).resolve()) == ("python", CONFIGS / "prepare.py")
    assert options[::2] == ["--seed-size", "--only"] and folder == "corpus"
    prepare(Path(data), tmp_path, int(options[1]), options[3])
    lots = {path.stem: docs_of(path) for path in tmp_path.glob("*.spacy")}
    assert set(lots) == {"seed", "pool", "pool_gold", "dev", "test"}
    assert len(lots["seed"]) == 100
    assert [doc.text for doc in lots["pool"]] == [doc.text for doc in lots["pool_gold"]]
    assert not any(doc.ents or doc.cats or doc.spans for doc in lots["pool"])
    assert sum(len(doc.ents) for doc in lots["pool_gold"]) > 1000
    # each project has its side of the corpus
    kinds = {kind for doc in lots["pool_gold"] for kind, value in doc.cats.items() if value}
    assert ("note" in kinds) == (name == "clinical") != ("clause" in kinds)
    assert len(kinds) == {"clinical": 8, "legal": 7}[name]


def test_a_corpus_in_columns_is_prepared(prepare, tmp_path):
    for name in ("train", "test"):
        lines = [f"Frau O\nBär B-PER\nAG{n} I-PER\n. O\n" for n in range(5)]
        (tmp_path / f"{name}.conll").write_text("\n".join(lines), "utf8")
    (tmp_path / "dev.iob").write_text("Frau|O Bär|B-PER\n", "utf8")
    prepare(tmp_path, tmp_path / "out", 2)
    lots = {path.stem: docs_of(path) for path in (tmp_path / "out").glob("*.spacy")}
    sizes = {"seed": 2, "pool": 3, "pool_gold": 3, "dev": 1, "test": 5}
    assert {name: len(docs) for name, docs in lots.items()} == sizes
    for doc in lots["seed"] + lots["pool_gold"]:
        assert [(ent.start, ent.end, ent.label_) for ent in doc.ents] == [(1, 3, "PER")]


def test_what_cannot_be_prepared_is_explained(prepare, tmp_path, capsys):
    def refused():
        with pytest.raises(SystemExit) as caught:
            prepare(tmp_path, tmp_path / "out", 2)
        assert caught.value.code == 1 and not (tmp_path / "out").exists()
        return " ".join(capsys.readouterr().out.split())

    (tmp_path / "train.iob").write_text("Frau|O Bär|B-PER\n", "utf8")
    assert "no dev, no test" in refused()
    for name in ("dev", "test"):
        shutil.copy(tmp_path / "train.iob", tmp_path / f"{name}.iob")
    assert "1 texts leave no pool" in refused()


@pytest.mark.slow
@pytest.mark.parametrize("project", ["clinical"], indirect=True)
def test_a_project_runs_from_data_to_report(project):
    done = weasel(project, "all", ".", *SHORT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (project / "training" / "loop" / "report.html").is_file()
    assert len(list((project / "training" / "loop").glob("round-*"))) == 2


@pytest.mark.slow
@pytest.mark.parametrize("project", ["legal"], indirect=True)
def test_a_project_asks_a_person(project):
    texts = [doc.text for doc in docs_of(ROOT / "corpus" / "test.spacy")[:40]]
    (project / "documents.txt").write_text("\n\n".join(texts), "utf8")
    done = weasel(project, "annotate", ".", *SHORT)
    # it waits for answers
    assert done.returncode == 3, done.stdout + done.stderr
    tasks = (project / "training" / "al" / "round-000" / "tasks.jsonl").read_text("utf8")
    answers = [json.loads(line) | {"answer": "accept"} for line in tasks.splitlines()]
    assert len(answers) == 5
    lines = "".join(json.dumps(answer) + "\n" for answer in answers)
    (project / "answers.jsonl").write_text(lines, "utf8")
    done = weasel(project, "answer", ".", *SHORT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (project / "training" / "al" / "round-001" / "model-best").is_dir()

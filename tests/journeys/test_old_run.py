"""A run that version 0.1.0 began goes on with this one, and what users have by name is still there.

`fixtures/run_0_1_0` is what that version left on disk, made by it and never again; its `generate.py` says what is in it.
"""

import importlib
import inspect
import json
import platform
import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint, version
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from typer.main import get_command
from typer.testing import CliRunner

from spacy_al.cli import app
from spacy_al.config.project import open_project
from spacy_al.config.section import SECTION
from spacy_al.config.settings import read_settings
from spacy_al.loop.answers import merged_answers
from spacy_al.oracle.gold_texts import read_gold_texts
from spacy_al.store.store import Store
from spacy_al.tasks.merge import write_round_corpus
from spacy_al.training.trainer import train
from spacy_al.util import content_hash

ROOT = Path(__file__).parents[2]
OLD = Path(__file__).parents[1] / "fixtures" / "run_0_1_0"
SURFACE = json.loads((OLD / "surface.json").read_text("utf8"))
# All paths of the run are relative to its project's folder
CONFIG, OUTPUT = Path("run.cfg"), Path("training", "al")
ROUNDS = [OUTPUT / f"round-{number:03}" for number in range(4)]
SEED = 60


@pytest.fixture
def old(tmp_path, monkeypatch):
    """The old run's project, as the working directory."""
    shutil.copytree(OLD / "project", tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    assert not list(OUTPUT.rglob("model-best"))


def command(verb, *words, status=0):
    result = CliRunner().invoke(app, [verb, str(CONFIG), *map(str, words)])
    assert result.exit_code == status, (result.output, result.exception)
    return result


def look():
    """All that is stored: rounds, tasks, answers that count, metrics, models, events."""
    with Store(OUTPUT / "al.db", create=False) as store:
        return {
            "rounds": [(one.number, one.state, one.upto) for one in store.rounds()],
            "tasks": {one.id: one for one in store.tasks()},
            "answers": {one.id: one for one in store.answers()},
            "n_answers": store.n_answers(),
            "metrics": store.metrics(),
            "models": store.models(),
            "events": list(store.events()),
        }


def lost(before, now, where=""):
    """Where something is not what it was. What has come in beside it is no loss."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key, value in before.items():
            yield from lost(value, now[key], f"{where}.{key}") if key in now else [f"{where}.{key}"]
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for key, pair in enumerate(zip(before, now)):
            yield from lost(*pair, f"{where}[{key}]")
    elif before != (pytest.approx(now) if isinstance(before, float) else now):
        yield f"{where}: {before!r} -> {now!r}"


def learned(path):
    """What a corpus teaches, doc by doc."""
    return [
        (
            [token.text_with_ws for token in doc],
            [(token.ent_iob_, token.ent_type_) for token in doc],
            {
                key: sorted((one.start, one.end, one.label_) for one in group)
                for key, group in doc.spans.items()
            },
        )
        for doc in DocBin().from_disk(path).get_docs(Vocab())
    ]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def said():
    return json.loads((OLD / "status.json").read_text("utf8"))


# Without training


def test_status_says_what_it_said(old):
    before = said()
    # answers are counted as they come; 0.1.0 counted them once the batch was whole
    assert before["rounds"][-1]["answers"] is None
    before["rounds"][-1]["answers"] = before["waiting"]["answered"]
    assert [*lost(before, json.loads(command("status", "--json").stdout))] == []


def test_the_export_is_the_same(old, tmp_path):
    command("export", "-o", tmp_path / "export")
    answers = (tmp_path / "export" / "answers.jsonl").read_bytes()
    assert answers == (OLD / "answers.jsonl").read_bytes()
    # ids, propensities and what was shown, round by round
    asked = b"".join((folder / "tasks.jsonl").read_bytes() for folder in ROUNDS[:3])
    assert (tmp_path / "export" / "tasks.jsonl").read_bytes() == asked


def test_its_answers_teach_what_they_taught(old, tmp_path):
    project = open_project(CONFIG)
    with Store(OUTPUT / "al.db", create=False) as store:
        for current in store.rounds():
            merged = merged_answers(store, project, upto=current.upto)
            path = tmp_path / f"{current.number}.spacy"
            write_round_corpus(project.settings.train, merged, path, Vocab())
            assert learned(path) == learned(project.folder(current.number) / "train.spacy")
            # in this order: what contradicts itself was settled in the round after
            report = store.metrics()[current.number]
            assert (dict(merged.report), merged.review) == (report["merged"], report["review"])


def test_configs_of_its_rounds_can_be_read(old):
    now = read_settings(CONFIG)
    for folder in ROUNDS[:3]:
        then = read_settings(folder / "config.cfg")
        assert then.blocks == now.blocks and then.output == OUTPUT
        assert then.train == folder / "train.spacy"


def test_what_was_taken_in_before_is_known(old, tmp_path):
    before = look()
    lines = (OLD / "answers.jsonl").read_text("utf8").splitlines(keepends=True)
    # but for the review, which the judge settled on the page: from a file, 0.1.0 takes it for a new answer to the first question
    (tmp_path / "given.jsonl").write_text("".join(x for x in lines if '"judge"' not in x), "utf8")
    result = command("import", tmp_path / "given.jsonl")
    assert f"read: {len(lines) - 1} already there\n" in result.output
    assert look() == before


def test_answers_that_come_late_are_taken_in_once(old):
    before = look()
    for count in ("2 stored", "2 already there"):
        assert f"✔ 2 read: {count}\n" in command("import", OLD / "late.jsonl").output
    now = look()
    assert now["n_answers"] == before["n_answers"] + 2
    assert [*lost(before["answers"], now["answers"])] == []
    waiting = json.loads(command("status", "--json").stdout)["waiting"]
    assert waiting == {"answered": 5, "asked": 6}


# With a training each


@pytest.mark.slow
def test_it_goes_on(old):
    before, files = look(), [contents(folder) for folder in ROUNDS[:3]]
    command("import", OLD / "late.jsonl")
    # one round more
    how = ("--once", "--quiet", "--al.max_rounds", 3)
    command("run", "--oracle", "corpus/pool_gold.spacy", *how)
    now = look()
    assert [(number, state) for number, state, _ in now["rounds"]] == [
        *((number, "done") for number in range(3)),
        (3, "stopped"),
    ]
    assert now["rounds"][:2] == before["rounds"][:2]
    # the round that came asks nothing, being the last one; what was asked, with its propensities, stays as it was
    assert now["tasks"] == before["tasks"]
    # what the run works on is known from now on
    came = now["events"][len(before["events"]) :]
    assert now["events"] == before["events"] + came
    assert [(one["kind"], one["data"]) for one in came] == [("works on", {"overrides": {}})]
    assert [*lost(before["models"], now["models"])] == []
    assert [*lost(before["metrics"], now["metrics"])] == []
    # all answers of before, as they were, two that came late, and the one that was missing
    new = {id: one for id, one in now["answers"].items() if id not in before["answers"]}
    assert {id: now["answers"][id] for id in before["answers"]} == before["answers"]
    assert sorted(one.annotator for one in new.values()) == ["bo", "bo", "oracle"]
    assert now["n_answers"] == len(now["answers"]) == before["n_answers"] + 3
    for number in (0, 1):
        assert now["metrics"][number] == before["metrics"][number]
        assert contents(ROUNDS[number]) == files[number]
    changed = {"metrics.json", "answers.jsonl"}
    left = {name: data for name, data in contents(ROUNDS[2]).items() if name not in changed}
    assert left == {name: data for name, data in files[2].items() if name not in changed}
    # each text once, as gold has it, whatever was said of it before it was corrected or settled
    taught = [one for one in now["answers"].values() if one.payload["answer"] == "accept"]
    items = {now["tasks"][one.task].item for one in taught}
    gold = read_gold_texts(Path("corpus", "pool_gold.spacy"))
    docs = list(DocBin().from_disk(ROUNDS[3] / "train.spacy").get_docs(Vocab()))
    assert sorted(content_hash(doc.text) for doc in docs[SEED:]) == sorted(items)
    for doc in docs[SEED:]:
        right = gold[content_hash(doc.text)].ents
        assert [(one.start_char, one.end_char, one.label_) for one in doc.ents] == [
            (one.start_char, one.end_char, one.label_) for one in right
        ]
    # its model was compared with what the one before, which is not there any more, had said
    assert "kappa" in now["metrics"][3]
    assert len((ROUNDS[2] / "answers.jsonl").read_text("utf8").splitlines()) == 6
    assert (OUTPUT / "report.html").is_file()
    rows = json.loads(command("status", "--json").stdout)["rounds"]
    assert [*lost(said()["rounds"][:2], rows[:2])] == []
    assert [row["texts"] for row in rows] == [len(learned(f / "train.spacy")) for f in ROUNDS]


@pytest.mark.slow
@pytest.mark.parametrize("state", ["evaluate", "select"])
def test_a_round_whose_model_is_missing_is_trained_again(old, state, tmp_path):
    """It was killed in this state. What is asked in the end is what 0.1.0 asked, where numbers are the same to the last bit."""
    calm = look()
    files = json.loads((OLD / state / "files.json").read_text("utf8"))
    for path in ROUNDS[2].iterdir():
        if path.name not in files:
            path.unlink()
    shutil.copy(OLD / state / "al.db", OUTPUT / "al.db")
    before, corpus = look(), learned(ROUNDS[2] / "train.spacy")
    assert (
        before["rounds"][2][1] == state == json.loads(command("status", "--json").stdout)["state"]
    )
    config = (ROUNDS[2] / "config.cfg").read_bytes()
    command("run", "--once", "--quiet", status=3)
    now = look()
    assert (ROUNDS[2] / "model-best").is_dir() and now["rounds"] == calm["rounds"]
    assert learned(ROUNDS[2] / "train.spacy") == corpus
    assert (ROUNDS[2] / "config.cfg").read_bytes() == config
    assert now["answers"] == before["answers"]
    assert {id: now["tasks"][id] for id in before["tasks"]} == before["tasks"]
    asked = [one.item for one in now["tasks"].values() if one.purpose == "train"]
    assert len(asked) == len(set(asked)) == 18
    for number in (0, 1):
        assert now["metrics"][number] == before["metrics"][number]
        assert now["models"][number] == before["models"][number]
    # where floats are rounded otherwise, another model is as right; processors of one name may do that
    same = here() == {**json.loads((OLD / "environment.json").read_text("utf8")), **EXEMPT}
    if same and trained_anew(ROUNDS[1], tmp_path) == calm["models"][1]["hash"]:
        assert now["models"][2]["hash"] == calm["models"][2]["hash"]
        for one in now["tasks"].values():
            # 0.1.0 did not say what a score is; what it asked itself does not either
            one.task["meta"].pop("scored_by", None)
        for key in ("labels", "measures", "not_measured"):
            # nor what it counts
            assert now["metrics"][2]["dev"].pop(key, None) is not None
        assert now["tasks"] == calm["tasks"]
        timeless = [
            {name: value for name, value in one["metrics"][2].items() if "seconds" not in name}
            for one in (calm, now)
        ]
        assert timeless[0] == timeless[1]


def trained_anew(folder, elsewhere):
    """The hash of the model that a round's config makes here."""
    shutil.copy(folder / "config.cfg", elsewhere)
    return train(elsewhere).hash


# What no number depends on
EXEMPT = {"spacy-al": None, "sqlite": None}


def here():
    """As generate.py has written it."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text("utf8").splitlines() if file.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    kind = f"{platform.system()} {platform.machine()} {next(iter(models), '')}".strip()
    versions = {name: version(name) for name in ("spacy", "thinc", "numpy", "blis")}
    return {"python": platform.python_version(), **versions, "processor": kind, **EXEMPT}


# Names that stand in configs, scripts and files of users: they may become more


def test_registered_functions_and_their_settings_are_there():
    gone = []
    for kind, functions in SURFACE["registered"].items():
        known = getattr(spacy.registry, kind).get_all()
        for name, settings in functions.items():
            takes = inspect.signature(known[name]).parameters if name in known else {}
            gone += [f"{kind} {name}"] if name not in known else []
            gone += [f"{kind} {name}: {one}" for one in settings if one not in takes]
    assert gone == []


@pytest.mark.slow
def test_an_import_registers_what_it_registered():
    code = "import json, sys, spacy, spacy_al; print(json.dumps({kind: [*getattr(spacy.registry, kind).get_all()] for kind in sys.argv[1:]}))"
    before = SURFACE["registered_by_import"]
    words = [sys.executable, "-W", "ignore", "-c", code, *before]
    found = json.loads(subprocess.check_output(words, text=True, timeout=120))
    assert {kind: sorted({*names} - {*found[kind]}) for kind, names in before.items()} == {
        kind: [] for kind in before
    }


def test_verbs_and_their_options_are_there():
    shown = CliRunner().invoke(app, ["--help"]).stdout.partition("Commands:")[2]
    listed = {line.split()[0] for line in shown.splitlines() if line.strip()}
    assert SURFACE["verbs"].keys() <= listed
    commands = get_command(app).commands
    for verb, options in SURFACE["verbs"].items():
        known = {one for p in commands[verb].params for one in (*p.opts, *p.secondary_opts)}
        assert {*options} <= known, verb


def test_entry_points_are_there_and_lead_somewhere():
    project = pytest.importorskip("tomllib").loads((ROOT / "pyproject.toml").read_text("utf8"))
    points = {
        "console_scripts": project["project"]["scripts"],
        **project["project"]["entry-points"],
    }
    for group, names in SURFACE["entry_points"].items():
        for name in names:
            assert callable(EntryPoint(name, points[group][name], group).load())


@pytest.mark.parametrize("module", SURFACE["names"])
def test_modules_offer_what_they_offered(module):
    found = importlib.import_module(module)
    assert [name for name in SURFACE["names"][module] if not hasattr(found, name)] == []
    if module == "spacy_al":
        assert {*SURFACE["names"][module]} <= {*found.__all__}


def test_settings_are_there():
    assert {*SURFACE["settings"]} <= {*SECTION, "pool"}

"""The shipped recipes against what Prodigy documents, and what a wrong recipe is told."""

import itertools
import re
import shutil
import sys
import types
from pathlib import Path

import pytest

from spacy_al import recipe as recipes
from spacy_al.auditing.review import make_review
from spacy_al.config.project import Project
from spacy_al.config.settings import Settings
from spacy_al.errors import AlError, UsageError
from spacy_al.recipe import NAME, load_recipe, shipped, split, start, start_in
from spacy_al.tasks.answer import check, task_kind
from spacy_al.tasks.decision import annotation
from spacy_al.tasks.task import read_tasks, write_tasks
from spacy_al.web.recipe_feed import check_task
from tests.auditing.test_review import META, corpus, doubted, sure
from tests.helpers.ner_oracle import make_ner
from tests.posteriors.test_readers import make
from tests.query.test_select import TEXTS, save_light, write

ROOT = Path(__file__).parents[1]
# By recipe: component, and the interface that Prodigy documents for it
SHIPPED = {
    "ner_teach": ("ner", "ner"),
    "ner_correct": ("ner", "ner_manual"),
    "ner_gaps": ("ner", "ner_manual"),
    "spans_correct": ("spancat", "spans_manual"),
    "textcat_teach": ("textcat_multilabel", "classification"),
    "textcat_correct": ("textcat", "choice"),
    "tag_correct": ("tagger", "pos_manual"),
}

# It asks what a file holds, and needs neither model nor pool
AUDIT = "audit"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    save_light(make_ner(updates=2, scale=1.5), root / "ner")
    for component in ("textcat", "textcat_multilabel", "tagger", "spancat"):
        save_light(make(component), root / component)
    return root


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    return write(
        [*TEXTS[:8], "aspirin 😀 gave  Dr Smith\ntwo é mg"], tmp_path_factory.mktemp("pool")
    )


def components(name, models, pool, **more):
    model = str(models / SHIPPED[name][0])
    return start(load_recipe(name), dataset="mine", model=model, source=str(pool), **more)


def test_all_are_there():
    assert set(shipped()) == {*SHIPPED, AUDIT}
    for path in shipped().values():
        lines = path.read_text("utf8").splitlines()
        assert len(lines) <= 90
        assert f"-F recipes/{path.name}" in "\n".join(lines)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_tasks_are_as_prodigy_documents_them(models, pool, name):
    made = components(name, models, pool)
    _, view = SHIPPED[name]
    assert made["view_id"] == view and made["dataset"] == "mine"
    assert made["config"]["lang"] == "xx" and made["config"]["labels"]
    tasks = list(itertools.islice(made["stream"], 12))
    assert tasks
    for task in tasks:
        assert task["_view_id"] == view
        text, tokens = task["text"], task["tokens"]
        for hash_ in ("_input_hash", "_task_hash"):
            assert type(task[hash_]) is int and -(2**31) <= task[hash_] < 2**31
        for i, token in enumerate(tokens):
            assert set(token) == {"text", "start", "end", "id", "ws"} and token["id"] == i
            assert text[token["start"] : token["end"]] == token["text"]
            assert token["ws"] is (text[token["end"] : token["end"] + 1] == " ")
        for span in task.get("spans", ()):
            first, last = tokens[span["token_start"]], tokens[span["token_end"]]
            assert (span["start"], span["end"]) == (first["start"], last["end"])
            assert span["label"] in made["config"]["labels"]
        if view == "ner":
            assert len(task["spans"]) == 1
        if view == "pos_manual":
            assert all(span["token_start"] == span["token_end"] for span in task["spans"])
        if view == "choice":
            ids = [option["id"] for option in task["options"]]
            assert ids == made["config"]["labels"]
            assert all(isinstance(option["text"], str) for option in task["options"])
            assert len(task["accept"]) == 1 and set(task["accept"]) <= set(ids)
            assert task["config"]["choice_style"] == "single"
        if view == "classification":
            assert task["label"] in made["config"]["labels"]
    assert write_tasks(tasks, Path("/dev/null")) == len(tasks)
    inputs = {}
    for task in tasks:
        inputs.setdefault(task["text"], set()).add(task["_input_hash"])
    assert all(len(hashes) == 1 for hashes in inputs.values())
    assert len({task["_task_hash"] for task in tasks}) == len(tasks)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("verdict", ["accept", "reject"])
def test_every_task_can_be_answered_as_it_is_shown(models, pool, name, verdict):
    made = components(name, models, pool)
    task = next(made["stream"])
    used = "accept" if task_kind(task) == "categories" else "spans"
    payload = check(task, {"answer": verdict, used: task[used]})
    labels = made["config"]["labels"]
    decided = annotation(task, payload, kind=task_kind(task), labels=labels)
    if verdict == "accept" or "teach" in name:
        assert not decided.reason and (
            decided.accepted if verdict == "accept" else decided.rejected
        )
    if "update" in made:
        made["update"]([{**task, "answer": verdict}])
        assert next(made["stream"])["_task_hash"] != task["_task_hash"]


@pytest.mark.slow
def test_teach_asks_one_at_a_time(models, pool):
    config = components("ner_teach", models, pool)["config"]
    assert config["batch_size"] == 1 and config["instant_submit"]


def test_several_categories(models, pool):
    made = start(
        load_recipe("textcat_correct"),
        dataset="x",
        model=str(models / "textcat_multilabel"),
        source=str(pool),
        multilabel=True,
    )
    assert next(made["stream"])["config"]["choice_style"] == "multiple"
    cold = start(
        load_recipe("textcat_correct"),
        dataset="x",
        model=None,
        source=str(pool),
        label=["A", "B"],
        multilabel=True,
    )
    task = next(cold["stream"])
    assert task["config"]["choice_style"] == "multiple" and task["accept"] == []
    assert cold["config"]["labels"] == ["A", "B"]


@pytest.mark.parametrize("name", [*SHIPPED, AUDIT])
def test_the_same_file_serves_prodigy(monkeypatch, name):
    """Prodigy's command has imported it before it reads the file; it registers by name, with annotations of arguments."""
    seen = {}
    fake = types.ModuleType("prodigy")
    fake.recipe = lambda name, **given: lambda function: seen.update({name: (function, given)})
    monkeypatch.setitem(sys.modules, "prodigy", fake)
    function = load_recipe(str(shipped()[name]))
    registered, given = seen["al." + name.replace("_", ".", 1)]
    assert registered is function and getattr(function, NAME) in shipped()[name].read_text("utf8")
    code = function.__code__
    assert list(given) == list(code.co_varnames[: code.co_argcount])
    required = code.co_argcount - len(function.__defaults__ or ())
    for i, (argument, (description, kind, short, convert)) in enumerate(given.items()):
        assert isinstance(description, str) and callable(convert), argument
        assert kind == ("positional" if i < required else "flag" if convert is bool else "option")
        assert short is None or len(short) == 1
    shorts = [short for _, _, short, _ in given.values() if short]
    assert len(shorts) == len(set(shorts))
    assert function.__doc__


@pytest.mark.parametrize("name", [*SHIPPED, AUDIT])
def test_works_without_prodigy(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "prodigy", None)  # importing it fails
    assert callable(load_recipe(name))


def test_a_path_comes_before_a_name(tmp_path, monkeypatch):
    mine = tmp_path / "ner_correct"
    mine.write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AlError, match="AL261"):  # the file here, which is no Python
        load_recipe("ner_correct")
    mine.unlink()
    assert getattr(load_recipe("ner_correct"), NAME) == "al.ner.correct"


GOOD = "from spacy_al.recipe import recipe\n@recipe('mine')\ndef mine(dataset, n=1):\n    return "


def file(tmp_path, body, head=GOOD):
    path = tmp_path / "mine.py"
    path.write_text(head + body)
    return str(path)


def test_unknown_names_and_files(tmp_path):
    for name in ("nothing", "../recipes/ner_teach", str(tmp_path), ""):
        with pytest.raises(UsageError, match=r"AL260.*ner_teach"):
            load_recipe(name)
    with pytest.raises(AlError, match=r"AL261.*ZeroDivisionError"):
        load_recipe(file(tmp_path, "{}\n1 / 0"))
    with pytest.raises(AlError, match=r"AL261.*SyntaxError"):
        load_recipe(file(tmp_path, "{"))
    with pytest.raises(AlError, match=r"AL262.* 0 recipes"):
        load_recipe(file(tmp_path, "x = 1", head=""))
    with pytest.raises(AlError, match=r"AL262.* 2 recipes"):
        load_recipe(file(tmp_path, f"1\n{GOOD.replace('def mine', 'def other')}1"))


FINE = {"dataset": "x", "view_id": "choice", "stream": []}


@pytest.mark.parametrize(
    "returned, why",
    [
        (3, "int"),
        ({"dataset": "x", "view_id": "choice"}, "'stream' is missing"),
        ({**FINE, "steam": 1}, "'steam'"),
        ({**FINE, "view_id": "html"}, "'html'"),
        ({**FINE, "view_id": ["choice"]}, "view_id"),
        ({**FINE, "stream": 3}, "gives no tasks"),
    ],
)
def test_what_a_recipe_must_return(tmp_path, returned, why):
    function = load_recipe(file(tmp_path, repr(returned)))
    with pytest.raises(AlError, match="AL264") as error:
        start(function, dataset="x")
    assert why in str(error.value)


def test_arguments_are_strict(tmp_path):
    function = load_recipe(file(tmp_path, repr(FINE)))
    assert start(function, dataset="x") == FINE
    for arguments in ({}, {"dataset": "x", "data": 1}):
        with pytest.raises(UsageError, match=r"AL263.*'mine'.*takes: dataset, n"):
            start(function, **arguments)


def test_in_a_run_what_was_asked_is_left_out(models, pool, tmp_path):
    texts = [task["text"] for task in components("ner_correct", models, pool)["stream"]]
    shutil.copytree(models / "ner", tmp_path / "run" / "round-000" / "model-best")
    asked = [{"text": texts[0]}, {"text": texts[3]}]
    write_tasks(asked, tmp_path / "run" / "round-000" / "tasks.jsonl")
    train = write(texts[1:2], tmp_path / "train")
    settings = Settings(output=tmp_path / "run", pool=pool, train=train, factory="ner")
    made = start_in(Project(tmp_path / "x.cfg", {}, settings), "ner_correct")
    assert made["dataset"] == "run"
    left = {task["text"] for task in made["stream"]}
    assert left == set(texts) - {texts[0], texts[1], texts[3]}


def test_start_in_gives_a_recipe_what_it_takes(tmp_path):
    body = "{'dataset': dataset, 'view_id': 'choice', 'stream': [], 'config': {'n': n}}"
    settings = Settings(output=tmp_path / "run", pool=tmp_path)
    project = Project(tmp_path / "x.cfg", {}, settings)
    assert start_in(project, file(tmp_path, body))["config"] == {"n": 1}


def test_split():
    assert split(" DRUG, PER ,,") == ["DRUG", "PER"]


def test_recipes_are_shipped():
    assert re.search(r'^recipes = "spacy_al/recipes"$', (ROOT / "pyproject.toml").read_text(), re.M)
    assert recipes.shipped()["ner_teach"].parent == ROOT / "recipes"


def test_a_review_list_is_asked_as_it_is(tmp_path):
    found = corpus([doubted(row) if row < 3 else sure(row) for row in range(12)])
    tasks = make_review(found, 3, 4, 0, META)
    settings = Settings(component="ner", output=tmp_path, labels=["A", "B"], factory="ner")
    write_tasks(tasks, tmp_path / "audit.jsonl")
    made = start_in(Project(tmp_path / "config.cfg", {}, settings), AUDIT)
    assert made["view_id"] == "ner_manual" and made["config"]["labels"] == ["A", "B"]
    asked = list(made["stream"])
    assert asked == [*read_tasks(tmp_path / "audit.jsonl")] and len(asked) == 7
    for task in asked:
        assert check_task(task, "entities", made["view_id"], AUDIT)["audit"] == task["audit"]

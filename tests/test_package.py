"""The house rules that no single module can keep: floors, what an import costs, names, codes, paths."""

import ast
import importlib
import inspect
import os
import pickle
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
from confection import ConfigValidationError

import spacy_al
from spacy_al.errors import AlError, Errors, UsageError, Warnings
from spacy_al.public import functions
from spacy_al.registry import NAMES
from tests.helpers.floors import FLOOR_OF, FLOORS, NEIGHBOURS, PACKAGE, faults_of

FILES = sorted(PACKAGE.rglob("*.py"))
# what an import pulls in is asked where there is most to pull in
pytestmark = pytest.mark.everything_installed
OPTIONAL = (
    "faiss",
    "fastapi",
    "matplotlib",
    "mlflow",
    "onnxruntime",
    "scipy",
    "sklearn",
    "torch",
    "transformers",
    "uvicorn",
)


def python(*args, check=True):
    done = subprocess.run(
        [sys.executable, *args], capture_output=True, text=True, timeout=120, env=dict(os.environ)
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# Floors, which `helpers/floors.py` lists

# Rooms where numbers are all there is
MATHS = ("acquisition", "arrays", "lattice", "measures", "selection", "stopping")


@pytest.mark.slow
def test_every_file_imports_from_lower_floors_only():
    assert faults_of() == []
    assert len(FLOORS) == 8 and len(NEIGHBOURS) <= 7 and all(NEIGHBOURS.values())


def test_every_room_of_the_plan_exists():
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES}
    assert set(FLOOR_OF) == rooms - {"__init__"}
    assert sum(len(path.relative_to(PACKAGE).parts) == 1 for path in FILES) <= 10


LATER = """
def later():
    from spacy_al.query.select import select
"""
CHECKED = """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from spacy_al.loop.rounds import run
"""


@pytest.mark.parametrize(
    "name, text, fault",
    [
        ("attic.py", "", "attic is on no floor"),
        ("attic/box.py", "", "attic is on no floor"),
        ("measures/box.py", "import spacy_al.cli.app", "imports cli above it"),
        ("measures/box.py", "from ..cli import app", "imports cli above it"),
        ("measures/box.py", LATER, "imports query above it"),
        ("measures/box.py", CHECKED, "imports loop above it"),
        ("measures/box.py", "from spacy_al import data", "imports data, and one of them is on no"),
        ("arrays/box.py", "from spacy_al import get_posteriors", "imports posteriors above it"),
        ("web/box.py", "from spacy_al.loop.rounds import run", "imports loop on its own floor"),
        ("util.py", "from spacy_al import registry", "imports registry above it"),
    ],
)
def test_what_the_plan_forbids_is_found(tmp_path, name, text, fault):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert any(fault in found for found in faults_of(tmp_path, {})), faults_of(tmp_path, {})


def test_pairs_are_used_and_lead_nowhere_back(tmp_path):
    pairs = {("loop", "web"): "x", ("web", "loop"): "x", ("bench", "loop"): "x"}
    for room, other in (("loop", "web"), ("web", "loop")):
        (tmp_path / room).mkdir()
        (tmp_path / room / "box.py").write_text(f"import spacy_al.{other}.box")
    assert faults_of(tmp_path, pairs) == [
        "bench no longer imports loop",
        "imports lead from loop back to it",
        "imports lead from web back to it",
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_maths_never_sees_a_doc(path):
    if path.relative_to(PACKAGE).parts[0] not in MATHS:
        return
    source = path.read_text(encoding="utf8")
    assert not re.search(r"^\s*(from|import) spacy(\.|\s)", source, re.MULTILINE), path


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_is_private_to_the_store_stays_in_it(path):
    if path.relative_to(PACKAGE).parts != ("store", "database.py"):
        source = path.read_text(encoding="utf8")
        assert not re.search(r"\bstore\._|\b_connection\b", source), path


def test_no_room_has_the_name_of_a_public_function():
    """Importing a submodule sets an attribute of that name on the package, in whose place a function could stand."""
    public = {"bench", "evaluate", *spacy_al.__all__} - {"registry"}
    list(modules())
    assert not public & set(FLOOR_OF) - {"bench"}


@pytest.mark.parametrize("path", sorted((PACKAGE / "cli").glob("*.py")), ids=lambda p: p.stem)
def test_a_verb_parses_calls_and_prints(path):
    """What it does is done below, so that it can be called from Python; here are its options and its words."""
    if path.stem in ("__init__", "app", "batch", "options", "status_tables"):
        return
    functions = [node for node in ast.parse(path.read_text("utf8")).body if hasattr(node, "args")]
    public = [node.name for node in functions if not node.name.startswith("_")]
    assert f"{path.stem.strip('_')}_cli" in public
    assert all(name.endswith("_cli") or name.startswith("format_") for name in public), public


# What an import costs

HIDE = f"""
import importlib.metadata as metadata
import sys

# spacy-transformers cannot be imported without torch, and spaCy imports it wherever it is installed
points = metadata.EntryPoints(
    point
    for distribution in metadata.distributions()
    for point in distribution.entry_points
    if not point.value.startswith("spacy_transformers")
)
metadata.entry_points = lambda **given: points.select(**given)

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {OPTIONAL}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
"""


@pytest.mark.slow
def test_import_is_light_and_warns_of_nothing():
    code = "import sys, {}; print(*{{name.split('.')[0] for name in sys.modules}})"
    # thinc imports torch wherever it is installed
    spacys = set(python("-c", code.format("spacy")).split())
    loaded = set(python("-W", "error", "-c", code.format("spacy_al")).split())
    assert "spacy_al" in loaded
    verbs = python("-c", "import sys, spacy_al; print(*sys.modules); spacy_al.select")
    assert "spacy_al.registry" in verbs.split() and "spacy_al.loop" not in verbs
    assert "spacy_al.public" not in verbs and "spacy_al.query" not in verbs
    assert not (loaded - spacys) & set(OPTIONAL)


@pytest.mark.slow
def test_works_without_the_extras():
    code = """
import runpy, spacy
spacy.blank("en").add_pipe("al_scorer")
for words in (["--help"], ["al", "--help"]):
    sys.argv = ["spacy", *words]
    try:
        runpy.run_module("spacy", run_name="__main__")
    except SystemExit as done:
        assert not done.code
"""
    shown = python("-W", "ignore", "-c", HIDE + code)
    assert "train" in shown and "select" in shown


@pytest.mark.slow
def test_spacy_finds_everything_without_an_import():
    code = """
import spacy
nlp = spacy.blank("en")
nlp.add_pipe("al_scorer")
block = {"@al_acquisitions": "spacy-al.token_entropy.v1"}
spacy.registry.resolve({"al": {"acquisition": block}})
"""
    python("-W", "error::UserWarning", "-c", code)


def verbs(text):
    listed = text.partition("Commands:")[2].splitlines()
    return [line.split()[0] for line in listed if re.match(r"  \w", line)]


@pytest.mark.slow
def test_the_same_verbs_everywhere():
    own = verbs(python("-m", "spacy_al", "--help"))
    assert own == verbs(python("-m", "spacy", "al", "--help"))
    assert {"ingest", "select"} <= set(own)
    script = Path(sys.executable).with_name("spacy-al")
    if script.exists():
        done = subprocess.run([str(script), "--help"], capture_output=True, text=True, timeout=120)
        assert verbs(done.stdout) == own


@pytest.mark.slow
def test_version():
    assert python("-m", "spacy_al", "--version").startswith(f"spacy-al {spacy_al.__version__}, ")


# Names


def modules():
    """All modules of the package; those that need an extra that is missing are left out."""
    for info in pkgutil.walk_packages([str(PACKAGE)], "spacy_al."):
        if info.name.endswith("__main__"):
            continue
        try:
            yield importlib.import_module(info.name)
        except ModuleNotFoundError as error:
            assert not (error.name or "").startswith("spacy_al"), error


def test_all_is_right():
    shown = {name for name in dir(spacy_al) if not name.startswith("_")}
    hidden = {name for name in shown if inspect.ismodule(getattr(spacy_al, name))}
    assert shown - hidden == set(spacy_al.__all__) - {"registry"}
    assert set(functions.__all__) < shown and functions.__all__ == [
        name for name in functions.__all__ if getattr(spacy_al, name) is vars(functions)[name]
    ]
    for module in (spacy_al, *modules()):
        names = getattr(module, "__all__", [])
        assert len(names) == len(set(names)), module.__name__
        assert [name for name in names if not hasattr(module, name)] == [], module.__name__
        assert list(names) == sorted(names, key=lambda n: (n.islower(), n)), module.__name__


def builders():
    """Everything the package registers, in its own registries and in spaCy's: (registry, name, function)."""
    list(modules())
    kinds = [
        *NAMES,
        "readers",
        "scorers",
        "loggers",
        "callbacks",
        "architectures",
        "layers",
        "misc",
    ]
    for kind in kinds:
        registered = getattr(spacy.registry, kind).get_all()
        for name, function in registered.items():
            if getattr(function, "__module__", "").split(".")[0] == "spacy_al":
                yield kind, name, function


BUILDERS = list(builders())
IDS = [f"{kind}-{name}" for kind, name, _ in BUILDERS]


def test_something_is_registered():
    assert {"al_posteriors", "al_acquisitions", "al_samplers"} <= {kind for kind, _, _ in BUILDERS}


@pytest.mark.parametrize("kind, name, function", BUILDERS, ids=IDS)
def test_registered_names(kind, name, function):
    assert re.fullmatch(r"spacy-al\.[a-z][a-z0-9_]*\.v[1-9]\d*", name)


@pytest.mark.parametrize("kind, name, function", BUILDERS, ids=IDS)
def test_builders_are_the_schema_of_the_config(kind, name, function):
    for parameter in inspect.signature(function).parameters.values():
        assert parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL), parameter
        assert parameter.annotation is not parameter.empty, parameter


@pytest.mark.parametrize("kind, name, function", BUILDERS, ids=IDS)
def test_builders_pickle(kind, name, function):
    pickle.loads(pickle.dumps(function))


# Those of which some setting has no default, or no default that can be used
SETTINGS_NEEDED = {
    "spacy-al.add_labels.v1",
    "spacy-al.all_of.v1",
    "spacy-al.any_of.v1",
    "spacy-al.batch_sampled.v1",
    "spacy-al.budget.v1",
    "spacy-al.checkpoints.v1",
    "spacy-al.committee.v1",
    "spacy-al.encoder_embed.v1",
    "spacy-al.estimator.v1",
    "spacy-al.linear_textcat.v1",
    "spacy-al.measured_scorer.v1",
    "spacy-al.own_scorer.v1",
    "spacy-al.product.v1",
    "spacy-al.requirements.v1",
    "spacy-al.target_score.v1",
}


@pytest.mark.parametrize("kind, name, function", BUILDERS, ids=IDS)
def test_what_is_built_pickles(kind, name, function):
    block = {"made": {f"@{kind}": name}}
    if name in SETTINGS_NEEDED:
        with pytest.raises((UsageError, ConfigValidationError)):
            spacy.registry.resolve(block)
        return
    built = spacy.registry.resolve(block)["made"]
    assert type(pickle.loads(pickle.dumps(built))) is type(built)


# A script's entry; what is public in `stream`, which scores by the function that is registered under that name; and the verbs, each of
# which as a function calls the one that does its work
SAME_NAME = {"main", "missed_entities", *functions.__all__}


def test_no_public_name_is_defined_twice():
    names: dict[str, list[str]] = {}
    for path in FILES:
        for node in ast.parse(path.read_text(encoding="utf8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                names.setdefault(node.name, []).append(str(path.relative_to(PACKAGE)))
    twice = {name: where for name, where in names.items() if len(where) > 1}
    assert set(twice) == SAME_NAME, twice


# Error codes


def test_codes_are_unique_and_start_their_text():
    tree = ast.parse((PACKAGE / "errors.py").read_text(encoding="utf8"))
    for kind, prefix in ((Errors, ""), (Warnings, "AL")):
        body = next(n for n in tree.body if getattr(n, "name", "") == kind.__name__).body
        names = [node.targets[0].id for node in body if isinstance(node, ast.Assign)]
        assert len(names) == len(set(names))
        for name in names:
            assert re.fullmatch(r"AL\d{3}|W\d{3}", name)
            text = getattr(kind, name)
            assert text.startswith(f"[{prefix}{name}] "), name
    assert UsageError.exit_code == 2 and AlError.exit_code == 1


@pytest.mark.slow
def test_every_code_is_used():
    source = "\n".join(path.read_text(encoding="utf8") for path in FILES)
    for kind in (Errors, Warnings):
        names = [name for name in vars(kind) if not name.startswith("_")]
        unused = [n for n in names if not re.search(rf"\b{kind.__name__}\.{n}\b", source)]
        assert unused == []
        used = set(re.findall(rf"\b{kind.__name__}\.([A-Z]+\d+)\b", source))
        assert used <= set(names)


# The repository


def test_types_are_shown_to_whoever_imports_it():
    """By PEP 561; what lies in the package is in the wheel."""
    assert (PACKAGE / "py.typed").is_file()


def test_no_paths_of_anybodys_machine():
    git, root = shutil.which("git"), PACKAGE.parent
    # of a checkout what is tracked, and else what came in the archive
    index = ["--no-index"] if not (root / ".git").exists() else []
    assert git is not None, "git looks through the files"
    pattern = r"(^|[^\w.>)}])/(home|Users|root|work|farm)/\w"
    command = [git, "grep", *index, "-nIE", pattern, "--", ".", ":!.venv", ":!.mypy_cache"]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60)
    assert found.stdout == ""

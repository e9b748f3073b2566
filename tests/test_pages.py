"""The pages say what is there, all of it, and what they say is there."""

import importlib
import importlib.util
import inspect
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy
import pytest
import spacy
import typer
from confection import Config
from spacy.training import Example

import spacy_al
from spacy_al.adapters.formats import FORMATS
from spacy_al.cli import app
from spacy_al.config.partial import Partial
from spacy_al.config.section import BLOCKS, FILTERS, KINDS, SECTION
from spacy_al.config.self_training import SelfTraining
from spacy_al.config.settings import Settings, read_settings
from spacy_al.config.teacher import TeacherBlock
from spacy_al.config.tracking import Tracking

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf8")
    for path in (
        ROOT / "README.md",
        *DOCS.glob("*.md"),
        DOCS / "strategies" / "README.md",
        *(ROOT / "configs").glob("*/README.md"),
        ROOT / "corpus" / "README.md",
    )
}
# The page that holds the table of what is registered there
TABLES = {
    "al_acquisitions": "docs/acquisitions.md",
    "al_samplers": "docs/samplers.md",
    "al_embeddings": "docs/samplers.md",
    "al_posteriors": "docs/posterior.md",
    "al_stoppers": "docs/stopping.md",
    "al_adapters": "docs/simulate.md",
}
REGISTERED = [
    (registry, name)
    for registry in TABLES
    for name in getattr(spacy_al.registry, registry).get_all()
    if name.startswith("spacy-al.")
]
VERBS = typer.main.get_command(app).commands


def blocks(page: str, language: str = r"\w*") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGES[page], flags=re.DOTALL | re.MULTILINE)


def code(page: str) -> Iterator[str]:
    """Lines of code blocks, and what stands in backticks."""
    for block in blocks(page):
        yield from block.splitlines()
    rest = re.sub(r"^```.*?^```", "", PAGES[page], flags=re.DOTALL | re.MULTILINE)
    yield from re.findall(r"`([^`\n]+)`", rest)
    yield from re.findall(r"^    (python .+)$", rest, flags=re.MULTILINE)


def commands(page: str) -> Iterator[list[str]]:
    """The words of each command."""
    for line in code(page):
        for part in line.split("&&"):
            try:
                words = shlex.split(part, comments=True)
            except ValueError:
                continue  # not of a shell
            if words:
                yield words


def first_cells(page: str) -> str:
    return "\n".join(re.findall(r"^\| ([^|]*) \|", PAGES[page], flags=re.MULTILINE))


def row(page: str, name: str) -> list[str]:
    """The cells of the only row of a page that begins with a name."""
    found = re.findall(rf"^\| `{re.escape(name)}` \| (.*) \|$", PAGES[page], flags=re.MULTILINE)
    assert len(found) == 1, (page, name)
    return found[0].split(" | ")


def toml(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    value = [*value] if isinstance(value, tuple) else value
    return f'"{value}"' if isinstance(value, str | Path) else str(value)


@pytest.mark.parametrize("registry, name", REGISTERED)
def test_every_registered_function_is_listed(registry, name):
    short = name.removeprefix("spacy-al.").rsplit(".", 1)[0]
    assert f"`{short}`" in first_cells(TABLES[registry])


@pytest.mark.parametrize("registry, name", REGISTERED)
def test_settings_are_those_of_the_function(registry, name):
    make = getattr(spacy_al.registry, registry).get(name)
    settings = ", ".join(
        f"`{each.name}`" if each.default is each.empty else f"`{each.name} = {toml(each.default)}`"
        for each in inspect.signature(make).parameters.values()
    )
    assert " | ".join(row(TABLES[registry], name)).strip() == settings


def test_every_command_is_listed():
    listed = re.findall(r"^\| `([a-z-]+)[ `]", PAGES["docs/commands.md"], flags=re.MULTILINE)
    assert set(VERBS) == set(listed) & set(VERBS)


def test_every_extra_is_listed():
    project = (ROOT / "pyproject.toml").read_text("utf8")
    section = project.split("[project.optional-dependencies]\n")[1].split("\n[")[0]
    extras = re.findall(r"^([\w-]+) = \[", section, flags=re.MULTILINE)
    assert extras
    table = PAGES["docs/commands.md"].split("| extra | for |")[1]
    cells = " ".join(re.findall(r"^\| ([^|]*) \|", table, flags=re.MULTILINE))
    assert set(re.findall(r"`([\w-]+)`", cells)) == set(extras)


def test_every_setting_is_listed():
    page = "docs/configuration.md"
    usual = Settings()
    for name in KINDS:
        default = row(page, name)[0]
        if name != "component":
            assert default == f"`{toml(getattr(usual, name))}`", name
    listed = set(re.findall(r"^\| `\[al\.(\w+)\]` \|", PAGES[page], flags=re.MULTILINE))
    assert listed == (SECTION - set(KINDS)) | {"pool"} and set(BLOCKS) < listed
    assert all(f"`{name}`" in PAGES[page] for name in FILTERS)


@pytest.mark.parametrize(
    "kind, page, heading",
    [
        (Partial, "partial-questions", "## Parts"),
        (SelfTraining, "partial-questions", "## Self-training"),
        (Tracking, "tracking", "# Where a run is shown"),
    ],
)
def test_every_setting_of_a_block_is_listed(kind, page, heading):
    section = PAGES[f"docs/{page}.md"].split(heading)[1].split("\n## ")[0]
    listed = dict(re.findall(r"^\| `(\w+)` \| `(.*?)` \|", section, flags=re.MULTILINE))
    assert listed == {each.name: toml(each.default) for each in fields(kind)}


def test_every_setting_of_a_teacher_is_listed():
    section = PAGES["docs/teachers.md"].split("## Settings")[1].split("\n## ")[0]
    listed = dict(re.findall(r"^\| `(\w+)` \| `(.*?)` \|", section, flags=re.MULTILINE))
    usual = TeacherBlock()
    assert listed == {each.name: toml(getattr(usual, each.name)) for each in fields(TeacherBlock)}


def test_every_format_and_what_it_holds_is_listed():
    for name, form in FORMATS.items():
        assert row("docs/formats.md", name)[-1] == ", ".join(form.kinds)


def test_every_recipe_is_listed():
    listed = re.findall(r"^\| \[`(\w+)`\]", PAGES["docs/recipes.md"], flags=re.MULTILINE)
    assert sorted(listed) == sorted(path.stem for path in (ROOT / "recipes").glob("*.py"))


def test_every_page_is_in_the_index():
    links = set(re.findall(r"\]\(([^)#]+)\)", PAGES["docs/README.md"]))
    pages = {path.name for path in DOCS.glob("*.md")} - {"README.md"}
    assert pages | {"strategies/README.md"} <= links


@pytest.mark.parametrize("page", PAGES)
def test_files_it_names_exist(page):
    # other pools and models are made by the commands
    tops = "configs|corpus|docs|recipes|tests|spacy_al"
    for path in re.findall(rf"(?<![\w./])(?:{tops})/[\w./-]+\.\w+", PAGES[page]):
        # of modules it is enough to say where they are in the package
        assert (ROOT / path).exists() or (ROOT / "spacy_al" / path).is_file(), path


@pytest.mark.parametrize("page", PAGES)
def test_names_can_be_imported(page):
    for line in () if page == "docs/CHANGELOG.md" else code(page):  # which has old ones, too
        for name in re.findall(r"(?<![\w./-])spacy_al(?:\.\w+)+", line):
            parts, found = name.split("."), None
            for n in range(len(parts), 0, -1):
                module = ".".join(parts[:n])
                try:
                    spec = importlib.util.find_spec(module)
                except ModuleNotFoundError:
                    continue
                if spec is not None:
                    found = importlib.import_module(module)
                    break
            for part in parts[n:]:
                found = getattr(found, part)


@pytest.mark.parametrize("page", PAGES)
def test_commands_exist(page):
    """Verbs and their options, modules and scripts."""
    for words in commands(page):
        line, verb = " ".join(words), None
        if words[:3] == ["python", "-m", "spacy_al"]:
            verb = words[3] if words[3:] else None
        elif words[0] == "spacy-al":
            verb = words[1] if words[1:] else None
        elif words[:2] == ["python", "-m"] and words[2].split(".")[0] in ("spacy_al", "tests"):
            assert importlib.util.find_spec(words[2]), line
        elif words[0] == "python" and words[1:] and words[1].endswith(".py"):
            near = (ROOT, (ROOT / page).parent)
            assert any((folder / words[1]).is_file() for folder in near), line
        elif words[0] in VERBS:
            verb = words[0]  # as it is said in a sentence
        if verb is None or verb == "VERB":
            continue
        assert verb in VERBS, line
        options = {
            each for parameter in VERBS[verb].params for each in (*parameter.opts, "--help")
        } | {each for parameter in VERBS[verb].params for each in parameter.secondary_opts}
        for word in words[words.index(verb) :]:
            # --al.batch_size and the like are of the config
            if re.fullmatch(r"--?[a-z][a-z-]*", word):
                assert word in options, line


@pytest.mark.parametrize("page", PAGES)
def test_blocks_for_a_config_can_be_read(page, tmp_path):
    for block in blocks(page, "ini"):
        if not block.startswith("[al]\n"):
            continue
        config = Config().from_disk(ROOT / "configs" / "ner.cfg", interpolate=False)
        config["al"] = Config().from_str(block)["al"]
        config.to_disk(tmp_path / "own.cfg")
        written = set(Config().from_str(block)["al"])
        settings = read_settings(tmp_path / "own.cfg")
        given = {name for name in written if getattr(settings, name, None) is not None}
        assert written == given | set(settings.blocks)


def test_the_strategy_in_a_config_says_what_its_text_says(tmp_path):
    [block] = blocks("docs/acquisitions.md", "ini")
    config = Config().from_disk(ROOT / "configs" / "ner.cfg", interpolate=False)
    config["al"] = Config().from_str(block)["al"]
    config.to_disk(tmp_path / "own.cfg")
    settings = read_settings(tmp_path / "own.cfg")
    assert settings.committee == "checkpoints" and settings.partial is not None
    assert settings.partial.rest == "self"
    assert set(settings.blocks) == {"acquisition", "sampler"}


def test_the_python_example_runs(tmp_path, monkeypatch):
    from tests.helpers.ner_oracle import make_ner

    nlp = make_ner(("CONDITION", "DRUG"), updates=3)
    (tmp_path / "training" / "seed").mkdir(parents=True)
    nlp.to_disk(tmp_path / "training" / "seed" / "model-best")
    (tmp_path / "notes.txt").write_text("aspirin gave him Paris.\nNo sign of it.\n", "utf8")
    monkeypatch.chdir(tmp_path)
    [example] = blocks("docs/posterior.md", "python")
    exec(compile(example, "posterior.md", "exec"), {})


def test_the_component_in_a_config_can_be_made():
    from tests.helpers.ner_oracle import make_ner

    scored, shown, _ = blocks("docs/posterior.md", "ini")
    for block, measures in ((scored, False), (shown, True)):
        config = Config().from_str("[components]\n[training]\n" + block)
        settings = dict(config["components"]["al_scorer"])
        nlp = make_ner(("DRUG",), updates=1)
        nlp.add_pipe(settings.pop("factory"), config=settings)
        doc = nlp("aspirin gave him Paris.")
        assert doc._.al.score >= 0
        scores = nlp.evaluate([Example(nlp.make_doc(doc.text), doc)])
        # what is weighed is measured
        weights = config["training"].get("score_weights", {})
        assert bool(weights) == measures and weights.keys() <= scores.keys()


def test_the_scorer_of_a_classifier_in_a_config_can_be_made():
    from tests.posteriors.test_readers import make

    *_, block = blocks("docs/posterior.md", "ini")
    settings = Config().from_str("[components]\n[components.textcat]\n" + block)["components"][
        "textcat"
    ]
    nlp = make("textcat")
    nlp.get_pipe("textcat").scorer = spacy.registry.resolve(settings)["scorer"]
    doc = nlp("two mg")
    assert {"cats_ece", "cats_score"} <= nlp.evaluate([Example(nlp.make_doc(doc.text), doc)]).keys()


def test_what_an_entity_posterior_has_is_listed():
    from tests.helpers.ner_oracle import make_ner

    nlp = make_ner(("DRUG",), updates=1)
    [posterior] = spacy_al.get_posteriors(nlp, [nlp.make_doc("aspirin gave him")])
    table = PAGES["docs/posterior.md"].split("| of an entity posterior | is |")[1].split("\n\n")[0]
    cells = " ".join(re.findall(r"^\| ([^|]*) \|", table, flags=re.MULTILINE))
    names = re.findall(r"`(\w+)(?:\(|`)", cells)
    assert len(names) >= 10
    assert all(hasattr(posterior, name) for name in names)


def test_the_acquisition_of_ones_own_is_one(monkeypatch):
    from tests.helpers.ner_oracle import make_ner

    made = []
    monkeypatch.setattr(
        spacy.registry, "al_acquisitions", lambda name: lambda make: made.append((name, make))
    )
    [example] = blocks("docs/simulate.md", "python")
    exec(compile(example, "simulate.md", "exec"), {})
    [(_, make)] = made
    nlp = make_ner(("DRUG",), updates=1)
    docs = [nlp.make_doc("aspirin gave him Paris."), nlp.make_doc("No")]
    scores = make()(spacy_al.get_posteriors(nlp, docs))
    assert scores.shape == (2,) and numpy.isfinite(scores).all() and (scores >= 0).all()

"""Factories of other packages are imported when a pipeline names them, and then all works as it does in spaCy."""

import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.slow

# as another package would bring them: modules beside their metadata
HEAVY = """
import catalogue
from spacy.language import Language
from spacy.util import registry

registry.heavy_things = catalogue.create("spacy", "heavy_things", entry_points=True)


@registry.heavy_things("heavy.thing.v1")
def make_thing():
    return "a thing"


@registry.misc("heavy.misc.v1")
def make_misc():
    return "misc"


@Language.factory("heavy", default_config={"thing": {"@heavy_things": "heavy.thing.v1"}})
def make_heavy(nlp, name, thing):
    return lambda doc: doc
"""
OTHER = """
from spacy.language import Language


@Language.component("without_entry_point")
def without_entry_point(doc):
    return doc


@Language.factory("ner_of_other")
def make_other(nlp, name):
    return lambda doc: doc
"""
ENTRY_POINTS = """
[spacy_factories]
heavy = heavy:make_heavy
ner_of_other = other:make_other
"""


@pytest.fixture
def run(tmp_path):
    """Runs code in a process that imports factories late and sees two packages: the modules heavy and other."""
    (tmp_path / "heavy.py").write_text(HEAVY)
    (tmp_path / "other.py").write_text(OTHER)
    info = tmp_path / "packages-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: packages\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    begin = f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        import spacy
        from spacy_al.processes.factories import import_factories_late
        import_factories_late()
        import_factories_late()

        def imported():
            return {{"heavy", "other"}} & {{*sys.modules}}
    """

    def run_code(code):
        whole = textwrap.dedent(begin) + textwrap.dedent(code)
        done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    return run_code


def test_nothing_is_imported_that_no_pipeline_names(run):
    run(
        """
        nlp = spacy.blank("en")
        nlp.add_pipe("ner").add_label("X")
        nlp.add_pipe("textcat_multilabel").add_label("Y")
        nlp.initialize()
        nlp("text")
        spacy.util.load_model_from_config(nlp.config, auto_fill=True)
        spacy.registry.resolve(nlp.config["training"])
        assert not imported()
        """
    )


def test_a_factory_is_imported_by_its_name_and_no_other(run):
    run(
        """
        nlp = spacy.blank("en")
        nlp.add_pipe("heavy")
        assert imported() == {"heavy"}
        assert nlp.config["components"]["heavy"]["thing"] == {"@heavy_things": "heavy.thing.v1"}
        """
    )


def test_of_a_config_as_well(run):
    run(
        """
        config = {"nlp": {"lang": "en", "pipeline": ["x"]}, "components": {"x": {"factory": "heavy"}}}
        nlp = spacy.util.load_model_from_config(config, auto_fill=True)
        assert nlp.pipe_names == ["x"] and imported() == {"heavy"}
        """
    )


def test_a_factory_without_an_entry_point_of_its_own_is_found(run):
    run(
        """
        spacy.blank("en").add_pipe("without_entry_point")
        assert imported() == {"heavy", "other"}
        """
    )


def test_registries_and_functions_that_come_with_factories_are_found(run):
    run(
        """
        assert spacy.registry.resolve({"a": {"@heavy_things": "heavy.thing.v1"}}) == {"a": "a thing"}
        """
    )
    run(
        """
        assert spacy.registry.has("misc", "heavy.misc.v1")
        assert spacy.registry.get("misc", "heavy.misc.v1")() == "misc"
        """
    )
    run("""assert spacy.registry.find("misc", "heavy.misc.v1")["module"] == "heavy" """)


def test_what_does_not_exist_is_an_error_that_lists_all_there_is(run):
    run(
        """
        try:
            spacy.blank("en").add_pipe("nowhere")
        except ValueError as error:
            assert "E002" in str(error) and imported() == {"heavy", "other"}
        else:
            raise AssertionError
        try:
            spacy.registry.get("nowhere", "f")
        except Exception as error:
            assert "E892" in str(error) and "heavy_things" in str(error)
        else:
            raise AssertionError
        assert not spacy.registry.has("misc", "nowhere")
        """
    )


def test_our_processes_import_late():
    code = """
        import spacy
        from typer.testing import CliRunner
        from spacy_al.cli import app
        from spacy_al.processes import child
        from spacy_al.processes.factories import LateFactories
        child.follow_parent = lambda: None
        assert not isinstance(spacy.registry._entry_point_factories, LateFactories)
        try:
            child.run_child("0", "spacy", "info", "--silent")
        except SystemExit:
            pass
        assert isinstance(spacy.registry._entry_point_factories, LateFactories)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, capture_output=True)

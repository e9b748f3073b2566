"""What is looked for once is still found."""

import subprocess
import sys
import textwrap

import catalogue
import numpy
import pytest
import srsly

# as another package would bring it: a folder with its metadata beside its module
OTHER = """
def encode(obj, chain=None):
    return "found" if obj is Ellipsis else obj if chain is None else chain(obj)
"""


@pytest.mark.slow
@pytest.mark.parametrize("start", ["child", "cli"])
def test_codecs_of_other_packages_are_used_by_our_processes(tmp_path, start):
    (tmp_path / "other.py").write_text(OTHER)
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[srsly_msgpack_encoders]\nother = other:encode\n")
    code = f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        import srsly
        from spacy_al.cli import app
        from spacy_al.processes import child
        from typer.testing import CliRunner
        if {start!r} == "child":
            # nobody holds the other end of its input here
            child.follow_parent = lambda: None
            try:
                child.run_child("0", "spacy_al", "status", "--help")
            except SystemExit:
                pass
        else:
            CliRunner().invoke(app, ["status", "nowhere.cfg"])
        registry = srsly.msgpack.msgpack_encoders
        assert not registry.entry_points
        assert srsly.msgpack_loads(srsly.msgpack_dumps([1, ...])) == [1, "found"]
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_one_that_is_added_later_is_used_and_nothing_else_is_looked_for(monkeypatch):
    """conftest has had them looked for, as all commands do."""
    encoders = srsly.msgpack.msgpack_encoders
    assert srsly.msgpack_loads(srsly.msgpack_dumps({"a": numpy.arange(2)}))["a"].tolist() == [0, 1]
    # what is gone through for each message otherwise
    monkeypatch.setattr(catalogue, "REGISTRY", None)
    assert srsly.msgpack_loads(srsly.msgpack_dumps([1])) == [1]
    monkeypatch.undo()
    name = (*encoders.namespace, "later")
    try:
        # in place of one that was added before
        for said in ("first", "second"):

            @encoders("later")
            def later(obj, chain=None, said=said):
                return said if obj is Ellipsis else obj if chain is None else chain(obj)

            assert srsly.msgpack_loads(srsly.msgpack_dumps([...])) == [said]
    finally:
        del catalogue.REGISTRY[name]
        encoders.register("numpy", func=encoders.get("numpy"))


def test_one_is_found_that_is_added_while_messages_are_read():
    """A decorator that is made, then a message, then what it decorates; and the codecs that somebody is going through stay as they are."""
    encoders = srsly.msgpack.msgpack_encoders
    name = (*encoders.namespace, "later")
    try:
        decorate = encoders("later")
        before = encoders.get_all()
        assert "later" not in before

        @decorate
        def later(obj, chain=None):
            return "found" if obj is Ellipsis else obj if chain is None else chain(obj)

        assert "later" not in before and before["numpy"]
        assert srsly.msgpack_loads(srsly.msgpack_dumps([...])) == ["found"]
    finally:
        del catalogue.REGISTRY[name]
        encoders.register("numpy", func=encoders.get("numpy"))

"""What a person reads when the page cannot be served, or can be reached by others."""

import re
import sys

import pytest
from typer.testing import CliRunner

from spacy_al.cli import app
from tests.helpers.chaos import ROOT
from tests.helpers.web_tasks import entities, make_run


@pytest.fixture
def annotate(tmp_path):
    """The command, in a run that waits for an answer, so that nothing is trained beside the page."""
    make_run(tmp_path / "al" / "al.db", [entities()])
    words = ["annotate", str(ROOT / "configs" / "ner.cfg"), "--al.output", str(tmp_path / "al")]
    for name, part in {"train": "seed", "dev": "dev", "pool": "pool", "test": "test"}.items():
        words += [f"--paths.{name}", str(ROOT / "corpus" / f"{part}.spacy")]
    return lambda *more: CliRunner().invoke(app, [*words, "--port", "0", "--no-open", *more])


@pytest.fixture
def served(monkeypatch):
    """Stands in for the server, which would go on until Ctrl-C; what it was given to listen on."""
    uvicorn = pytest.importorskip("uvicorn")
    found: list[tuple[str, int]] = []

    def serve(self, sockets):
        found.extend(one.getsockname() for one in sockets)

    monkeypatch.setattr(uvicorn.Server, "run", serve)
    return found


def check(result, code, *says, status=1):
    """One message with its code, what was found and what to do."""
    assert result.exit_code == status, result.output
    (message,) = re.findall(rf"✘ (\[{code}\] .*)", result.stderr)
    assert "Traceback" not in result.output and "http://" not in result.output
    for part in says:
        assert part in message, message


@pytest.mark.parametrize("package", ["fastapi", "uvicorn"])
def test_a_package_of_the_extra_is_missing(annotate, monkeypatch, package):
    # as if it were not installed
    monkeypatch.setitem(sys.modules, package, None)
    says = (f"needs the package {package}, which is not installed", "pip install 'spacy-al[web]'")
    check(annotate(), "AL270", *says)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1"])
def test_others_need_a_link_of_their_own(annotate, served, host):
    result = annotate("--host", host)
    says = (f"{host} can be reached from other machines", "--annotator ann", "use a tunnel")
    check(result, "AL271", *says, status=2)
    assert served == []


def test_on_a_network_it_warns_that_all_can_be_read(annotate, served):
    result = annotate("--host", "0.0.0.0", "--annotator", "ann")
    assert result.exit_code == 0, result.output
    (message,) = re.findall(r"⚠ (\[ALW270\] .*)", result.stderr)
    assert message.startswith("[ALW270] 0.0.0.0 is reached without encryption")
    assert "put a server with TLS in front of it" in message
    ((_, port),) = served
    assert re.search(rf"✔ ann: http://\S+:{port}/#\S{{32}}\n", result.stderr)


@pytest.mark.parametrize("who", [(), ("--annotator", "ann")])
def test_on_this_machine_alone_it_does_not_warn(annotate, served, who):
    result = annotate(*who)
    assert result.exit_code == 0 and len(served) == 1
    assert "ALW" not in result.stderr and "AL271" not in result.stderr

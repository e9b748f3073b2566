"""What several test files share."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# tests run side by side, and the threads of one sum would wait for those of another; read when numpy is imported
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

from spacy_al.processes.codecs import look_for_codecs_once
from spacy_al.processes.factories import import_factories_late

# as all commands do
look_for_codecs_once()
import_factories_late()

# a pause of a machine that others use as well is no mistake
hypothesis.settings.register_profile("shared", deadline=None)
hypothesis.settings.load_profile("shared")


def pytest_collection_modifyitems(items):
    """Files that train most come first, so that no worker is left with one when all others have ended."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


# On the path of a process, it hides torch from it
LIGHT = str(Path(__file__).parent / "helpers" / "light")


@pytest.fixture(scope="module", autouse=True)
def light_processes(request):
    """Processes that tests start do without torch; where `everything_installed` says so, they have it."""
    with pytest.MonkeyPatch.context() as patch:
        if request.node.get_closest_marker("everything_installed") is None:
            given = os.environ.get("PYTHONPATH")
            patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (LIGHT, given))))
        yield


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of real corpora, which do not ship with the project: `<name>/{train,dev,test}.spacy`."""
    root = Path(
        os.environ.get("SPACY_AL_REALDATA") or Path(__file__).parents[2] / "shared" / "data"
    )
    if not root.is_dir():
        pytest.skip("no real corpora here: SPACY_AL_REALDATA names their folder")
    return root


def _unasked_skip(item: pytest.Item | pytest.Collector) -> bool:
    """Whether a skip is to count as a failure: where everything is there that tests need, but for other people's corpora."""
    return bool(os.environ.get("SPACY_AL_NO_SKIPS")) and not item.get_closest_marker("realdata")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    report = yield
    if report.skipped and _unasked_skip(item):
        report.outcome = "failed"
        report.longrepr = f"skipped, which SPACY_AL_NO_SKIPS forbids: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[Any]:
    report = yield
    if report.skipped and _unasked_skip(collector):
        report.outcome = "failed"
        report.longrepr = f"skipped, which SPACY_AL_NO_SKIPS forbids: {report.longrepr}"
    return report

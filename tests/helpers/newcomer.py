"""Somebody who follows a tutorial: a new virtual environment with nothing but what it installs, an empty folder, and its commands."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[2]
Opened = tuple[subprocess.Popen[bytes], list[str]]
Terminals = Callable[[list[str], Path, Mapping[str, str]], Opened]


def lines_of(name: str) -> list[str]:
    """The commands of a tutorial, as they stand in its blocks for a shell."""
    text = (ROOT / "docs" / "tutorials" / f"{name}.md").read_text("utf8")
    blocks = re.findall(r"^```bash\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()]


def environment_of(folder: Path) -> dict[str, str]:
    """What a shell has in which this virtual environment is active: nothing of ours is on its path."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    path = os.pathsep.join((str(folder / "bin"), os.environ["PATH"]))
    return {**kept, "VIRTUAL_ENV": str(folder), "PATH": path}


def copy_environment(made: Path, folder: Path) -> None:
    """A virtual environment with what another has. Files are shared, which pip and Python replace and never change."""
    shutil.copytree(made, folder, symlinks=True, copy_function=os.link)
    for script in (folder / "bin").iterdir():
        text = b"" if script.is_symlink() else script.read_bytes()
        if os.fsencode(made) in text:
            mode = script.stat().st_mode
            script.unlink()
            script.write_bytes(text.replace(os.fsencode(made), os.fsencode(folder)))
            script.chmod(mode)


@pytest.fixture(scope="session")
def package(tmp_path_factory) -> tuple[Path, Path]:
    """The package as a wheel, and a virtual environment with it and what it needs; made once, however many processes test."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    made, wheels, done = shared / "package", shared / "wheels", shared / "package.done"
    with FileLock(shared / "package.lock"):
        if not done.exists():
            shutil.rmtree(made, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", made], check=True)
            environment = {**environment_of(made), "PIP_QUIET": "1"}
            pip_run("wheel", "--no-deps", "-w", wheels, ROOT, env=environment)
            pip_run("install", *wheels.glob("*.whl"), env=environment)
            done.touch()
    (wheel,) = wheels.glob("*.whl")
    return made, wheel


def pip_run(*words: object, env: Mapping[str, str]) -> None:
    """Run pip; without an index there is nothing to test."""
    done = subprocess.run(["pip", *map(str, words)], capture_output=True, text=True, env=env)
    if done.returncode:
        pytest.skip(f"pip cannot {words[0]} what is needed: {done.stderr[-300:]}")


def shell(
    line: str, folder: Path, environment: Mapping[str, str], *, only_out: bool = False
) -> str:
    """What a line says, on both channels unless only standard output is asked for."""
    done = subprocess.run(
        ["sh", "-c", line], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout if only_out else done.stdout + done.stderr


class Tutorial:
    """The commands of a tutorial, each of which is done once and in its turn."""

    def __init__(self, name: str, folder: Path, package: tuple[Path, Path]) -> None:
        made, self.wheel = package
        self.lines, self.folder = lines_of(name), folder / "project"
        self.folder.mkdir()
        self.made = made
        self.activate(folder / "environment")

    def activate(self, environment: Path) -> None:
        """Go on in a new virtual environment, with what the package needs and the package."""
        copy_environment(self.made, environment)
        self.active, self.environment = environment, environment_of(environment)

    def leave(self, environment: Path) -> None:
        """Go on in a new virtual environment in which spaCy is, and spacy-al is not."""
        self.activate(environment)
        shell("pip uninstall -qy spacy-al", self.folder, self.environment)
        missing = "import importlib.util as found; assert not found.find_spec('spacy_al')"
        shell(f'python -c "{missing}"', self.folder, self.environment)

    def line(self, begins: str, *more: str, swaps: Mapping[str, str] | None = None) -> str:
        """The next command, with words behind it that make it short, and with other words in place of some."""
        line = self.lines.pop(0) if self.lines else "the end"
        assert line.startswith(begins), (begins, line)
        for old, new in (swaps or {}).items():
            assert line.count(old) == 1, (old, line)
            line = line.replace(old, new)
        return " ".join((line, *map(shlex.quote, more)))

    def run(self, begins: str, *more: str, swaps: Mapping[str, str] | None = None) -> str:
        """What the next command says."""
        return shell(self.line(begins, *more, swaps=swaps), self.folder, self.environment)

    def open(self, terminals: Terminals, begins: str, *more: str) -> Opened:
        """Do the next command on a terminal: its process, and what it says."""
        line = self.line(begins, *more)
        return terminals(["sh", "-c", f"exec {line}"], self.folder, self.environment)

    def also(self, line: str) -> str:
        """What another command says on standard output: of a test that looks at what there is."""
        return shell(line, self.folder, self.environment, only_out=True)

    def install(self) -> None:
        """Install what the tutorial does, from the wheel in place of a clone."""
        self.run('pip install ".', "--quiet", swaps={'".': f'"{self.wheel}'})


@contextmanager
def followed(name: str, folder: Path, package: tuple[Path, Path]) -> Iterator[Tutorial]:
    """A tutorial in an empty folder. None of its commands is left out."""
    tutorial = Tutorial(name, folder, package)
    yield tutorial
    assert tutorial.lines == []

"""The Typer app, mounted on spaCy's own, and how failures are shown."""

import functools
import os
import shlex
import unicodedata
import warnings
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Annotated, Any, TypeVar

import spacy
import typer
from click import ClickException
from spacy.cli._util import app as spacy_app
from spacy.cli._util import parse_config_overrides
from typer import Option

from spacy_al.errors import AlError, AlWarning, Errors, UsageError
from spacy_al.processes.codecs import look_for_codecs_once
from spacy_al.processes.factories import import_factories_late
from spacy_al.util import is_unregistered

F = TypeVar("F", bound=Callable[..., Any])
# Line end, the joiner and the non-joiner
KEPT = "\n\u200c\u200d"
# Of a path in a message
LONGEST = 80
HELP = "Active learning: which texts to label next, and what labelling them is worth."

app = typer.Typer(
    name="al",
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
# spaCy does not mount the app that an entry point returns, so it is mounted here.
spacy_app.add_typer(app, name="al")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"spacy-al {version('spacy-al')}, spaCy {spacy.__version__}")
        raise typer.Exit


@app.callback(help=HELP)
def common(
    version: Annotated[
        bool, Option("--version", callback=_show_version, is_eager=True, help="Show the versions")
    ] = False,
) -> None:
    """Options that all commands have."""
    look_for_codecs_once()
    import_factories_late()


def explained(command: F) -> F:
    """Show an AlError as one message with its exit status, and warnings as lines, never a traceback."""

    @functools.wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("always", AlWarning)
            show, said = warnings.showwarning, set[str]()

            def say_once(message: Any, category: type[Warning], *rest: Any, **more: Any) -> None:
                if not issubclass(category, AlWarning):
                    show(message, category, *rest, **more)
                    return
                # readers warn once a call, and a pool takes many calls
                key = message.code if message.code.startswith("ALW00") else str(message)
                if key not in said:
                    said.add(key)
                    say(f"⚠ {message}")

            warnings.showwarning = say_once
            try:
                return command(*args, **kwargs)
            except AlError as error:
                say(f"✘ {error}")
                # a factory that nobody has registered is known to nobody, and is none that can be taught
                unknown = is_unregistered(str(error)) or error.code == "AL156"
                if unknown and (path := _code_of_run(kwargs)):
                    say(f"ℹ This run was last given --code {shlex.quote(path)}: give it here too.")
                raise typer.Exit(error.exit_code) from None
            except ClickException as error:
                # spaCy's own parser of overrides raises those of a click that typer may not know
                say(f"✘ {error.format_message()}")
                raise typer.Exit(2) from None
            except BrokenPipeError:
                # whoever read the result wants no more of it; Python would try once more, and complain, when it ends
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                raise typer.Exit(0) from None
            except OSError as error:
                # of a file that somebody has named, or of the disk; any other is a fault of ours
                if error.filename is None:
                    raise
                path, why = str(error.filename), error.strerror
                path = path if len(path) <= LONGEST else f"{path[:LONGEST]}..."
                say(f"✘ {AlError(Errors.AL063.format(path=path, why=why))}")
                raise typer.Exit(1) from None

    return wrapper  # type: ignore[return-value]


def _code_of_run(given: Mapping[str, Any]) -> str | None:
    """The --code of the run that a command works on, where the command was given none. given: the command's own arguments."""
    from spacy_al.loop.begun import known_code  # what most commands need anyhow, but not --help

    config, ctx = given.get("config"), given.get("ctx")
    if not config or given.get("code"):
        return None
    words = [*(ctx.args if ctx is not None else ()), *(given.get("words") or ())]
    return known_code(config, split_overrides(words, config)[1])


def split_overrides(words: list[str], config: Any) -> tuple[list[str], dict[str, Any]]:
    """Arguments, and spaCy's overrides between them, of a command whose argument can be left out.

    words (list[str]): What is no option of the command, in order, e.g. ["pool.spacy", "--al.batch_size", "7"].
    config (Any): The config that is overridden; None if there is none.
    RETURNS (tuple[list[str], dict]): Arguments, and overrides by their dotted names.
    RAISES (BadParameter): An option that nobody knows.
    RAISES (UsageError): AL089 for overrides of no config.
    """
    arguments, overrides, names = [], list[str](), []
    words = list(words)
    while words:
        word = words.pop(0)
        if not _is_option(word):
            arguments.append(word)
            continue
        name = word.split("=")[0]
        if not name.startswith("--") or "." not in name:
            raise typer.BadParameter(f"No such option: {name}")
        names.append(name)
        overrides.append(word)
        if "=" not in word and words and not _is_option(words[0]):
            overrides.append(words.pop(0))
    if config is None:
        if names:
            raise UsageError(Errors.AL089.format(given=", ".join(names)))
        return arguments, {}
    return arguments, parse_config_overrides(overrides)


def only_overrides(words: list[str], config: Any) -> dict[str, Any]:
    """The overrides of a command that takes no more arguments. Raises as `split_overrides`."""
    rest, overrides = split_overrides(words, config)
    if rest:
        raise typer.BadParameter(f"No such argument: {rest[0]}")
    return overrides


def _is_option(arg: str) -> bool:
    """Whether an argument is an option and no negative number."""
    return arg.startswith("-") and arg != "-" and not arg[1].isdigit()


def say(line: str) -> None:
    """A line on what goes on, on standard error: the door for all that is said to people, as names and texts in it are from outside."""
    try:
        typer.echo(printable(line), err=True)
    except OSError:
        # nobody reads it any more, as after `| head -1` or with the terminal gone; the work is done nevertheless
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def printable(text: Any) -> str:
    """Text from outside as a terminal may show it: without what a terminal would obey, on as many lines as it has.

    Control characters and those that turn the direction of writing become blanks; joiners stay, as scripts and
    emoji need them.
    """
    return "".join(
        c if c in KEPT or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else " "
        for c in str(text)
    )


def main() -> None:
    """The `spacy-al` command."""
    app(prog_name="spacy-al")

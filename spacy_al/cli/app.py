"""The Typer app, mounted on spaCy's own, and how failures are shown."""

import functools
import sys
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import typer
from spacy.cli._util import app as spacy_app

from spacy_al.errors import AlError, AlWarning

F = TypeVar("F", bound=Callable[..., Any])

app = typer.Typer(
    name="al",
    help="Active learning: which texts to label next, and what labelling them is worth.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
# spaCy does not mount the app that an entry point returns, so it is mounted here.
spacy_app.add_typer(app, name="al")


@app.callback()
def _verbs() -> None:
    """Keeps `VERB` a word of its own while there is only one command."""


def explained(command: F) -> F:
    """Show an AlError as one message with its exit status, and warnings as lines, never a traceback."""

    @functools.wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("always", AlWarning)
            show = warnings.showwarning
            warnings.showwarning = lambda message, category, *rest, **more: (
                _say("⚠", str(message))
                if issubclass(category, AlWarning)
                else show(message, category, *rest, **more)
            )
            try:
                return command(*args, **kwargs)
            except AlError as error:
                _say("✘", str(error))
                raise typer.Exit(error.exit_code) from None
            except BrokenPipeError:
                raise typer.Exit(0) from None

    return wrapper  # type: ignore[return-value]


def _say(mark: str, message: str) -> None:
    print(f"{mark} {message}", file=sys.stderr)


def main() -> None:
    """The `spacy-al` command."""
    app(prog_name="spacy-al")

"""Recipes: a file says in Python what is asked and how, in Prodigy's shape, so that one copies and edits it.

The same file serves spacy-al's own page and Prodigy: `prodigy al.ner.teach ... -F recipes/ner_teach.py`.
"""

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from spacy.util import import_file

from spacy_al.config.project import Project
from spacy_al.corpus.tokeniser import OF_PROJECT
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.kinds import FACTORIES, USUAL
from spacy_al.tasks.answer import KINDS
from spacy_al.util import make_own_folder

F = TypeVar("F", bound=Callable[..., Any])
Recipe: TypeAlias = Callable[..., dict[str, Any]]

NAME = "recipe_name"
NEEDED = ("dataset", "view_id", "stream")
# What Prodigy documents beside these
OTHERS = (
    "update",
    "config",
    "exclude",
    "before_db",
    "validate_answer",
    "progress",
    "on_load",
    "on_exit",
    "db",
    "get_session_id",
    "task_router",
    "session_factory",
)


def recipe(name: str, **arguments: Any) -> Callable[[F], F]:
    """Mark a function as the recipe of its file; with Prodigy it is one of Prodigy's as well.

    name (str): As on Prodigy's command line.
    arguments: Of the function, as Prodigy takes them: (description, "positional", "option" or "flag", shortcut, converter).
    RETURNS (Callable): A decorator, which leaves the function as it is.
    """

    def mark(function: F) -> F:
        setattr(function, NAME, name)
        # its command has imported it before it reads a recipe; nobody else is to wait for that
        if prodigy := sys.modules.get("prodigy"):
            prodigy.recipe(name, **arguments)(function)
        return function

    return mark


def shipped() -> dict[str, Path]:
    """The recipes that come with spacy-al, by name."""
    inside = Path(__file__).parent
    # beside the package in a checkout, within it once installed
    found = [*(inside / "recipes").glob("*.py")] or [*(inside.parent / "recipes").glob("*.py")]
    return {path.stem: path for path in sorted(found)}


def load_recipe(name: str) -> Recipe:
    """The recipe of a file.

    name (str): A path, or else the name of a recipe that is shipped.
    RETURNS (Callable): The function.
    RAISES (AlError): AL260 (UsageError) if there is no such file, AL261 if it cannot be imported, AL262 if it has no recipe
        or several.
    """
    known = shipped()
    path = Path(name) if Path(name).is_file() else known.get(name)
    if path is None:
        raise UsageError(Errors.AL260.format(name=name, known=", ".join(known)))
    try:
        module = import_file(f"spacy_al_recipe_{path.stem}", path)
    except Exception as error:
        # the file is the user's, and can raise anything
        why = f"{type(error).__name__}: {error}"
        raise AlError(Errors.AL261.format(path=path, why=why)) from error
    found: list[Recipe] = [
        value
        for value in vars(module).values()
        if hasattr(value, NAME) and getattr(value, "__module__", "") == module.__name__
    ]
    if len(found) != 1:
        raise AlError(Errors.AL262.format(path=path, count=len(found)))
    return found[0]


def start(function: Recipe, **arguments: Any) -> dict[str, Any]:
    """The components that a recipe returns, checked. Its stream has not begun.

    function (Callable): The recipe.
    arguments: Of it, by name.
    RETURNS (dict): `dataset`, `view_id`, `stream` and what else Prodigy documents.
    RAISES (UsageError): AL263 for arguments that the recipe does not take, or lacks.
    RAISES (AlError): AL264 for components that cannot be used; what the recipe raises.
    """
    name = getattr(function, NAME, function.__name__)
    signature = inspect.signature(function)
    try:
        signature.bind(**arguments)
    except TypeError as error:
        takes = ", ".join(signature.parameters)
        raise UsageError(Errors.AL263.format(name=name, why=error, takes=takes)) from None
    components = function(**arguments)
    if why := _wrong(components):
        raise AlError(Errors.AL264.format(name=name, why=why))
    return components


def start_in(project: Project, name: str) -> dict[str, Any]:
    """A recipe on the pool and the models of a run, leaving out what is labelled or was asked.

    project (Project): Its settings have a pool.
    name (str): As for `load_recipe`.
    RETURNS (dict): As `start`.
    RAISES (AlError): As `load_recipe` and `start`.
    """
    settings, function = project.settings, load_recipe(name)
    corpora = (settings.train, settings.dev, settings.test)
    # the folder in which models will appear
    make_own_folder(project.output)
    known = {
        "dataset": project.output.name,
        "model": str(project.output),
        "source": str(settings.pool),
        "component": settings.component,
        "label": settings.labels,
        "labeled": [*filter(None, corpora), *sorted(project.output.glob("round-*/tasks.jsonl"))],
        # as `audit` writes it
        "review": str(project.output / "audit.jsonl"),
        "multilabel": not FACTORIES[settings.factory or USUAL].is_exclusive,
    }
    takes = inspect.signature(function).parameters
    token = OF_PROJECT.set((settings.lang, settings.tokeniser))
    try:
        return start(function, **{key: value for key, value in known.items() if key in takes})
    finally:
        OF_PROJECT.reset(token)


def split(text: str) -> list[str]:
    """The words between commas, for the arguments of recipes."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _wrong(components: Any) -> str:
    """The fault of a recipe's components, or nothing."""
    if not isinstance(components, dict):
        return f"it returns {type(components).__name__} and not a dict"
    if missing := [key for key in NEEDED if key not in components]:
        return f"'{missing[0]}' is missing"
    if unknown := [key for key in components if key not in (*NEEDED, *OTHERS)]:
        return f"it has {unknown[0]!r}, and may have {', '.join((*NEEDED, *OTHERS))}"
    if components["view_id"] not in [*KINDS]:
        return f"its 'view_id' is {components['view_id']!r}, and can be {', '.join(KINDS)}"
    if not hasattr(components["stream"], "__iter__"):
        return f"its 'stream' is {type(components['stream']).__name__}, which gives no tasks"
    return ""

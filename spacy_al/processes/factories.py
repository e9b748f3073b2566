"""Factories of other packages, imported when a pipeline names them. spaCy imports all that are installed for any pipeline."""

from collections.abc import Callable
from typing import Any

from catalogue import Registry, RegistryError
from spacy import registry
from spacy.language import Language


class LateFactories(Registry):  # type: ignore[misc]
    """The entry points of factories, of which `Language` wants all and gets none until one of them may be needed."""

    def __init__(self, eager: Registry) -> None:
        super().__init__(eager.namespace, entry_points=True)
        self.done = False

    def get_all(self) -> dict[str, Any]:
        """Those that are there without importing anything; once `import_all` was called, all of them."""
        return super().get_all() if self.done else {}

    def import_named(self, name: str) -> None:
        """Import what other packages offer under a name, if they do."""
        if not self.done:
            self.get_entry_point(name)

    def import_all(self) -> bool:
        """Import what all packages offer, as spaCy does. False if that has been done."""
        if self.done:
            return False
        self.done = True
        self.get_all()
        return True


def import_factories_late() -> None:
    """Have pipelines import what they name; for processes of our own, as it changes spaCy's classes.

    Where spacy-transformers is installed, the first pipeline imports it, and with it all of torch and transformers: seconds.
    A factory is looked for under its own name first. A name that is found nowhere, be it of a factory, of a registry or of a
    function in one, has all be imported after all, and is looked for again.
    """
    eager = registry._entry_point_factories
    if isinstance(eager, LateFactories):
        return
    late = LateFactories(eager)
    registry._entry_point_factories = late
    has_factory = Language.has_factory.__func__  # type: ignore[attr-defined]

    def has_factory_by_name(cls: type[Language], name: str) -> bool:
        late.import_named(name)
        found = has_factory(cls, name) or (late.import_all() and has_factory(cls, name))
        return bool(found)

    Language.has_factory = classmethod(has_factory_by_name)  # type: ignore[method-assign, assignment]
    for look in ("get", "find", "has"):
        setattr(registry, look, classmethod(_twice(getattr(registry, look).__func__, late)))


def _twice(look: Callable[..., Any], late: LateFactories) -> Callable[..., Any]:
    """A look into a registry that is repeated where it finds nothing, once all is imported."""

    def look_twice(cls: Any, registry_name: str, func_name: str) -> Any:
        try:
            found = look(cls, registry_name, func_name)
        except RegistryError:
            if not late.import_all():
                raise
        else:
            if found or not late.import_all():
                return found
        return look(cls, registry_name, func_name)

    return look_twice

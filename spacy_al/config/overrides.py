"""A config with overrides, also of settings in blocks of `[al]` that the file does not have."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from confection import Config
from spacy.util import load_config

SECTION_PREFIX = "al."


def load_overridden(path: Path, overrides: Mapping[str, Any], *, interpolate: bool) -> Config:
    """Read a spaCy config. A block of `[al]` that is overridden and not there, such as `al.filter`, is made; one that is to name another
    function loses the settings of the one that it had.

    path (Path): The config.
    overrides (Mapping): By dotted names.
    interpolate (bool): Whether variables are replaced.
    """
    made: Config = load_config(path, interpolate=False)
    blocks = {
        name.rpartition(".")[0]
        for name in overrides
        if name.startswith(SECTION_PREFIX) and name.count(".") > 1
    }
    changed = [block for block in sorted(blocks) if _make(made, block.split("."))]
    changed += [name for name in overrides if _is_other(made, name, overrides[name])]
    if changed:
        found = Config(section_order=made.section_order).from_str(
            made.to_str(), overrides=dict(overrides), interpolate=interpolate
        )
    else:
        found = load_config(path, overrides=dict(overrides), interpolate=interpolate)
    _mend_dollars(found, made, overrides, "")
    return found


def _mend_dollars(
    found: Any, file: Mapping[str, Any], overrides: Mapping[str, Any], at: str
) -> None:
    """Put values with a dollar sign where they were: of a list with two of them, such as the tags PRP$ and WP$, confection makes one string.

    found (dict): What was read, which is changed.
    file (Mapping): What stands in the file, where $$ is a dollar sign.
    at (str): The dotted name of both and a dot, or nothing.
    """
    given = {
        name.removeprefix(at): value for name, value in overrides.items() if name.startswith(at)
    }
    for name, value in {**file, **{name: given[name] for name in found if name in given}}.items():
        if isinstance(value, dict) and isinstance(found.get(name), dict):
            _mend_dollars(found[name], value, overrides, f"{at}{name}.")
        elif name in found and not isinstance(value, dict):
            said = json.dumps(value)
            if "$" in said and "${" not in said:
                found[name] = value if name in given else json.loads(said.replace("$$", "$"))


def _make(block: Any, names: list[str]) -> bool:
    """Make the blocks of a path that are not there; whether there were any."""
    if not isinstance(block, dict) or (names[0] == "al" and "al" not in block):
        # another setting has the name, or it is no config of ours: the override itself is refused
        return False
    is_new = names[0] not in block
    inner = block.setdefault(names[0], {})
    return is_new if len(names) == 1 else _make(inner, names[1:]) or is_new


def _is_other(config: Any, name: str, function: Any) -> bool:
    """Whether a block of `[al]` names another function so far; its settings are taken away."""
    *path, key = name.split(".")
    if path[:1] != ["al"] or not key.startswith("@"):
        return False
    block = config
    for part in path:
        block = block.get(part) if isinstance(block, dict) else None
    if not isinstance(block, dict) or block.get(key, function) == function:
        return False
    block.clear()
    return True

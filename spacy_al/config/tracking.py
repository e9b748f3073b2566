"""The block `[al.tracking]`: where a run is shown beside its own folder."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from spacy_al.errors import Errors, UsageError
from spacy_al.registry import resolve

# What is sent of the report
REPORTS = ("none", "without-texts", "with-texts")
NAMES = ("uri", "experiment", "registered_model")
URI = "al.tracking.uri"
# A name or a password before the host; what follows a question mark may hold either
CREDENTIALS = re.compile(r"//[^/\s]*@|\?")


@dataclass(frozen=True)
class Tracking:
    """Where a run is shown, and what is sent there.

    uri (str | None): Address of an MLflow server or store; by default that in MLFLOW_TRACKING_URI.
    experiment (str | None): Of MLflow; by default the name of the config.
    registered_model (str | None): A name in MLflow's registry, whose aliases say which model is in use; None for no registry.
    log_model (bool): Whether the weights are sent.
    report (str): What is sent of the report: "none", "without-texts" or "with-texts".
    mask (tuple[str, ...]): What is hidden in the report with texts, as `--mask` of `report` takes it.
    logger (dict | None): A block that names a logger of spaCy's, which gets the figures of each round.
    """

    # never shown: it may hold a password
    uri: str | None = field(default=None, repr=False)
    experiment: str | None = None
    registered_model: str | None = None
    log_model: bool = False
    report: str = "without-texts"
    mask: tuple[str, ...] = ()
    logger: dict[str, Any] | None = None


def read_tracking(block: Any, refuse: Callable[[str, str, list[str]], Any]) -> Tracking:
    """The block of a config. refuse (Callable): Raises: takes the name of a setting, what is wrong with it, and what can be said.

    RAISES (AlError): AL084 for a logger that cannot be resolved.
    """
    if not isinstance(block, Mapping):
        refuse("al.tracking", "it is no block", ["a block [al.tracking]"])
    given = {name: value for name, value in block.items() if value is not None}
    for name, value in given.items():
        if name in NAMES:
            fits, known = isinstance(value, str) and bool(value.strip()), "a name"
        elif name == "log_model":
            fits, known = isinstance(value, bool), "true or false"
        elif name == "report":
            fits, known = value in REPORTS, ", ".join(REPORTS)
        elif name == "mask":
            fits = isinstance(value, list) and all(isinstance(one, str) for one in value)
            known = "a list of patterns and labels"
        elif name == "logger":
            fits = isinstance(value, Mapping) and "@loggers" in value
            known = "a block [al.tracking.logger] with @loggers"
        else:
            must = [*NAMES, "log_model", "report", "mask", "logger"]
            refuse(f"al.tracking.{name}", "there is no such setting", must)
        if not fits:
            # an address is not repeated
            said = "it is no address" if name == "uri" else f"it is {value!r}"
            refuse(f"al.tracking.{name}", said, [known])
    if "logger" in given:
        given["logger"] = dict(given["logger"])
        resolve(given["logger"])
    given["mask"] = tuple(given.get("mask", ()))
    return Tracking(**given)


def check_address(overrides: Mapping[str, Any]) -> None:
    """RAISES (UsageError): AL370 where an override of the address holds credentials: everybody on a machine sees its command lines."""
    address = overrides.get(URI)
    if isinstance(address, str) and CREDENTIALS.search(address):
        raise UsageError(Errors.AL370)


def without_tracking(config: dict[str, Any]) -> None:
    """Take the block out of a config that is written down: where a run is shown makes no model, and its address may hold a password."""
    section = config.get("al")
    if isinstance(section, dict):
        section.pop("tracking", None)

"""The commands: `spacy-al VERB`, `python -m spacy_al VERB` and `python -m spacy al VERB`.

Each verb is a file with a plain function that returns its data and a `..._cli` that parses and prints.
Nothing optional is imported here: an error at import would break every command of spaCy.
"""

from spacy_al.cli import (  # noqa: F401  (they mount commands)
    annotate,
    answers,
    audit,
    bench,
    calibrate,
    convert,
    distill,
    encode,
    estimate,
    export,
    export_encoder,
    forget,
    import_,
    ingest,
    init,
    labels,
    promote,
    pull,
    push,
    report,
    reproduce,
    run,
    select,
    simulate,
    status,
    weak,
)
from spacy_al.cli.app import app, main

__all__ = ["app", "main"]

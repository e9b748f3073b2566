"""`spacy-al weak`: a corpus of weak labels, from functions that know a little each."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option
from wasabi import table

from spacy_al.cli.app import app, explained, printable, say
from spacy_al.cli.options import OwnTokeniser, Quiet
from spacy_al.config.settings import read_tokeniser
from spacy_al.loop.next_batch import SPACY, check_output
from spacy_al.posteriors.component import load_code
from spacy_al.training.weak_labels import Weak, weak

POOL = "A .spacy file or a folder of shards; its annotation is never looked at"
CODE = "Python file that registers labelling functions"
OUTPUT = "The corpus, for `weak` in [al]"
MODEL = "Pipeline that runs before the functions (default: a tokeniser)"
MISSING = (
    "Keep tokens that no function marks missing, rather than outside, in texts where one is found"
)


@app.command("weak")
@explained
def weak_cli(
    pool: Annotated[Path, Argument(help=POOL)],
    code: Annotated[Path | None, Option("--code", "-c", help=CODE)] = None,
    output: Annotated[Path, Option("--output", "-o", help=OUTPUT)] = Path("corpus/weak.spacy"),
    model: Annotated[str | None, Option("--model", "-m", help=MODEL)] = None,
    lang: Annotated[str, Option("--lang", "-l", help="Language, where there is no model")] = "en",
    config: OwnTokeniser = None,
    missing: Annotated[bool, Option("--missing", help=MISSING)] = False,
    quiet: Quiet = False,
) -> None:
    """Label a pool with functions that are right more often than not, to train on before anybody has answered.

    A function takes a Doc. It returns spans, or (start, end, label), to mark entities; or the name of a category, exactly one
    of which applies; or None where it knows nothing. What the functions say is made one by the label model of skweak or
    Snorkel (pip install 'spacy-al[weak]').
    """
    load_code(code)
    check_output(output, SPACY, pool)
    found = weak(
        pool, output, model=model, lang=lang, tokeniser=read_tokeniser(config), missing=missing
    )
    if not quiet:
        say(format_weak(found, output))


def format_weak(found: Weak, output: Path) -> str:
    """The functions as a table, the labels, and where they went."""
    shares = ("coverage", "overlaps", "conflicts")
    rows = [
        (printable(name), f"{row['votes']:,}", *(f"{100 * row[share]:.1f}%" for share in shares))
        for name, row in found.functions.items()
    ]
    unit = "texts" if found.kind == "categories" else "tokens"
    header = ("function", unit, *shares)
    lines = [table(rows, header=header, divider=True, aligns=("l", "r", "r", "r", "r"))]
    lines += [f"ℹ Made one by {found.how}"]
    lines += [f"ℹ {count:,} {printable(label)}" for label, count in sorted(found.labels.items())]
    total = found.report["read"]
    return "\n".join(
        [*lines, f"✔ {len(found.docs):,} of {total:,} texts written to {printable(output)}"]
    )

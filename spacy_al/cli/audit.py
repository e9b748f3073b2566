"""`spacy-al audit`: which labels of an annotated corpus are probably wrong, or missing."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option
from wasabi import table

from spacy_al.auditing.answered import Reviewed, read_review
from spacy_al.auditing.audit import FOLDER, RANDOM, Audit, N, audit
from spacy_al.auditing.folds import FOLDS
from spacy_al.cli.app import app, explained, printable, say, split_overrides
from spacy_al.cli.options import WITH_OVERRIDES, Code, Gpu, Quiet
from spacy_al.reporting.words import plural

SHOWN, WIDE = 20, 44
CORPUS = "Labelled corpus: .spacy, a folder of them, or what convert reads; with --answers the review list"
CONFIG = (
    "Training config; its pipeline is trained on all folds of the corpus but one, for each fold"
)
MODEL = "Instead of --config: a trained pipeline that has not seen the corpus"
COMPONENT = "Whose labels (default: the only component that has a posterior)"
FOLDER_HELP = "Keeps the models of the folds, which are used again for the same texts and settings"
N_HELP = "Texts of the review list, the most doubtful ones"
RANDOM_HELP = (
    "Texts that are drawn from the others and mixed in: they tell how many mistakes are left"
)
OUTPUT = "The review list as JSONL, - for standard output"
WEIGHTED = "Also write the corpus to learn from, as .spacy: each text with how likely it is right, which spacy-al.batch_sampled.v1 reads"
DROP = "Texts left out of it, the most doubtful first"
ANSWERS = "Answered rows of the review list CORPUS: say what was wrong, and how much is left"


@app.command("audit", context_settings=WITH_OVERRIDES)
@explained
def audit_cli(
    ctx: typer.Context,
    corpus: Annotated[Path, Argument(help=CORPUS)],
    config: Annotated[Path | None, Option("--config", help=CONFIG)] = None,
    model: Annotated[str | None, Option("--model", "-m", help=MODEL)] = None,
    component: Annotated[str | None, Option("--component", help=COMPONENT)] = None,
    folds: Annotated[int, Option("--folds", help="How many")] = FOLDS,
    n: Annotated[int, Option("--n", "-n", help=N_HELP)] = N,
    n_random: Annotated[int, Option("--random", help=RANDOM_HELP)] = RANDOM,
    seed: Annotated[int, Option("--seed", help="Of the folds and the draws")] = 0,
    folder: Annotated[Path, Option("--folder", help=FOLDER_HELP)] = FOLDER,
    output: Annotated[Path, Option("--output", "-o", help=OUTPUT, allow_dash=True)] = Path(
        "audit.jsonl"
    ),
    weighted: Annotated[Path | None, Option("--weighted", help=WEIGHTED)] = None,
    drop: Annotated[int, Option("--drop", help=DROP)] = 0,
    answers: Annotated[Path | None, Option("--answers", help=ANSWERS)] = None,
    code: Code = None,
    gpu_id: Gpu = -1,
    quiet: Quiet = False,
) -> None:
    """Find labels that are probably wrong or missing in a corpus that one has, and make a list of texts to look at again.

    Each label is judged by a model that was trained without its text. The corpus is not changed.
    """
    _, overrides = split_overrides(ctx.args, config)
    if answers is not None:
        say(format_reviewed(read_review(corpus, answers, seed)))
        return
    found = audit(
        corpus,
        config=config,
        overrides=overrides,
        model=model,
        component=component,
        folds=folds,
        n=n,
        n_random=n_random,
        seed=seed,
        folder=folder,
        output=output,
        weighted=weighted,
        drop=drop,
        code=code,
        gpu_id=gpu_id,
        show=None if quiet else say,
    )
    if not quiet:
        say(format_audit(found, output))
        if weighted is not None:
            left = f" without {drop:,} texts" if drop else ""
            say(f"✔ The corpus{left}, with a rate for each text, in {weighted}")


def format_audit(found: Audit, output: Path, shown: int = SHOWN) -> str:
    """The first findings as a table, and what there is of each kind."""
    corpus, rows = found.corpus, found.rows
    header = ("text", "given", "prob.", "proposed", "prob.", "reason", "")
    body = [
        (
            row.row,
            row.given or "-",
            f"{row.prob_given:.3f}",
            row.proposed or "-",
            f"{row.prob_proposed:.3f}",
            row.reason,
            _cut(row.sentence),
        )
        for row in rows[:shown]
    ]
    kinds = [row.reason for row in rows]
    counts = ", ".join(f"{kinds.count(one):,} {one}" for one in dict.fromkeys(kinds))
    lines = (
        [table(body, header=header, divider=True, aligns=("r", "l", "r", "l", "r", "l", "l"))]
        if body
        else []
    )
    lines.append(
        f"ℹ {len(corpus.texts):,} of {corpus.total:,} texts were judged; doubted: {plural(len(rows), 'place')}"
        + (f": {counts}" if counts else "")
    )
    if body:
        lines.append("ℹ text: its place in the corpus, the first is 1")
    if corpus.skipped["unaligned"]:
        lines.append(
            f"ℹ On no token, and not judged: {plural(corpus.skipped['unaligned'], 'mark')}"
        )
    drawn = sum(task["audit"]["draw"] == "random" for task in found.tasks)
    what = f"{len(found.tasks) - drawn:,} chosen texts and {drawn:,} by chance"
    lines.append(f"✔ {what} in {output}")
    return "\n".join(lines)


def format_reviewed(found: Reviewed) -> str:
    """What was wrong in the review list, and what may be wrong elsewhere."""
    names = {"chosen": "chosen by the audit", "random": "drawn at random"}
    body = [
        (names[draw], found.answered[draw], found.listed[draw], found.wrong[draw]) for draw in names
    ]
    header = ("texts", "answered", "listed", "with a mistake")
    lines = [table(body, header=header, divider=True, aligns=("l", "r", "r", "r"))]
    if found.kinds:
        lines.append(
            "ℹ Mistakes: " + ", ".join(f"{n:,} {kind}" for kind, n in found.kinds.most_common())
        )
    left = found.remaining
    lines.append(
        f"ℹ Of {left.unseen:,} texts that nobody looked at, an estimated {left.texts:,.0f} have a mistake (95%: {left.texts_low:,.0f} to "
        f"{left.texts_high:,.0f}), by {left.wrong} of {left.drawn} that were drawn at random"
    )
    if left.marks_low is not None and left.marks_high is not None:
        lines.append(
            f"ℹ In them an estimated {left.marks:,.0f} labels are wrong or missing (95%: {left.marks_low:,.0f} to {left.marks_high:,.0f})"
        )
    if found.open:
        lines.append(
            f"⚠ {found.open:,} chosen texts wait for an answer; they are in none of these figures"
        )
    return "\n".join(lines)


def _cut(text: str) -> str:
    text = " ".join(printable(text).split())
    return text if len(text) <= 2 * WIDE else f"{text[: 2 * WIDE - 1]}…"

"""`spacy-al ingest`: files of texts become a pool."""

from enum import Enum
from pathlib import Path
from typing import Annotated

from typer import Argument, Option
from wasabi import table

from spacy_al.cli.app import app, explained, say
from spacy_al.cli.options import Code, OwnTokeniser, Quiet
from spacy_al.config.settings import read_tokeniser
from spacy_al.corpus.ingest import ingest
from spacy_al.corpus.ingest_report import IngestReport
from spacy_al.corpus.pool import SHARD_SIZE
from spacy_al.posteriors.component import load_code

INPUTS = (
    "Files (.txt, .jsonl, .csv, .tsv, .spacy), folders of them, or - for JSONL from standard input"
)
LANG = "Language whose rules tokenise and split sentences"
MODEL = "Pipeline that splits the sentences in place of the rules"
ID_KEY = "Key or column of the document's id (default: id, then meta.id, then file:line)"
META_KEY = "Key or column to keep with each text, such as a date or a ward (may be repeated)"
MAX_TOKENS = "Drop longer texts (default: 1000 for sentences, no limit for documents)"
NEAR = "Drop only exact duplicates"
ADD = "Add to the pool what is not in it; what is there stays as it is"
DRY = "Say what would be written, and write nothing"


class Unit(str, Enum):
    """The unit that one asks about."""

    sentence = "sentence"
    doc = "doc"


@app.command("ingest")
@explained
def ingest_cli(
    inputs: Annotated[list[Path], Argument(help=INPUTS, allow_dash=True)],
    output: Annotated[Path, Argument(help="Folder of the pool")],
    lang: Annotated[str, Option("--lang", "-l", help=LANG)] = "en",
    config: OwnTokeniser = None,
    unit: Annotated[Unit, Option("--unit", help="What to ask about")] = Unit.sentence,
    model: Annotated[str | None, Option("--model", "-m", help=MODEL)] = None,
    text_key: Annotated[str, Option("--text-key", help="Key or column of the text")] = "text",
    id_key: Annotated[str | None, Option("--id-key", help=ID_KEY)] = None,
    meta_key: Annotated[list[str] | None, Option("--meta-key", help=META_KEY)] = None,
    min_tokens: Annotated[int, Option("--min-tokens", help="Drop shorter texts")] = 1,
    max_tokens: Annotated[int | None, Option("--max-tokens", help=MAX_TOKENS)] = None,
    keep_near_duplicates: Annotated[bool, Option("--keep-near-duplicates", help=NEAR)] = False,
    shard_size: Annotated[int, Option("--shard-size", help="Texts a shard")] = SHARD_SIZE,
    force: Annotated[bool, Option("--force", "-F", help="Replace the output's shards")] = False,
    add: Annotated[bool, Option("--add", help=ADD)] = False,
    dry_run: Annotated[bool, Option("--dry-run", help=DRY)] = False,
    code: Code = None,
    quiet: Quiet = False,
) -> None:
    """Make a pool of texts: split, without duplicates, in shards.

    With --unit doc a .txt file is one document; else a document ends at a blank line in it. A .jsonl file has
    one object a line with a `text` and, optionally, an `id` and a `meta`; .csv and .tsv files have a header with
    a column `text`, of which --meta-key keeps further columns.

    Two texts are near duplicates if they differ only in case, white space, punctuation, invisible characters or
    compatible forms of a character (NFKC). Texts that differ in a number are kept, and counted.
    """
    # the config may name what the code registers
    load_code(code)
    report = ingest(
        inputs,
        output,
        lang=lang,
        tokeniser=read_tokeniser(config),
        unit=unit.value,
        model=model,
        text_key=text_key,
        id_key=id_key,
        meta_key=meta_key or (),
        min_tokens=min_tokens,
        max_tokens=max_tokens,
        keep_near_duplicates=keep_near_duplicates,
        shard_size=shard_size,
        force=force,
        add=add,
        dry_run=dry_run,
    )
    if not quiet:
        say(format_report(report, output, add=add, dry_run=dry_run))


def format_report(
    report: IngestReport, output: Path, *, add: bool = False, dry_run: bool = False
) -> str:
    """The counts as a table, then the first records that could not be read, and what was done or would be."""
    rows = [("documents read", report.documents)]
    rows += [(f"dropped: {why}", count) for why, count in report.dropped.most_common() if count]
    if report.numbers:
        rows += [("kept: near duplicates that differ in a number", report.numbers)]
    rows += [("texts added" if add else "texts in the pool", report.texts)]
    rows += [] if dry_run else [("shards", len(report.shards))]
    lines = [table(rows, aligns=("l", "r"), max_col=50)]
    lines += [f"⚠ {problem}" for problem in report.problems]
    hidden = report.dropped["unreadable record"] - len(report.problems)
    lines += [f"⚠ and {hidden} more"] if hidden else []
    if dry_run:
        lines += [f"  {' '.join(text.split())[:100]}" for text in report.first]
        return "\n".join([*lines, f"ℹ Nothing was written to {output}: --dry-run"])
    if add:
        done = f"✔ Added to {output}" if report.texts else f"✔ Nothing new for {output}"
        return "\n".join([*lines, done])
    return "\n".join([*lines, f"✔ Pool written to {output}"])

"""`spacy-al convert`: labelled files of other tools become gold."""

import warnings
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option
from wasabi import table

from spacy_al.adapters.convert import Converted, convert
from spacy_al.adapters.convert_inputs import READERS, TAUGHT
from spacy_al.cli.app import app, explained, say, split_overrides
from spacy_al.cli.options import WITH_OVERRIDES, Bad, BadSpans, Code, Column, Quiet
from spacy_al.errors import AlWarning, Warnings
from spacy_al.posteriors.component import load_code
from spacy_al.reporting.words import plural

INPUTS = "Labelled files, or folders of them; for brat the folder"
OUTPUT = "The corpus to write (.spacy)"
CONFIG = (
    "Training config that the gold is for: it gives the tokeniser, the component and the spans key"
)
LANG = "Language whose rules split texts into tokens, without --config"
KIND = "Factory that is to learn from the gold; it says what is read of the files (default: the config's component, else what they have)"
COMPONENT = "Component of the config that is meant, where it has several"
SPANS_KEY = "Key of the spans in doc.spans, and in files that have groups of them (default: the component's, or sc)"
TEXT_KEY = "Key or column that has the text, in tables, Hugging Face and Label Studio"
LABELS = "Names of labels that the files write as numbers: those of 0, 1 and so on, with commas between them"
KEEP = "Keep the file's own tokens; where it has none, split tokens where spans begin and end"
DRY_RUN = "Show what would be written, and write nothing"
# Labels, and reasons, that are shown
SHOWN = 30

ConvertFormat = Enum("ConvertFormat", {name: name for name in sorted(READERS)}, type=str)  # type: ignore[misc]
ConvertKind = Enum("ConvertKind", {name: name for name in TAUGHT}, type=str)  # type: ignore[misc]


@app.command("convert", context_settings=WITH_OVERRIDES)
@explained
def convert_cli(
    ctx: typer.Context,
    inputs: Annotated[list[Path], Argument(help=INPUTS)],
    output: Annotated[Path, Option("--output", "-o", help=OUTPUT)],
    format: Annotated[
        ConvertFormat | None, Option("--format", help="Format of the files (default: found out)")
    ] = None,
    config: Annotated[Path | None, Option("--config", help=CONFIG)] = None,
    lang: Annotated[str, Option("--lang", "-l", help=LANG)] = "en",
    kind: Annotated[ConvertKind | None, Option("--kind", help=KIND)] = None,
    component: Annotated[str | None, Option("--component", help=COMPONENT)] = None,
    spans_key: Annotated[str | None, Option("--spans-key", help=SPANS_KEY)] = None,
    column: Column = None,
    text_key: Annotated[str, Option("--text-key", help=TEXT_KEY)] = "text",
    labels: Annotated[str, Option("--labels", help=LABELS)] = "",
    bad_spans: Bad = BadSpans.refuse,
    keep_tokens: Annotated[bool, Option("--keep-tokens", help=KEEP)] = False,
    dry_run: Annotated[bool, Option("--dry-run", help=DRY_RUN)] = False,
    force: Annotated[bool, Option("--force", "-F", help="Replace the output")] = False,
    code: Code = None,
    quiet: Quiet = False,
) -> None:
    """Make gold of labelled files of other tools, for paths.train, paths.dev, --oracle, calibrate and simulate.

    Nothing that the files do not say is taken for a label, or for the absence of one: what cannot be used is refused, counted and
    shown with its place, and what is undecided is missing.
    """
    # between the inputs may stand overrides of the config
    rest, overrides = split_overrides([*ctx.args], config)
    # the config may name what it registers
    load_code(code)
    result = convert(
        [*inputs, *map(Path, rest)],
        None if dry_run else output,
        format=format.value if format else None,
        config=config,
        overrides=overrides,
        lang=lang,
        kind=kind.value if kind else None,
        component=component,
        spans_key=spans_key,
        column=column,
        text_key=text_key,
        labels=[name.strip() for name in labels.split(",") if name.strip()],
        bad_spans=bad_spans.value,
        keep_tokens=keep_tokens,
        force=force,
    )
    if not quiet:
        say(format_converted(result))
    if result.contradictions:
        first = ": ".join(result.contradictions[0])
        message = Warnings.W331.format(count=len(result.contradictions), path=output, first=first)
        warnings.warn(message, AlWarning, stacklevel=2)
    if result.refused:
        message = Warnings.W330.format(
            count=result.refused_records, total=result.records, path=output
        )
        warnings.warn(message, AlWarning, stacklevel=2)
    if not quiet:
        done = "would be written" if dry_run else "written"
        say(f"✔ {plural(len(result.docs), 'text')} {done} to {output}")


def format_converted(result: Converted) -> str:
    """What was found, as a table; then what is to be known, and what was refused."""
    rows = [("records read", result.records), ("texts", len(result.docs))]
    rows += [("labelled in part", result.partial)] if result.partial else []
    rows += [("said again", result.repeated)] if result.repeated else []
    rows += (
        [("with other tokens than the tokeniser's", result.other_tokens)]
        if result.other_tokens
        else []
    )
    labels = list(result.labels.items())
    rows += [(f"{result.kind}: {label}", count) for label, count in labels[:SHOWN]]
    if hidden := labels[SHOWN:]:
        rows += [(f"{result.kind}: {len(hidden)} more labels", sum(n for _, n in hidden))]
    rows += [
        (f"refused: {why}", len(places)) for why, places in list(result.refused.items())[:SHOWN]
    ]
    lines = [table(rows, aligns=("l", "r"))]
    # of many files of one format one is shown
    seen: dict[str, list[str]] = {}
    for path, how in result.formats.items():
        seen.setdefault(how, []).append(path)
    for how, paths in seen.items():
        more = f" and {len(paths) - 1} more" if paths[1:] else ""
        lines.append(f"ℹ {paths[0]}{more}: {how}")
    lines += [f"ℹ {remark}" for remark in result.remarks]
    lines += [f"⚠ {places[0]}" for places in list(result.refused.values())[:SHOWN]]
    return "\n".join(lines)

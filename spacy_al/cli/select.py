"""`spacy-al select`: which texts of a pool to label next."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from spacy_al.cli.app import app, explained, say, split_overrides
from spacy_al.cli.batch import format_selection
from spacy_al.cli.options import Code, Engine, EngineName, Gpu, Quiet, Workers
from spacy_al.config.settings import Settings, read_settings
from spacy_al.corpus.address import pool_path
from spacy_al.distributed.engines import open_engine
from spacy_al.errors import Errors, UsageError
from spacy_al.loop.next_batch import (
    GROUND_TRUTH,
    LABEL_STUDIO,
    LABELBOX,
    PRODIGY,
    SCALE,
    SPACY,
    SUFFIXES,
    check_output,
    select_next,
    write_batch,
)
from spacy_al.posteriors.component import load_code

POOL = "A .spacy file or a folder of shards, or the URL of either (default: that of the config)"
MODEL = (
    "Trained pipeline (default: the newest model-best of the config's run, else below this folder)"
)
COLD = "Use no model: choose what represents the pool"
PATTERNS = "Patterns of an EntityRuler or SpanRuler (.jsonl): without a model, texts in which they match come first"
LABELED = "Corpus or file of tasks whose texts are not asked again; may be given several times"
CONFIG = "Config with an [al] section; its settings can be overridden, e.g. --al.batch_size 50"
ACQUISITION = "Registered acquisition, e.g. token_entropy, expected_errors, margin"
DENSITY = "Exponent of the mean similarity to the pool; 0 for none"
SAMPLER = "Registered sampler, e.g. top_k, uniform, representative (default: that of --config, else stochastic: fourth power, one in ten draws uniform; without a model representative)"
KEEP = "Keep the pool's tokens rather than the pipeline's"
NUMBER = "Texts to choose (default: 20, or batch_size of the config)"
OUTPUT = "File, or - for standard output (default: batch.jsonl, .json or .spacy by the format)"
ROUND = "With --config: choose the batch of this round again, leaving out what earlier ones asked"
CACHE = "Folder in which scores are kept, so that a model is asked about a text once (default: score_cache in [al.pool])"
REFRESH = "With a cache and a new model: score anew only this share of the texts, the highest under the model before (default: 0, all)"
PER_SHARD = "Choose among so many texts of each shard, those of highest score (default: all)"
LANG = "Language, where there is no model"


class BatchFormat(str, Enum):
    """Of the tasks."""

    prodigy = PRODIGY
    label_studio = LABEL_STUDIO
    spacy = SPACY
    scale = SCALE
    labelbox = LABELBOX
    ground_truth = GROUND_TRUTH


@app.command("select", context_settings={"ignore_unknown_options": True})
@explained
def select_cli(
    words: Annotated[list[str] | None, Argument(metavar="POOL", help=POOL)] = None,
    model: Annotated[str | None, Option("--model", "-m", help=MODEL)] = None,
    cold: Annotated[bool, Option("--cold", help=COLD)] = False,
    labeled: Annotated[list[Path] | None, Option("--labeled", help=LABELED)] = None,
    config: Annotated[Path | None, Option("--config", help=CONFIG)] = None,
    acquisition: Annotated[str | None, Option("--acquisition", help=ACQUISITION)] = None,
    density_weight: Annotated[float | None, Option("--density-weight", help=DENSITY)] = None,
    sampler: Annotated[str | None, Option("--sampler", help=SAMPLER)] = None,
    patterns: Annotated[Path | None, Option("--patterns", help=PATTERNS)] = None,
    component: Annotated[str | None, Option("--component", help="Whose posterior is read")] = None,
    seed: Annotated[int | None, Option("--seed", help="Of what is drawn (default: 0)")] = None,
    round: Annotated[int | None, Option("--round", min=0, help=ROUND)] = None,
    n: Annotated[int | None, Option("-n", help=NUMBER)] = None,
    format: Annotated[BatchFormat, Option("--format", help="Of the tasks")] = BatchFormat.prodigy,
    output: Annotated[Path | None, Option("--output", "-o", help=OUTPUT)] = None,
    lang: Annotated[str | None, Option("--lang", "-l", help=LANG)] = None,
    keep_tokens: Annotated[bool, Option("--keep-tokens", help=KEEP)] = False,
    n_process: Annotated[int, Option("--n-process", help="Processes that score")] = 1,
    engine: Engine = EngineName.local,
    workers: Workers = None,
    score_cache: Annotated[Path | None, Option("--score-cache", help=CACHE)] = None,
    refresh: Annotated[float | None, Option("--refresh", help=REFRESH)] = None,
    per_shard: Annotated[int | None, Option("--per-shard", help=PER_SHARD)] = None,
    code: Code = None,
    gpu_id: Gpu = -1,
    verbose: Annotated[bool, Option("--verbose", "-V", help="Show all that was chosen")] = False,
    quiet: Quiet = False,
) -> None:
    """Rank a pool of unlabelled texts and write those to label next as tasks.

    Without a trained pipeline it chooses texts that represent the pool, and says so. Nothing is recorded:
    the same command gives the same batch. Annotation that the pool carries is never looked at.
    """
    arguments, overrides = split_overrides(words or [], config)
    if len(arguments) > 1:
        raise typer.BadParameter(f"One pool at a time, and {' and '.join(arguments)} are given")
    # the config may name what the code registers
    load_code(code)
    settings = read_settings(config, overrides) if config else Settings()
    pool = pool_path(arguments[0]) if arguments else settings.pool
    if pool is None:
        raise UsageError(Errors.AL090)
    output = output or Path(f"batch.{SUFFIXES[format.value]}")
    check_output(output, format.value, pool)
    if cold and model:
        raise typer.BadParameter("--cold uses no model, and --model names one")
    selection = select_next(
        pool,
        settings if config else None,
        model=model,
        cold=cold,
        patterns=patterns,
        round=round,
        n=n,
        labeled=labeled or (),
        acquisition=acquisition,
        density_weight=density_weight,
        sampler=sampler,
        component=component,
        seed=seed,
        lang=lang,
        keep_tokens=keep_tokens,
        n_process=n_process,
        engine=open_engine(engine.value, workers),
        score_cache=score_cache,
        refresh=refresh,
        per_shard=per_shard,
        code=str(code) if code else None,
        gpu_id=gpu_id,
    )
    write_batch(selection.tasks, output, format.value)
    if not quiet:
        say(format_selection(selection, output, None if verbose else 10))

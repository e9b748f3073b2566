"""The verbs that need a pool, a corpus or a model and no run, as functions."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from spacy_al.auditing.answered import Reviewed, read_review
from spacy_al.auditing.audit import FOLDER, RANDOM, N
from spacy_al.auditing.audit import Audit as AuditResult
from spacy_al.auditing.audit import audit as audit_labels
from spacy_al.auditing.folds import FOLDS
from spacy_al.config.settings import Settings, read_settings, read_tokeniser
from spacy_al.corpus.address import pool_path
from spacy_al.corpus.ingest import ingest as ingest_texts
from spacy_al.corpus.ingest_report import IngestReport
from spacy_al.distributed.engines import open_engine
from spacy_al.errors import Errors, UsageError
from spacy_al.evaluation.calibrate import MOST_DOCS
from spacy_al.evaluation.calibrate import calibrate as fit_and_keep
from spacy_al.loop.next_batch import PRODIGY, check_output, select_next, write_batch
from spacy_al.posteriors.component import load_code
from spacy_al.public.arguments import AnyPath, Overrides, path_of, plain_overrides
from spacy_al.public.results import CalibrationResult
from spacy_al.query.select import Selection
from spacy_al.util import several


def ingest(
    inputs: AnyPath | Sequence[AnyPath],
    output: AnyPath,
    *,
    config: AnyPath | None = None,
    meta_key: str | Sequence[str] = (),
    code: AnyPath | None = None,
    **how: Any,
) -> IngestReport:
    """Make a pool of texts: split, without duplicates, in shards.

    inputs: A file or a folder of files (.txt, .jsonl, .csv, .tsv, .spacy), or several.
    output: Folder of the pool.
    config: Training config whose tokeniser is used.
    meta_key: A key or column that is kept in the `meta` of each text, or several.
    code: Python file that registers functions.
    how: lang, unit, model, text_key, id_key, min_tokens, max_tokens, keep_near_duplicates, shard_size, force, add, dry_run, as the options.
    RETURNS (IngestReport): Counts of what came in and what was left out, and why.
    RAISES (AlError): What is wrong with the input; the old pool then stays as it was.
    """
    load_code(path_of(code))
    tokeniser = read_tokeniser(path_of(config))
    paths = [*map(Path, several(inputs))]
    return ingest_texts(paths, Path(output), tokeniser=tokeniser, meta_key=several(meta_key), **how)


def select(
    pool: AnyPath | None = None,
    *,
    config: AnyPath | None = None,
    overrides: Overrides | None = None,
    model: AnyPath | None = None,
    cold: bool = False,
    n: int | None = None,
    labeled: AnyPath | Sequence[AnyPath] = (),
    patterns: AnyPath | None = None,
    output: AnyPath | None = None,
    format: Literal["prodigy", "label-studio", "spacy"] = PRODIGY,  # type: ignore[assignment]
    engine: Literal["local", "ray"] = "local",
    workers: int | None = None,
    score_cache: AnyPath | None = None,
    code: AnyPath | None = None,
    **how: Any,
) -> Selection:
    """Rank a pool of unlabelled texts and choose those to label next, best first. Nothing is recorded.

    pool: A .spacy file or a folder of shards, or the URL of either; by default that of the config.
    config, overrides: A config with an [al] section, whose run is then looked at as well.
    model: A trained pipeline; by default the newest model-best of the config's run, else the only one below this folder.
    cold (bool): Use no model: choose what represents the pool.
    n (int | None): Texts to choose; by default 20, or batch_size of the config.
    labeled: Corpus or file of tasks whose texts are not asked again, or several.
    patterns: Of an entity or span ruler; without a model, texts in which they match come first.
    output, format: A file for the tasks, and what it is for; None writes none.
    code: Python file that registers functions.
    engine, workers: Where texts are scored: here, or on a Ray cluster of so many workers.
    score_cache: Folder in which scores are kept for the next call.
    how: acquisition, density_weight, sampler, component, seed, round, lang, keep_tokens, n_process, refresh, per_shard, gpu_id, as the options.
    RETURNS (Selection): `tasks`, as Prodigy has them, and how they were chosen.
    RAISES (AlError): What is wrong with the input, and AL086 if nothing is left to ask.
    """
    if overrides and config is None:
        raise UsageError(Errors.AL089.format(given=", ".join(overrides)))
    load_code(path_of(code))
    settings = read_settings(Path(config), plain_overrides(overrides)) if config else None
    found = pool_path(pool) if pool else (settings or Settings()).pool
    if found is None:
        raise UsageError(Errors.AL090)
    if output is not None:
        check_output(Path(output), format, found)
    selection = select_next(
        found,
        settings,
        model=None if model is None else str(model),
        cold=cold,
        n=n,
        labeled=[*map(Path, several(labeled))],
        patterns=path_of(patterns),
        engine=open_engine(engine, workers),
        score_cache=path_of(score_cache),
        code=None if code is None else str(code),
        **how,
    )
    if output is not None:
        write_batch(selection.tasks, Path(output), format)
    return selection


def calibrate(
    model: AnyPath,
    gold: AnyPath,
    *,
    component: str | None = None,
    max_docs: int = MOST_DOCS,
    coverage: float | None = None,
    by_label: bool = False,
    seed: int = 0,
    dry_run: bool = False,
    code: AnyPath | None = None,
) -> CalibrationResult:
    """Fit a temperature on held-out gold documents, so that what is called 80% probable is right in 80% of cases.

    model: Directory of the trained pipeline; its temperature is stored in it.
    gold: Held-out gold documents, never those that the model was trained on.
    component (str | None): Whose probabilities; by default the only component that has any.
    max_docs, seed (int): Documents used at most, a random sample, and what it is drawn with.
    coverage (float | None): Fit sets of answers too that hold the right one with this probability: half of the documents are for them.
    by_label (bool): Of categories, fit a scale and a bias for each in place of one temperature, if folds say that it is better.
    dry_run (bool): Fit, and store nothing.
    code: Python file that registers functions.
    RETURNS (CalibrationResult): The temperature, and what it mends.
    RAISES (AlError): What is wrong with the model or the gold.
    """
    load_code(path_of(code))
    record = fit_and_keep(
        str(model),
        Path(gold),
        component=component,
        max_docs=max_docs,
        coverage=coverage,
        by_label=by_label,
        seed=seed,
        dry_run=dry_run,
    )
    return CalibrationResult(
        record["component"],
        record["temperature"],
        record["documents"],
        record["before"],
        record["after"],
        record["path"],
        record.get("sets"),
        record,
    )


def audit(
    corpus: AnyPath,
    *,
    config: AnyPath | None = None,
    overrides: Overrides | None = None,
    model: AnyPath | None = None,
    component: str | None = None,
    folds: int = FOLDS,
    n: int = N,
    n_random: int = RANDOM,
    seed: int = 0,
    folder: AnyPath = FOLDER,
    output: AnyPath | None = None,
    weighted: AnyPath | None = None,
    drop: int = 0,
    answers: AnyPath | None = None,
    show: Callable[[str], None] | None = None,
    code: AnyPath | None = None,
    gpu_id: int = -1,
) -> AuditResult | Reviewed:
    """Find labels that are probably wrong or missing in an annotated corpus, by models that have not seen it.

    corpus: A .spacy file, a folder of them, or what else convert reads. With `answers`, a review list that this has written.
    config, overrides: A training config, whose pipeline is trained on all folds of the corpus but one, for each fold.
    model: Instead, a trained pipeline that has not seen the corpus.
    component (str | None): Whose labels; by default those of the only component that has a posterior.
    folds (int): How many.
    n, n_random (int): Texts of the review list: the most doubtful ones, and others by chance.
    seed (int): Of the folds and the draws.
    folder: Keeps the models of the folds.
    output: A file for the review list; None writes none.
    weighted: A .spacy file for the corpus with a rate for each text, at which spacy-al.batch_sampled.v1 takes it; None writes none.
    drop (int): Texts that are left out of it, the most doubtful first.
    answers: Answered rows of the review list.
    show (Callable | None): Gets the lines that tell what goes on, e.g. `print`.
    code: Python file that registers functions.
    gpu_id (int): GPU, -1 for none.
    RETURNS (AuditResult | Reviewed): Its `rows` are the findings, its `tasks` the review list; with `answers`, what was wrong, and
        `remaining`, an estimate of what is left.
    RAISES (AlError): What is wrong with the corpus, the config, the model or the answers.
    """
    if answers is not None:
        return read_review(Path(corpus), Path(answers), seed)
    return audit_labels(
        Path(corpus),
        config=path_of(config),
        overrides=plain_overrides(overrides),
        model=None if model is None else str(model),
        component=component,
        folds=folds,
        n=n,
        n_random=n_random,
        seed=seed,
        folder=Path(folder),
        output=path_of(output),
        weighted=path_of(weighted),
        drop=drop,
        code=path_of(code),
        gpu_id=gpu_id,
        show=show,
    )

"""Auditing a corpus: it is read, judged by models that have not seen it, ranked, and made into a review list."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_al.adapters.convert import convert
from spacy_al.auditing.folds import FOLDS
from spacy_al.auditing.judged import JudgedCorpus, judge_by_folds, judge_by_model
from spacy_al.auditing.review import AuditRow, make_review, rank_findings
from spacy_al.auditing.weighted import weigh_texts
from spacy_al.config.components import component_blocks, readable_factories
from spacy_al.config.overrides import load_overridden
from spacy_al.corpus.pool import shards
from spacy_al.corpus.shard import check_writable, read_shard, write_shard
from spacy_al.errors import AlError, Errors, UsageError
from spacy_al.kinds import FACTORIES
from spacy_al.posteriors.component import load_code, open_component
from spacy_al.tasks.task import Task, write_tasks

FOLDER = Path("training/audit")
N, RANDOM = 100, 40


@dataclass(frozen=True)
class Audit:
    """What came of an audit.

    rows (list[AuditRow]): All findings where something else is more probable than what is given, the most doubtful first.
    tasks (list[Task]): The review list, in the order in which to ask.
    corpus (JudgedCorpus): All texts with all that was found out.
    """

    rows: list[AuditRow]
    tasks: list[Task] = field(repr=False)
    corpus: JudgedCorpus = field(repr=False)


def audit(
    corpus: Path,
    *,
    config: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    model: str | None = None,
    component: str | None = None,
    folds: int = FOLDS,
    n: int = N,
    n_random: int = RANDOM,
    seed: int = 0,
    folder: Path = FOLDER,
    output: Path | None = None,
    weighted: Path | None = None,
    drop: int = 0,
    code: Path | None = None,
    gpu_id: int = -1,
    show: Callable[[str], None] | None = None,
) -> Audit:
    """Find labels of a corpus that are probably wrong or missing.

    corpus (Path): A `.spacy` file or a folder of them, or what else `convert` reads. Not changed.
    config (Path | None), overrides (Mapping): A training config, whose pipeline is trained on all folds of the corpus but one, for each.
    model (str | None): Instead, a pipeline that has not seen the corpus.
    component (str | None): Whose labels; by default those of the only component that has a posterior.
    folds (int): How many.
    n, n_random (int): Texts of the review list that are chosen, and drawn from the others.
    seed (int): Of the folds and the draws.
    folder (Path): Keeps the models of the folds.
    output (Path | None): Gets the review list; None writes none.
    weighted (Path | None): A `.spacy` file that gets the corpus to learn from, as `weigh_texts`; None writes none.
    drop (int): Texts that are left out of it, the most doubtful first.
    code (Path | None): Python file that registers functions.
    gpu_id (int): -1 for none.
    show (Callable | None): Takes a line on what goes on.
    RAISES (AlError): AL047 if a file cannot be written, AL420 (UsageError) without config and model or with both, AL421 (UsageError) for a component that nobody is
        asked about, AL422 (UsageError) for folds that cannot be, AL428 (UsageError) for `drop` without `weighted`, AL087 (UsageError) for another number, AL070 if nothing is annotated; what reading, training and writing raise.
    WARNS (AlWarning): ALW420 and ALW423 for marks that cannot be judged, ALW421 for a model that is not calibrated.
    """
    if (config is None) == (model is None):
        raise UsageError(Errors.AL420)
    if drop and weighted is None:
        raise UsageError(Errors.AL428)
    for name, value, least in (("--n", n, 0), ("--random", n_random, 0), ("--drop", drop, 0)):
        if value < least:
            raise UsageError(Errors.AL087.format(name=name, value=value, must=f"{least} or more"))
    for path in (output, weighted):
        if path is not None:
            check_writable(path)
    load_code(code)
    docs = read_audited(corpus, config, overrides, component)
    if config is not None:
        name, factory, spans_key = _taught(config, overrides or {}, component)
        found = judge_by_folds(
            docs,
            config,
            folder,
            component=name,
            factory=factory,
            spans_key=spans_key,
            n_folds=folds,
            seed=seed,
            overrides=overrides,
            code=code,
            gpu_id=gpu_id,
            show=show,
            where=corpus,
        )
        by = f"{folds} folds of {config.name}"
    else:
        assert model is not None
        opened = open_component(model, component, code=str(code) if code else None, gpu_id=gpu_id)
        _check_asked(opened.name, opened.factory, opened.nlp.pipe_names)
        found = judge_by_model(docs, opened, model, where=corpus)
        by = model
    meta = {"round": 0, "component": found.component, "model": by}
    tasks = make_review(found, n, n_random, seed, meta)
    if weighted is not None:
        write_shard(weigh_texts(docs, found, drop), weighted)
    if output is not None:
        write_tasks(tasks, output)
    return Audit(rank_findings(found), tasks, found)


def read_audited(
    path: Path,
    config: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    component: str | None = None,
) -> list[Doc]:
    """The docs of a labelled corpus, as they were stored or as `convert` makes them. Raises as `shards`, `read_shard` and `convert`."""
    if path.suffix == ".spacy" or not path.exists() or (path.is_dir() and [*path.glob("*.spacy")]):
        vocab = Vocab()
        return [doc for shard in shards(path) for doc in read_shard(shard, vocab)]
    return convert([path], None, config=config, overrides=overrides, component=component).docs


def _taught(
    config: Path, overrides: Mapping[str, Any], component: str | None
) -> tuple[str, str, str]:
    """The component of a config whose labels are audited, its factory, and where a span categoriser has its spans."""
    if not config.is_file():
        raise AlError(Errors.AL080.format(path=config))
    try:
        made = load_overridden(config, overrides, interpolate=True)
    except AlError:
        raise
    except Exception as error:
        # confection raises errors of several unrelated types
        raise AlError(Errors.AL081.format(path=config, why=str(error).strip())) from None
    blocks = component_blocks(made)
    factories = readable_factories(blocks)
    asked = [name for name, factory in factories.items() if FACTORIES[factory].is_asked]
    name = component or made.get("al", {}).get("component")
    if name is None:
        if len(asked) != 1:
            found, names = ("several components" if asked else "none"), ", ".join(asked)
            raise AlError(Errors.AL003.format(found=found, names=f": {names}" if names else ""))
        (name,) = asked
    if name not in factories:
        raise AlError(Errors.AL001.format(name=name, names=", ".join(factories) or "nothing"))
    _check_asked(name, factories[name], asked)
    return name, factories[name], blocks[name].get("spans_key") or "sc"


def _check_asked(name: str, factory: str, known: Any) -> None:
    if not FACTORIES[factory].is_asked:
        others = ", ".join(one for one in known if one != name) or "none here"
        raise UsageError(Errors.AL421.format(name=name, factory=factory, known=others))

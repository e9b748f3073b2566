"""How long choosing a batch takes once scores and embeddings are there, beside other libraries.

Each arm runs in a process of its own: `python -m spacy_al.bench.sampling --output sampling.json`.
"""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import numpy
import typer
from typer import Option
from wasabi import table

from spacy_al.arrays.factored import Factored
from spacy_al.bench.machine import describe, peak_memory
from spacy_al.registry import al_samplers
from spacy_al.selection import mean_cosine
from spacy_al.util import progress_bar, replacing

WIDTH, LABELS, CENTRES, LABELLED, MEMBERS = 96, 20, 200, 100, 10

# What to run by operation: ours first, then what others have for the same
OPERATIONS: dict[str, list[str]] = {
    "highest scores": ["top_k", "skactiveml: simple_batch"],
    "uniform": ["uniform"],
    "powers of the score": ["stochastic"],
    "quotas": ["quotas"],
    "neighbours of positives": ["near_positives"],
    "k-centre, all rows": [
        "k_centre prefilter=0",
        "skactiveml: k_greedy_center",
        "small_text: greedy_coreset",
    ],
    "k-centre, highest scores": ["k_centre"],
    "k-means++ draws": ["kmeans_pp", "sklearn: kmeans_plusplus"],
    "k-means++ of gradients": ["kmeans_pp factored", "skactiveml: Badge"],
    "marginal relevance": ["mmr", "mmr prefilter=0"],
    "facility location": ["facility_location"],
    "cluster margin": ["cluster_margin"],
    "cluster centres": ["representative", "small_text: EmbeddingKMeans"],
    "TypiClust": ["typiclust", "skactiveml: TypiClust"],
    "ProbCover": ["prob_cover", "skactiveml: ProbCover"],
    "what tells of members": ["batch_bald"],
    "what tells of the pool": ["pool_information"],
    "expected error": ["error_reduction"],
    "density": ["density"],
}
# What is linear, or looks at the highest scores alone
MILLION = (
    "highest scores",
    "uniform",
    "powers of the score",
    "quotas",
    "density",
    "k-centre, highest scores",
)
# rows, batch, operations
SIZES: list[tuple[int, int, tuple[str, ...]]] = [
    (10_000, 100, tuple(OPERATIONS)),
    (100_000, 1_000, tuple(OPERATIONS)),
    (1_000_000, 1_000, MILLION),
]


class Pool:
    """Made-up scores and embeddings: directions around 200 centres, and rows of zeros in no place.

    rows (int): N.
    seed (int): Of all that is drawn.
    """

    def __init__(self, rows: int, seed: int) -> None:
        rng = numpy.random.default_rng(seed)
        self.scores = rng.random(rows)
        centres = rng.standard_normal((CENTRES, WIDTH), dtype="f4")
        self.embeddings = rng.standard_normal((rows, WIDTH), dtype="f4")
        self.embeddings += centres[rng.integers(0, CENTRES, rows)]
        self.label_probs = rng.dirichlet(numpy.full(LABELS, 0.3), rows).astype("f4")
        counts = (rng.random((LABELLED, LABELS)) < 0.2).astype("i8")
        names = tuple(f"L{k}" for k in range(LABELS))
        vectors = self.embeddings[rng.integers(0, rows, LABELLED)]
        self.labelled = SimpleNamespace(embeddings=vectors, counts=counts, labels=names)

    @property
    def members(self) -> Any:
        """(N, M, K) as of a committee whose members stray from one another."""
        rng = numpy.random.default_rng(len(self.scores))
        strayed = rng.random((len(self.scores), MEMBERS, LABELS), dtype="f4")
        strayed += self.label_probs[:, None]
        return strayed / strayed.sum(axis=2, keepdims=True)

    @property
    def gradients(self) -> Factored:
        """As of a text classifier: p - onehot(argmax) times the embedding."""
        best = numpy.arange(LABELS) == self.label_probs.argmax(axis=1)[:, None]
        return Factored(self.label_probs - best.astype("f4"), self.embeddings)


def run_arm(arm: str, rows: int, batch: int, seed: int) -> dict[str, Any]:
    """One arm in this process: seconds, and the most memory that it held beyond what it was given.

    arm (str): A sampler of ours with a setting, or `library: function`.
    rows, batch (int): Candidates, and how many of them to choose.
    RETURNS (dict): `wall` and `process` seconds, `memory` in MB, `chosen`, how many distinct rows.
    """
    pool = Pool(rows, seed)
    function = _peer(arm, pool, batch, seed) if ":" in arm else _ours(arm, pool, batch, seed)
    before = peak_memory() or 0.0
    wall, process = time.perf_counter(), time.process_time()
    chosen = function()
    found = {
        "process": time.process_time() - process,
        "wall": time.perf_counter() - wall,
        "memory": max((peak_memory() or 0.0) - before, 0.0),
    }
    return {**found, "chosen": len(set(numpy.asarray(chosen).tolist()))}


def _ours(arm: str, pool: Pool, batch: int, seed: int) -> Callable[[], Any]:
    if arm == "density":
        return lambda: mean_cosine(pool.embeddings).argsort()[:batch]
    name, *more = arm.split()
    settings = dict(word.split("=") for word in more if "=" in word)
    sampler = al_samplers.get(f"spacy-al.{name}.v1")(**{k: int(v) for k, v in settings.items()})
    given = {"label_probs": pool.label_probs, "labelled": pool.labelled}
    given = {key: value for key, value in given.items() if key in signature(sampler).parameters}
    if "members" in signature(sampler).parameters:
        given["members"] = pool.members
    given["embeddings"] = pool.gradients if "factored" in more else pool.embeddings
    return lambda: sampler(pool.scores, batch, numpy.random.default_rng(seed), **given)[0]


def _peer(arm: str, pool: Pool, batch: int, seed: int) -> Callable[[], Any]:
    """The choice of another library from the same pool. Imports are no part of what is timed."""
    library, _, name = arm.partition(": ")
    vectors, size = pool.embeddings, len(pool.embeddings)
    # as many labelled rows as ours are given, here rows of the pool itself
    y = numpy.full(size, numpy.nan)
    y[:LABELLED] = numpy.arange(LABELLED) % LABELS
    if name == "kmeans_plusplus":
        from sklearn.cluster import kmeans_plusplus

        return lambda: kmeans_plusplus(vectors, batch, random_state=seed)[1]
    if library == "small_text":
        import small_text
        from small_text.query_strategies.coresets import greedy_coreset

        unlabelled, known = numpy.arange(LABELLED, size), numpy.arange(LABELLED)
        if name == "greedy_coreset":
            return lambda: greedy_coreset(
                vectors, unlabelled, known, batch, distance_metric="euclidean", batch_size=10_000
            )
        strategy = getattr(small_text, name)()
        everything = numpy.arange(size)
        return lambda: strategy.sample(None, None, everything, known, None, batch, vectors)
    import skactiveml.pool
    from skactiveml.pool import k_greedy_center
    from skactiveml.utils import simple_batch

    if name == "simple_batch":
        return lambda: simple_batch(pool.scores.copy(), random_state=seed, batch_size=batch)
    if name == "k_greedy_center":
        return lambda: k_greedy_center(vectors, y, batch_size=batch, random_state=seed)[0]
    nothing = numpy.full(size, numpy.nan)
    if name == "ProbCover":
        cover = skactiveml.pool.ProbCover(n_classes=LABELS, random_state=seed)
        return lambda: cover.query(vectors, nothing, batch_size=batch)
    if name == "TypiClust":
        typical = skactiveml.pool.TypiClust(random_state=seed)
        return lambda: typical.query(vectors, nothing, batch_size=batch)
    from skactiveml.classifier import SklearnClassifier

    class Given(SklearnClassifier):  # type: ignore[misc]
        """A classifier that has given its probabilities already."""

        def predict_proba(self, X: Any) -> Any:
            return pool.label_probs[-len(X) :].astype("f8")

    from sklearn.dummy import DummyClassifier

    clf = Given(DummyClassifier(), classes=range(LABELS)).fit(vectors[:LABELLED], y[:LABELLED])
    badge = skactiveml.pool.Badge(random_state=seed)
    return lambda: badge.query(vectors, y, clf, fit_clf=False, batch_size=batch)


def bench_sampling(
    sizes: list[tuple[int, int, tuple[str, ...]]], *, limit: int, seed: int = 0
) -> dict[str, Any]:
    """Every arm of every size, in turn.

    sizes (list): Rows, batch, and operations.
    limit (int): Seconds of the processor after which an arm is given up.
    RETURNS (dict): `machine`, `seed`, and `rows`: what was run and what `run_arm` found, or `failed`, and why.
    """
    work = [(r, b, op, arm) for r, b, names in sizes for op in names for arm in OPERATIONS[op]]
    found = []
    for rows, batch, operation, arm in progress_bar(work, len(work), "arm"):
        row = {"rows": rows, "batch": batch, "operation": operation, "arm": arm}
        found.append({**row, **_in_a_process(arm, rows, batch, seed, limit)})
    return {"machine": describe(), "seed": seed, "limit": limit, "rows": found}


def _in_a_process(arm: str, rows: int, batch: int, seed: int, limit: int) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", "-m", "spacy_al.bench.sampling", "--arm", arm]
    command += ["--rows", str(rows), "--batch", str(batch), "--seed", str(seed)]
    command += ["--limit", str(limit)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return {"failed": f"more than {limit} s, or than there is memory"}
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        # of an error of several lines the one that names it
        why = next((line for line in reversed(lines) if re.match(r"[\w.]+: ", line)), lines[-1])
        return {"failed": why.replace(os.sep, "/")[:100]}
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def format_sampling(found: dict[str, Any]) -> str:
    """A table for each size."""
    parts = []
    for rows, batch in dict.fromkeys((row["rows"], row["batch"]) for row in found["rows"]):
        lines: list[tuple[str, ...]] = []
        first: dict[str, float] = {}
        for row in found["rows"]:
            if (row["rows"], row["batch"]) != (rows, batch):
                continue
            if "failed" in row:
                lines.append((row["operation"], row["arm"], row["failed"], "", "", ""))
                continue
            # ours is the first of each operation; the clock may not see the shortest
            base = first.setdefault(row["operation"], max(row["process"], 1e-3))
            seconds = f"{row['process']:.2f}", f"{row['wall']:.2f}", f"{row['process'] / base:.1f}"
            lines.append((row["operation"], row["arm"], *seconds, f"{row['memory']:,.0f}"))
        title = f"{rows:,} rows of {WIDTH} numbers, a batch of {batch:,}"
        header = ("operation", "", "CPU s", "wall s", "ratio", "MB more")
        parts.append(
            title
            + "\n"
            + table(lines, header=header, divider=True, aligns=("l", "l", "r", "r", "r", "r"))
        )
    machine = found["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    parts.append(f"{machine['processor']}, Python {machine['python']}, {versions}")
    parts.append(
        f"Seed {found['seed']}; at most {found['limit']} s of the processor each; {machine['threads']}"
    )
    return "\n".join(parts)


def main(
    output: Annotated[Path | None, Option("--output", "-o", help="All figures as JSON")] = None,
    only: Annotated[list[str] | None, Option("--only", help="Operations, all by default")] = None,
    limit: Annotated[int, Option(help="CPU seconds after which an arm is given up")] = 300,
    rows: Annotated[int, Option(help="Candidates, in place of all three sizes")] = 0,
    batch: Annotated[int, Option(help="How many of them to choose")] = 1000,
    seed: Annotated[int, Option(help="Of scores, embeddings and draws")] = 0,
    arm: Annotated[str, Option(help="Run one arm in this process and print what it took")] = "",
) -> None:
    """Time each sampler alone, beside scikit-activeml, small-text and scikit-learn, each in a process of its own.

    Set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1 for figures that can be compared.
    """
    if arm:
        # of the processor's time, since other work on the machine is no fault of an arm's
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        typer.echo(json.dumps(run_arm(arm, rows, batch, seed)))
        return
    own = [(rows, batch, tuple(OPERATIONS))]
    sizes = [size for size in SIZES if size[:2] == (rows, batch)] or own if rows else SIZES
    sizes = [(r, b, tuple(op for op in ops if not only or op in only)) for r, b, ops in sizes]
    found = bench_sampling(sizes, limit=limit, seed=seed)
    typer.echo(format_sampling(found))
    if output:
        with replacing(output) as file:
            json.dump(found, file, indent=2)


if __name__ == "__main__":
    typer.run(main)

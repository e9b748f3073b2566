"""The lines through what pools of several sizes took, and what follows from them for a far larger one."""

from collections.abc import Mapping, Sequence

import numpy

from spacy_al.embeddings.cache_file import size_of
from spacy_al.types import Floats

BILLION = 10**9
# What is measured a sentence, and how it is called
MEASURED = {
    "cpu_score": "seconds of a core, scored",
    "wall_score": "seconds by the clock, scored",
    "cpu_known": "seconds of a core, out of the cache",
    "pool_bytes": "bytes of the pool's shards",
    "cache_bytes": "bytes of cached scores",
    "ranking_memory": "bytes of memory of the process that ranks",
}


def fit(rows: Sequence[Mapping[str, float]], name: str) -> tuple[float, float]:
    """(a, b) of a + b * texts, by least squares."""
    sizes, totals = (numpy.array([row[key] for row in rows]) for key in ("texts", name))
    slope, start = numpy.polyfit(sizes, totals, 1)
    return float(start), float(slope)


def off_line(points: Sequence[Mapping[str, float]], name: str) -> tuple[Floats, Floats]:
    """How far a pool that is scored keeps to a straight line of its own, by least squares.

    points (Sequence): What it had taken after so many texts. The last is its total: the batch is taken after all is scored, and is no part of the line.
    name (str): Of what.
    RETURNS (tuple): Texts (N,), and what was taken until there less what the line says (N,), as a share of the last; empty below three points.
    """
    found = [one for one in points if 0 < one["texts"] < points[-1]["texts"]]
    if len(found) < 3:
        return numpy.zeros(0), numpy.zeros(0)
    sizes, took = (numpy.array([one[key] for one in found]) for key in ("texts", name))
    start, each = fit(found, name)
    return sizes, (took - start - each * sizes) / took[-1]


def formulae(rows: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """For each thing that is measured: `start` and `each` of the line through all sizes but the largest, and its `error` there.

    rows (Sequence): As `measure_scale` gives them, three or more.
    RETURNS (dict): `error` is what the line says of the largest size over what was measured there, less 1.
    """
    *before, largest = rows
    found = {}
    for name in MEASURED:
        start, each = fit(before, name)
        said = start + each * largest["texts"]
        found[name] = {"start": start, "each": each, "error": said / largest[name] - 1}
    return found


def arithmetic(
    lines: Mapping[str, Mapping[str, float]],
    *,
    texts: int = BILLION,
    tokens: float,
    width: int = 384,
    cores: int = 100,
    core_hour: float = 0.05,
    gb_month: float = 0.023,
) -> list[tuple[str, str, str]]:
    """What a pool takes: (what, formula, result).

    lines (Mapping): As `formulae` gives them; `each` is used, as a start is paid once.
    texts, tokens (int, float): Of the pool, and tokens a text.
    width (int): Numbers of a vector of an encoder.
    cores (int): That score at once.
    core_hour, gb_month (float): Prices of a core for an hour, and of a GB for a month.
    """
    each = {name: line["each"] for name, line in lines.items()}
    hours = {name: each[name] * texts / 3600 for name in ("cpu_score", "cpu_known")}
    sizes = {"pool": each["pool_bytes"] * texts, "scores": each["cache_bytes"] * texts}
    vectors = float(size_of(texts, 0, width))
    token_vectors = float(size_of(texts, int(tokens * texts), width))
    stored = sizes["pool"] + sizes["scores"] + vectors
    n = f"{texts:,}"
    return [
        ("the pool", f"{each['pool_bytes']:.0f} B x {n}", _size(sizes["pool"])),
        ("cached scores", f"{each['cache_bytes']:.0f} B x {n}", _size(sizes["scores"])),
        ("vectors of texts", f"(32 + 2 x {width}) B x {n}", _size(vectors)),
        ("and of tokens", f"+ {tokens:.1f} x 2 x {width} B x {n}", _size(token_vectors)),
        ("ranking, in memory", f"{each['ranking_memory']:.0f} B x {n}", _size(each["ranking_memory"] * texts)),
        ("scoring, core hours", f"{each['cpu_score'] * 1000:.2f} ms x {n}", f"{hours['cpu_score']:,.0f}"),
        (f"scoring, hours on {cores} cores", f"core hours / {cores}", f"{hours['cpu_score'] / cores:.1f}"),
        ("all known, core hours", f"{each['cpu_known'] * 1000:.2f} ms x {n}", f"{hours['cpu_known']:,.0f}"),
        ("scoring, money", f"core hours x {core_hour:g}", f"{hours['cpu_score'] * core_hour:,.0f}"),
        ("a month on disk, money", f"(pool + scores + vectors of texts) x {gb_month:g} a GB", f"{stored / 1e9 * gb_month:,.0f}"),
    ]  # fmt: skip


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 1e12:.2f} TB" if n_bytes >= 1e12 else f"{n_bytes / 1e9:.1f} GB"

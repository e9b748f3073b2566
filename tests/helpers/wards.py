"""A made-up pool in which one ward is rare and has words and labels of its own, and what is asked of it.

    python -m tests.helpers.wards --seeds 5

asks 60 texts at random, and 60 by quotas for the two labels of that ward, and prints its score of each.
"""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy
import typer
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from spacy_al.config.project import Project, open_project
from spacy_al.loop.rounds import run
from spacy_al.loop.status import status
from spacy_al.metrics import GroupRow
from tests.helpers.chaos import ROOT

KINDS = {"north": ("DRUG", "ROOM"), "south": ("DIET", "VISIT"), "west": ("DRUG", "ROOM")}
LABELS = sorted({label for kinds in KINDS.values() for label in kinds})
FIELD = "of.ward"
SAMPLERS: dict[str, dict[str, Any]] = {
    "uniform": {"@al_samplers": "spacy-al.uniform.v1"},
    "quotas": {"@al_samplers": "spacy-al.quotas.v1", "labels": {"DIET": 0.35, "VISIT": 0.35}},
}
WORDS = 200


def ward_texts(seed: int, **wards: int) -> list[Doc]:
    """So many different texts of each ward. Each category of a ward has words of its own; in the west they say nothing of it."""
    rng, found = numpy.random.default_rng(seed), dict[str, Doc]()
    for ward, left in wards.items():
        while left:
            kind = KINDS[ward][int(rng.integers(2))]
            of = "any" if ward == "west" else kind.lower()
            doc = Doc(Vocab(), words=[f"{ward}{of}{k}" for k in rng.integers(0, WORDS, 6)])
            doc.cats = {label: float(label == kind) for label in LABELS}
            doc.user_data["al_source"] = {"meta": {"of": {"ward": ward}}}
            left -= doc.text not in found
            found.setdefault(doc.text, doc)
    return list(found.values())


def write_texts(path: Path, docs: list[Doc]) -> Path:
    """The texts with their meta as a `.spacy` file."""
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return path


def write_wards(folder: Path, seed: int = 0) -> None:
    """What is labelled, what measures, and the pool."""
    write_texts(folder / "train.spacy", ward_texts(3 * seed + 1, north=90, south=4))
    write_texts(folder / "dev.spacy", ward_texts(3 * seed + 2, north=90, south=40, west=8))
    write_texts(folder / "pool.spacy", ward_texts(3 * seed + 3, north=700, south=40, west=10))


def ward_run(folder: Path, name: str, seed: int = 0) -> Project:
    """A run that asks 60 texts by one of SAMPLERS, answered from gold, and trains on them."""
    own: dict[str, Any] = {
        f"paths.{key}": str(folder / f"{key}.spacy") for key in ("train", "dev", "pool")
    }
    own |= {"paths.test": None, "al.output": str(folder / name), "al.groups": FIELD}
    own |= {"al.batch_size": 60, "al.max_rounds": 1, "al.sampler": SAMPLERS[name]}
    own |= {"al.seed": seed, "system.seed": seed}
    own |= {"training.max_steps": 60, "training.eval_frequency": 60}
    project = open_project(ROOT / "configs" / "textcat.cfg", own, oracle=folder / "pool.spacy")
    assert run(project).state == "stopped"
    return project


def by_ward(project: Project) -> dict[str | None, GroupRow]:
    """The groups of a run."""
    found = status(project)["groups"]
    assert found is not None and found["field"] == FIELD
    return {row["name"]: row for row in found["rows"]}


def main(seeds: Annotated[int, typer.Option(help="Pools and models")] = 5) -> None:
    """Print of each seed and sampler how many texts of the rare ward were asked, its score, and whether a difference is named."""
    scores: dict[str, list[float]] = {name: [] for name in SAMPLERS}
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            write_wards(Path(folder), seed)
            for name in SAMPLERS:
                rows = by_ward(ward_run(Path(folder), name, seed))
                row = rows["south"]
                scores[name].append(row["score"] or 0.0)
                small = rows["west"]
                print(
                    f"{seed} {name}: asked {row['asked']}, score {row['score']:.3f} {row['interval']}, rest {row['rest']:.3f}, "
                    f"named {row['differs']}; the small ward: score {small['score']:.3f}, named {small['differs']}",
                    flush=True,
                )
    for name, found in scores.items():
        spread = numpy.std(found, ddof=1) if seeds > 1 else numpy.nan
        print(f"{name}: mean {numpy.mean(found):.3f}, standard deviation {spread:.3f}")


if __name__ == "__main__":
    typer.run(main)

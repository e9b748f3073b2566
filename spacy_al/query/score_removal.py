"""Texts taken out of a cache of scores: what a model thought of a text tells of it."""

from pathlib import Path

import numpy

from spacy_al.corpus.forgotten import Forgotten
from spacy_al.corpus.removal import Removed
from spacy_al.query.score_file import Low, read_scores, write_scores


def remove_from_scores(path: Path, gone: Forgotten, *, dry: bool = False) -> Removed:
    """Take the scores of texts out of one file of a cache, which goes if it has no other ones.

    A damaged file goes as a whole: what it holds cannot be told, and is scored anew when it is needed.
    """
    try:
        scores, low = read_scores(path)
    except FileNotFoundError:
        # another process replaced or deleted it
        return Removed()
    except ValueError:
        if not dry:
            path.unlink(missing_ok=True)
        return Removed(texts=1)
    ids = numpy.array([int(one, 16) for one in gone.ids], "u8")
    hit, low_hit = numpy.isin(scores.ids, ids), numpy.isin(low.ids, ids)
    removed = Removed(texts=int(hit.sum() + low_hit.sum()))
    if not removed or dry:
        return removed
    if hit.all() and low_hit.all():
        path.unlink(missing_ok=True)
        return removed
    write_scores(path, scores.keep(~hit), Low(low.ids[~low_hit], low.scores[~low_hit]))
    return removed

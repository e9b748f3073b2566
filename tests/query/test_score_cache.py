"""Scores that are kept: the batch stays what it is, a text is scored once, and what is damaged is scored anew and said."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy
import pytest
from hypothesis import given, settings, strategies
from scipy.sparse import csr_matrix

from spacy_al.arrays.factored import Factored
from spacy_al.corpus.forgotten import hashes_of
from spacy_al.errors import AlError, AlWarning, UsageError
from spacy_al.query import score_cache
from spacy_al.query.pool_scores import PoolScores
from spacy_al.query.score_file import Low, read_lasts, read_scores, write_scores
from spacy_al.query.score_identity import model_hash, settings_hash
from spacy_al.query.score_removal import remove_from_scores
from spacy_al.query.scorer import Job, Scorer
from spacy_al.query.select import select
from spacy_al.teachers.marks import TeacherMarks
from tests.helpers.ner_oracle import make_ner
from tests.query.test_select import TEXTS, write

BLIND = ["top_k", "quotas", "stochastic", "uniform", "mmr"]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two models, the second of which has learned more."""
    folder = tmp_path_factory.mktemp("models")
    for number in (1, 2):
        make_ner(updates=3 * number).to_disk(folder / f"model-{number}")
    return [str(folder / f"model-{number}") for number in (1, 2)]


@pytest.fixture
def pool(tmp_path):
    return write(TEXTS, tmp_path / "pool", 40)


@pytest.fixture
def scored(monkeypatch):
    """How many texts a model was asked about, in this process."""
    count = Counter()
    whole = Scorer._score_batch

    def counted(self, batch):
        count["texts"] += len(batch)
        return whole(self, batch)

    monkeypatch.setattr(Scorer, "_score_batch", counted)
    return count


def texts_of(selection):
    return [task["text"] for task in selection.tasks]


@pytest.mark.parametrize("sampler", [*BLIND, "kmeans_pp", "cluster_margin", "error_reduction"])
def test_the_batch_is_the_same_with_and_without(models, pool, tmp_path, sampler, scored):
    how = {"model": models[0], "n": 12, "sampler": sampler, "seed": 3}
    plain = select(pool, **how)
    scored.clear()
    first = select(pool, **how, score_cache=tmp_path / "cache")
    assert scored["texts"] == len(TEXTS)
    again = select(pool, **how, score_cache=tmp_path / "cache")
    assert scored["texts"] == len(TEXTS)
    # to the last digit: what comes out of the cache is what went in
    assert plain.tasks == first.tasks == again.tasks
    assert plain.report == again.report and plain.n_tokens == again.n_tokens


def test_without_a_model_vectors_are_kept(pool, tmp_path, scored):
    plain = select(pool, n=9)
    scored.clear()
    for _ in range(2):
        assert select(pool, n=9, score_cache=tmp_path / "cache").tasks == plain.tasks
    assert scored["texts"] == len(TEXTS)


def test_a_new_shard_costs_itself_only(models, pool, tmp_path, scored):
    how = {"model": models[0], "score_cache": tmp_path / "cache"}
    select(pool, **how)
    scored.clear()
    write([f"{text} again" for text in TEXTS[:7]], tmp_path / "more")
    shutil.copy(tmp_path / "more" / "00000.spacy", pool / "00009.spacy")
    found = select(pool, **how)
    assert scored["texts"] == 7 and found.n_pool == len(TEXTS) + 7
    # a shard that is replaced by one with other texts: those of before are known, and gone
    scored.clear()
    write([*TEXTS[:30], "A text that is new."], tmp_path / "other")
    shutil.copy(tmp_path / "other" / "00000.spacy", pool / "00000.spacy")
    found = select(pool, **how)
    assert scored["texts"] == 1 and found.n_pool == len(TEXTS) - 10 + 7 + 1


def test_what_was_scored_otherwise_is_not_reused(models, pool, tmp_path, scored):
    cache = tmp_path / "cache"
    model = shutil.copytree(models[0], tmp_path / "model")
    how = {"score_cache": cache, "model": str(model)}
    select(pool, **how)
    scored.clear()
    select(pool, **how, acquisition="token_margin")
    assert scored["texts"] == len(TEXTS)
    scored.clear()
    # a temperature of its own beside the same weights
    (model / "al_calibration.json").write_text(json.dumps({}))
    select(pool, **how)
    assert scored["texts"] == len(TEXTS)
    scored.clear()
    shutil.copytree(models[1], model, dirs_exist_ok=True)
    select(pool, **how)
    assert scored["texts"] == len(TEXTS)
    # the same model elsewhere is the same model
    scored.clear()
    select(pool, **{**how, "model": str(shutil.copytree(model, tmp_path / "moved"))})
    assert scored["texts"] == 0
    with pytest.raises(UsageError, match="AL395"):
        select(pool, **how, keep_tokens=True)


def test_runs_that_start_from_one_model_share_its_scores(models, tmp_path):
    """Wherever it lies; but another output in the config of a model is another model."""
    hashes = [model_hash(Job(models[0]))]
    for name in ("copied", "trained-elsewhere"):
        shutil.copytree(models[0], tmp_path / name)
        if name != "copied":
            config = tmp_path / name / "config.cfg"
            text = config.read_text("utf8")
            config.write_text(text.replace("[paths]\ntrain = null", '[paths]\ntrain = "other"'))
            assert config.read_text("utf8") != text
        hashes.append(model_hash(Job(str(tmp_path / name))))
    assert hashes[0] == hashes[1] != hashes[2]


def test_processes_share_it(models, pool, tmp_path, scored):
    how = {"model": models[0], "score_cache": tmp_path / "cache"}
    several = select(pool, **how, n_process=2)
    alone = select(pool, **how)
    assert scored["texts"] == 0 and texts_of(alone) == texts_of(several)


def test_a_damaged_file_is_made_anew_and_said(models, pool, tmp_path, scored):
    how = {"model": models[0], "score_cache": tmp_path / "cache"}
    first = select(pool, **how)
    path = sorted((tmp_path / "cache").glob("*/*.alscores"))[0]
    n_texts = len(read_scores(path)[0].ids)
    whole = path.read_bytes()
    rng = random.Random(0)
    for kind in ("torn", "bit", "bit", "bit", "other", "empty"):
        place = rng.randrange(len(whole))
        flipped = whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :]
        data = {"torn": whole[: len(whole) // 2], "bit": flipped, "other": b"[1, 2]", "empty": b""}
        path.write_bytes(data[kind])
        scored.clear()
        try:
            read_scores(path)
        except ValueError:
            with pytest.warns(AlWarning, match="ALW390"):
                found = select(pool, **how)
            assert scored["texts"] == n_texts
        else:
            # a bit that means nothing, as a date within the archive
            found = select(pool, **how)
        assert found.tasks == first.tasks


RUN = """
import sys
from pathlib import Path
from spacy_al.query.select import select
found = select(Path(sys.argv[1]), model=sys.argv[2], score_cache=Path(sys.argv[3]), n=12)
print(*[task["text"] for task in found.tasks], sep="\\n")
"""


def started(*words):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", RUN, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )


@pytest.mark.slow
def test_four_processes_at_once_and_a_kill_while_writing(models, tmp_path):
    pool, cache = write(TEXTS, tmp_path / "pool", 5), tmp_path / "cache"
    plain = texts_of(select(pool, model=models[0], n=12))
    victim = started(pool, models[0], cache)
    end = time.monotonic() + 60
    while len(list(cache.glob("*/*.alscores"))) < 3 and time.monotonic() < end:
        assert victim.poll() is None, victim.communicate()
        time.sleep(0.001)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    assert 3 <= len(list(cache.glob("*/*.alscores"))) <= 30
    several = [started(pool, models[0], cache) for _ in range(4)]
    for one in several:
        out, error = one.communicate(timeout=120)
        assert out.splitlines() == plain, error
    for path in cache.glob("*/*.alscores"):
        read_scores(path)


def test_with_a_new_model_the_upper_share_is_scored_first(models, pool, tmp_path, scored):
    cache = tmp_path / "cache"
    how = {"n": 6, "score_cache": cache, "sampler": "top_k"}
    full = select(pool, model=models[1], n=6, sampler="top_k")
    select(pool, model=models[0], **how)
    scored.clear()
    found = select(pool, model=models[1], **how, refresh=0.4)
    low = found.report["low under the model before"]
    assert scored["texts"] + low == len(TEXTS) == found.n_pool + low
    assert 0.4 * len(TEXTS) <= found.n_pool <= 0.6 * len(TEXTS)
    assert len({*texts_of(found)} & {*texts_of(full)}) >= 4
    # the same again; and all of them once the share is 0, or 1
    scored.clear()
    assert select(pool, model=models[1], **how, refresh=0.4).tasks == found.tasks
    assert scored["texts"] == 0
    assert texts_of(select(pool, model=models[1], **how)) == texts_of(full)
    assert scored["texts"] == low
    assert select(pool, model=models[1], **how, refresh=0.4).tasks == found.tasks
    # without a name for it the sampler is the one that a share of the scores is enough for
    unnamed = {key: value for key, value in how.items() if key != "sampler"}
    assert select(pool, model=models[1], **unnamed, refresh=0.4).tasks == found.tasks
    # a text that is passed over keeps the score that it had last
    third = shutil.copytree(models[1], tmp_path / "third")
    (third / "note.txt").write_text("another model")
    select(pool, model=str(third), **how, refresh=0.4)
    newest = max(cache.glob("*/manifest.json"), key=lambda p: json.loads(p.read_text())["number"])
    ids, _ = score_cache.last_scores(sorted(newest.parent.glob("*.alscores")))
    assert len(ids) == len(TEXTS)


@pytest.mark.parametrize(
    "how, code",
    [
        ({"refresh": 0.3}, "AL395"),
        ({"refresh": 1.5}, "AL087"),
        ({"refresh": float("nan")}, "AL087"),
        ({"per_shard": 5}, "AL087"),
        ({"per_shard": 30, "sampler": "uniform"}, "AL395"),
        ({"per_shard": 30, "sampler": "stochastic"}, "AL395"),
        ({"refresh": 0.3, "sampler": "kmeans_pp", "score_cache": "cache"}, "AL395"),
    ],
)
def test_what_does_not_go_together_is_said(models, pool, how, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=code):
        select(pool, model=models[0], n=12, **how)


def test_each_shard_proposes_its_best(models, pool):
    whole = select(pool, model=models[0], n=12, sampler="top_k")
    some = select(pool, model=models[0], n=12, per_shard=20)
    assert some.n_pool == 4 * 20 and some.report["not proposed by their shard"] == len(TEXTS) - 80
    # nothing is lost where no shard has more of the batch than it may propose
    assert texts_of(some) == texts_of(whole)


arrays = strategies.integers(0, 9)


@settings(max_examples=20)
@given(n=arrays, m=arrays, seed=arrays)
def test_a_file_gives_back_what_it_got(n, m, seed, tmp_path_factory):
    rng = numpy.random.default_rng(seed)
    columns = {
        "embeddings": csr_matrix(rng.random((n, 7)) * (rng.random((n, 7)) > 0.5)),
        "label_probs": rng.random((n, 3)).astype("f4"),
        "members": rng.random((n, 2, 3)),
    }
    if seed % 2:
        columns["embeddings"] = Factored(rng.random((n, 2)), rng.random((n, 4)))
    made = PoolScores(
        rng.integers(0, 2**63, n).astype("u8"),
        rng.random(n),
        rng.integers(0, 9, (n, 4)).astype("u8"),
        rng.integers(0, 9, (n, 3)).astype("u4"),
        rng.integers(1, 9, n).astype("i4"),
        columns,
        Counter(),
        0,
    )
    low = Low(rng.integers(0, 2**63, m).astype("u8"), rng.random(m))
    path = tmp_path_factory.mktemp("files") / "a.alscores"
    write_scores(path, made, low)
    found, found_low = read_scores(path)
    for name in ("ids", "scores", "near", "openings", "lengths"):
        numpy.testing.assert_array_equal(getattr(found, name), getattr(made, name))
    assert found.n_tokens == made.lengths.sum()
    numpy.testing.assert_array_equal(found_low.scores, low.scores)
    for name, column in columns.items():
        for part in ("toarray", "left", "right"):
            both = [getattr(one, part, None) for one in (column, found.columns[name])]
            if both[0] is not None:
                numpy.testing.assert_array_equal(
                    *(one() if part == "toarray" else one for one in both)
                )
        if isinstance(column, numpy.ndarray):
            numpy.testing.assert_array_equal(found.columns[name], column)
            assert found.columns[name].dtype == column.dtype
    assert len(read_lasts(path)[0]) == n + m


def test_forgotten_texts_leave_it(models, pool, tmp_path):
    cache = tmp_path / "cache"
    select(pool, model=models[0], score_cache=cache)
    select(pool, model=models[1], score_cache=cache, refresh=0.2)
    gone = hashes_of(TEXTS[:40:2])
    numbers = {int(one, 16) for one in gone.ids}

    def left():
        files = sorted(cache.glob("*/*.alscores"))
        return [{*read_lasts(path)[0].tolist()} & numbers for path in files]

    before = left()
    counted = [remove_from_scores(p, gone, dry=True) for p in sorted(cache.glob("*/*.alscores"))]
    assert [removed.texts for removed in counted] == [
        len(ids) for ids in before
    ] and left() == before
    assert sum(map(bool, before)) == 2
    for path in sorted(cache.glob("*/*.alscores")):
        remove_from_scores(path, gone)
    assert not any(left())
    # of a file with nothing else nothing is left
    for path in sorted(cache.glob("*/*.alscores")):
        remove_from_scores(path, hashes_of(TEXTS))
    assert not list(cache.glob("*/*.alscores"))
    damaged = cache / "a.alscores"
    damaged.write_bytes(b"[]")
    assert remove_from_scores(damaged, gone).texts == 1 and not damaged.exists()


def test_a_folder_that_cannot_be_written_is_said(models, pool, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(AlError, match="AL047"):
        select(pool, model=models[0], score_cache=tmp_path / "file" / "cache")


def test_what_a_teacher_has_said_counts(tmp_path):
    said = tmp_path / "said"
    said.mkdir()
    teacher = TeacherMarks(said, "0123", "entities")
    jobs = [Job("model"), Job("model", teacher=teacher)]
    hashes = [model_hash(job) for job in jobs]
    (said / "more.jsonl").write_text("{}")
    hashes += [model_hash(job) for job in jobs]
    assert hashes[0] == hashes[2] and len(set(hashes)) == 3


def test_encodings_that_an_embedding_keeps_are_no_part_of_what_scores_depend_on(tmp_path):
    cache, model = tmp_path / "encodings", tmp_path / "encoder"
    block = {"@al_embeddings": "spacy-al.pretrained.v1", "encoder": str(model), "cache": str(cache)}
    job = Job(None, blocks={"embedding": block})
    (model / "weights").mkdir(parents=True)
    found = []
    for number in range(3):
        found.append((settings_hash(job), model_hash(job)))
        # more is encoded with each call
        cache.mkdir(exist_ok=True)
        (cache / f"{number}.alenc").write_bytes(b"encodings")
    assert len({*found}) == 1
    (model / "weights" / "file").write_bytes(b"others")
    assert (settings_hash(job), model_hash(job)) != found[0]

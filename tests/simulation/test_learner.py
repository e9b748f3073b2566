"""The learner of a training of a simulation, beside others that are under way."""

import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from spacy_al.config.learner import EncoderBlock
from spacy_al.config.settings import Settings
from spacy_al.simulation import learner as learner_module
from spacy_al.simulation.learner import step_learner
from spacy_al.simulation.step import Step


def test_the_vectors_of_the_pool_are_made_by_one_while_others_wait(tmp_path, monkeypatch):
    inside, most = [], []

    def slow(settings, pool, output):
        inside.append(pool)
        most.append(len(inside))
        time.sleep(0.2)
        inside.pop()
        return output / "vectors"

    monkeypatch.setattr(learner_module, "pool_vectors", slow)
    settings = Settings(learner="vectors", encoder=EncoderBlock("any"))

    def one(seed):
        folder = tmp_path / "work" / str(seed)
        return step_learner(SimpleNamespace(), settings, tmp_path, Step(None, seed), folder, 5)[1]

    with ThreadPoolExecutor(4) as pool:
        found = [*pool.map(one, range(4))]
    assert most == [1] * 4 and {one.vectors for one in found} == {tmp_path / "vectors"}

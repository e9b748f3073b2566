"""Whether texts are still like those that a model is measured on: two-sample tests on numbers, shares and vectors.

Of several tests the p-values are multiplied as Holm (1979) has it. A small p-value says that the two differ, not that it matters; few texts
hide what differs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from spacy_al.measures.several import holm
from spacy_al.types import Floats

# An alarm that comes by chance once in a hundred looks
LEVEL = 0.01


@dataclass(frozen=True)
class DriftTest:
    """One comparison of two samples of texts.

    name (str): What was compared.
    before, now (float | None): The means or shares, where there is one number.
    p_value (float): Of the test, with all that was compared in it counted.
    adjusted (float): After Holm (1979) over all tests of a look.
    """

    name: str
    before: float | None
    now: float | None
    p_value: float
    adjusted: float = 1.0

    @property
    def is_alarm(self) -> bool:
        """Whether chance hardly explains it."""
        return self.adjusted < LEVEL


def compare_numbers(name: str, before: Floats, now: Floats) -> DriftTest:
    """Numbers of each text, by the two-sample test of Kolmogorov and Smirnov. before, now (Floats): (N,) and (M,)."""
    from scipy.stats import ks_2samp

    found = ks_2samp(before, now)
    return DriftTest(name, float(before.mean()), float(now.mean()), float(found.pvalue))


def compare_shares(
    before: Mapping[str, int], n_before: int, now: Mapping[str, int], n_now: int
) -> list[DriftTest]:
    """How many texts have each label, by Fisher's exact test, each multiplied by the number of labels (Bonferroni).

    before, now (Mapping): label -> texts that have it. A text counts once, as what stands in one text is not independent.
    n_before, n_now (int): All texts.
    """
    from scipy.stats import fisher_exact

    names = sorted({*before, *now})
    tests = []
    for name in names:
        a, b = before.get(name, 0), now.get(name, 0)
        p = float(fisher_exact([[a, n_before - a], [b, n_now - b]]).pvalue)
        share = f"texts with {name}"
        tests.append(DriftTest(share, a / n_before, b / n_now, min(1.0, p * len(names))))
    return tests


def compare_vectors(name: str, before: Floats, now: Floats) -> DriftTest:
    """Vectors of texts, a test for each dimension, the least p-value multiplied by their number (Rabanser et al., 2019).

    before, now (Floats): (N, D) and (M, D), of few dimensions.
    """
    from scipy.stats import ks_2samp

    values = [ks_2samp(before[:, k], now[:, k]).pvalue for k in range(before.shape[1])]
    return DriftTest(name, None, None, float(min(1.0, min(values, default=1.0) * len(values))))


def adjust(tests: Sequence[DriftTest]) -> list[DriftTest]:
    """The tests of one look, with p-values of all of them together (Holm, 1979)."""
    adjusted = holm([test.p_value for test in tests])
    return [replace(test, adjusted=p) for test, p in zip(tests, adjusted)]

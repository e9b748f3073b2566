"""Hides torch, and what stands on it, from a process whose PYTHONPATH begins with this folder.

Such a process has what `pip install spacy-al` brings. Where spacy-transformers is installed, spaCy imports it with every
pipeline: that takes longer than most of what a test asks of a process.
"""

import sys
from importlib import metadata

HIDDEN = ("torch", "transformers", "spacy_transformers")


class Hide:
    """Finds nothing else, and these not."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def distributions(found=metadata.distributions, **how):
    # their entry points as well
    hidden = {name.replace("_", "-") for name in HIDDEN}
    for one in found(**how):
        if getattr(one, "_normalized_name", "").replace("_", "-") not in hidden:
            yield one


sys.meta_path.insert(0, Hide)
metadata.distributions = distributions

"""What opening an encoder can meet, whatever it runs on: a package that is missing, and files that cannot be read."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager

from spacy_al.errors import AlError, Errors

# How a package that is missing is installed
INSTALLED_BY = {
    "onnx": "'spacy-al[onnx-export]'",
    "onnxruntime": "'spacy-al[onnx]'",
    "onnxscript": "'spacy-al[onnx-export]'",
    "spacy_curated_transformers": "spacy-curated-transformers",
    "spacy_transformers": "spacy-transformers",
    "tokenizers": "'spacy-al[onnx]'",
    "torch": "'spacy-al[encoder]'",
    "transformers": "'spacy-al[encoder]'",
}


def need_packages(name: str, *packages: str) -> None:
    """RAISES (AlError): AL301 if one of the packages is missing."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            given = INSTALLED_BY.get(package, package)
            raise AlError(Errors.AL301.format(name=name, missing=package, given=given))


@contextmanager
def explain_opening(name: str) -> Iterator[None]:
    """RAISES (AlError): AL302 for whatever a damaged file raises; errors with a code stay."""
    try:
        yield
    except AlError:
        raise
    except Exception as error:
        raise AlError(Errors.AL302.format(name=name, why=first_line(error))) from error


def first_line(error: Exception) -> str:
    """Of what an exception says, or its name."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]

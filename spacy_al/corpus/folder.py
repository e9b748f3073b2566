"""A folder that is replaced as a whole."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spacy_al.errors import AlError, Errors
from spacy_al.processes.lock import locked
from spacy_al.util import why_not


@contextmanager
def replacing_folder(output: Path) -> Iterator[Path]:
    """A folder that takes the place of `output` only once it is whole, as `util.replacing` does for a file.

    It is made in a hidden folder beside `output`, which is gone afterwards. What a killed process left there is deleted, and what it had
    moved out of the way comes back.

    RAISES (AlError): AL047 if it cannot be written, or another process is writing it; what was there stays.
    """
    output = output.resolve()
    work = output.with_name(f".{output.name}.part")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        # whoever holds the lock lives; what lies there when it can be had was left behind
        with locked(work):
            new, old = work / "new", work / "old"
            try:
                _put_back(old, output)
                for leftover in (new, old):
                    if leftover.exists():
                        shutil.rmtree(leftover)
                new.mkdir()
                yield new
                if output.exists():
                    output.rename(old)
                new.rename(output)
            finally:
                _put_back(old, output)
                shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise AlError(Errors.AL047.format(path=output, why=why_not(error))) from error
    except AlError as error:
        if error.code != "AL155":
            raise
        why = "another process is writing it. Wait until that ends"
        raise AlError(Errors.AL047.format(path=output, why=why)) from None


def _put_back(old: Path, output: Path) -> None:
    if old.exists() and not output.exists():
        old.rename(output)

"""A folder that is replaced as a whole."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spacy_al.errors import AlError, Errors


@contextmanager
def replacing_folder(output: Path) -> Iterator[Path]:
    """A folder that takes the place of `output` only once it is whole, as `util.replacing` does for a file.

    RAISES (AlError): AL047 if it cannot be written; what was there stays.
    """
    output = output.resolve()
    folder = old = None
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=output.parent, prefix=f".{output.name}."))
        old = folder.with_name(f"{folder.name}.old")
        # mkdtemp makes folders that only their owner may enter; give what mkdir() would have given
        umask = os.umask(0)
        os.umask(umask)
        folder.chmod(0o777 & ~umask)
        yield folder
        if output.exists():
            output.rename(old)
        folder.rename(output)
    except OSError as error:
        raise AlError(Errors.AL047.format(path=output, why=error.strerror or error)) from error
    finally:
        if old is not None and old.exists() and not output.exists():
            old.rename(output)
        for leftover in (folder, old):
            if leftover is not None:
                shutil.rmtree(leftover, ignore_errors=True)

"""Text files of other tools, read as they are."""

from pathlib import Path

from spacy_al.errors import AlError, Errors


def read_text(path: Path) -> str:
    """All of a UTF-8 file; line ends stay as they are, since offsets count them.

    RAISES (AlError): AL040 if it is missing, AL046 if it cannot be read or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf8", "surrogatepass")
    except FileNotFoundError:
        raise AlError(Errors.AL040.format(path=path)) from None
    except OSError as error:
        raise AlError(Errors.AL046.format(path=path, why=error.strerror)) from error
    except UnicodeDecodeError as error:
        raise AlError(Errors.AL046.format(path=path, why=f"it is not UTF-8: {error}")) from error

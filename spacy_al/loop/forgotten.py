"""The lists of what a run has forgotten, in its folder and in its database, kept alike: a backup that is put back forgets it again."""

import warnings

from spacy_al.config.project import Project
from spacy_al.corpus.forgotten import FILE, read_list, write_list
from spacy_al.errors import AlError, AlWarning, Warnings
from spacy_al.processes.lock import locked
from spacy_al.store.removal import known_forgotten, remove_from_store
from spacy_al.store.store import Store
from spacy_al.util import arguments, command_line


def forget_again(project: Project) -> None:
    """Take out of a run's database what its folder knows to be forgotten and the database does not, as after a backup was put back.

    RAISES (AlError): AL344 if the list cannot be read, as `remove_from_store`.
    """
    if not project.database.is_file():
        return
    path = project.output / FILE
    own = read_list(path)
    command = command_line(arguments("forget", [project.config], project.overrides))
    if not own.is_done:
        warnings.warn(Warnings.W341.format(command=command), AlWarning, stacklevel=2)
    with Store(project.database, create=False) as store:
        known = known_forgotten(store)
        if own.ids == known.ids:
            return
        try:
            with locked(project.output):
                if known.ids - own.ids:
                    # the list was lost: it is what an older database would be compared with
                    write_list(path, own | known)
                if own.ids - known.ids:
                    removed = remove_from_store(store, own)
                    store.back_up()
                    message = Warnings.W340.format(
                        path=project.database,
                        count=len(own.ids - known.ids),
                        questions=removed.questions,
                        answers=removed.answers,
                        command=command,
                    )
                    warnings.warn(message, AlWarning, stacklevel=2)
        except AlError as error:
            # whoever works in it has seen to that; or nothing can be written there
            if error.code not in ("AL155", "AL047", "AL113"):
                raise

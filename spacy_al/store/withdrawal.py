"""What it would mean to take an answer back or to delete it, in sentences for who is about to do so."""

from spacy_al.errors import AlError, Errors
from spacy_al.store.answer_list import describe_row, find_row, trained_with
from spacy_al.store.history import COUNTS, UNDO, all_said, counting_order
from spacy_al.store.store import Store


def preview_withdrawal(store: Store, number: int, kind: str) -> list[str]:
    """What becomes of an answer, its text and the models; it changes nothing.

    number (int): Of the answer.
    kind (str): "undo" or "delete".
    RAISES (AlError): AL125 if there is no such answer, AL126 if it does not count.
    """
    row = find_row(store, number)
    answer, current = row.said.answer, store.round()
    if row.said.state != COUNTS:
        raise AlError(Errors.AL126.format(number=number, why=f"it was {row.said.state}"))
    sentences = [describe_row(row)]
    said = all_said(store, answer.task)
    sql = "SELECT seq, stands FROM answers WHERE task = ? AND annotator = ? ORDER BY seq"
    stack = counting_order(store.read(sql, (answer.task, answer.annotator)))
    others = sum(one.state == COUNTS and one.answer.annotator != answer.annotator for one in said)
    earlier = next((one for one in said if stack[:-1] and one.answer.seq == stack[-2]), None)
    if kind == UNDO and earlier is not None:
        verdict = earlier.answer.payload["answer"]
        sentences.append(f"What {answer.annotator} said before counts again: {verdict}.")
    elif current is not None and row.asked.round == current.number:
        sentences.append("The text is asked again, in this round.")
    elif others:
        count = "Another answer" if others == 1 else f"{others} other answers"
        sentences.append(f"{count} to it still count{'s' if others == 1 else ''}.")
    else:
        sentences.append("The text is asked again, in the next round.")
    if row.asked.purpose == "dev":
        sentences.append("It is one of the texts to measure on: scores of before stay as they are.")
        return sentences
    rounds = trained_with(store, said)[number]
    if not rounds:
        sentences.append("No model was trained with it.")
    else:
        models = f"The model of round {rounds[0]} was trained with it and stays as it is"
        if len(rounds) > 1:
            names = ", ".join(map(str, rounds))
            models = f"The models of rounds {names} were trained with it and stay as they are"
        sentences.append(f"{models}; the next one is trained without it.")
        if current is not None and current.state == "stopped":
            sentences.append(
                "The run has stopped: there is a next one when it is to go on, as with more rounds (max_rounds)."
            )
    return sentences

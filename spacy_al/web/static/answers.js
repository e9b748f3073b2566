// One's own answers: searched, opened to be corrected, taken back or deleted.

import { request } from "./api.js"
import { $, el, keyed, say } from "./dom.js"

const VERDICTS = { accept: "accepted", reject: "rejected", ignore: "ignored" }
const DOES = { undo: "Take back", delete: "Delete" }

export function answerList({ open, withdrawn, close }) {
  const find = el("input", { type: "search", placeholder: "Find in texts  /", "aria-label": "Find in texts", autocomplete: "off", spellcheck: "false" })
  const choice = (name, first) => el("select", { "aria-label": name }, el("option", { value: "" }, first))
  const by = { label: choice("Label", "All labels"), round: choice("Round", "All rounds"), answer: choice("Answer", "All answers") }
  const tick = (text) => { const box = el("input", { type: "checkbox" }); return [box, el("label", {}, box, " ", text)] }
  const [flagged, flaggedBox] = tick("flagged")
  const [all, allBox] = tick("also what counts no more")
  const rows = el("ol", { class: "rows", "aria-label": "Answers" })
  const count = el("p", { class: "source", role: "status" })
  const more = el("button", { type: "button", hidden: true, onclick: () => fetchRows(shown.at(-1)?.number) }, "More")
  const element = el("section", { class: "answers", "aria-label": "Your answers" },
    el("h2", {}, "Your answers"), el("div", { class: "filters", role: "search" }, find, Object.values(by), flaggedBox, allBox), count, rows, more,
    el("p", {}, el("button", { type: "button", onclick: close }, keyed("Back to the questions", "L"))))
  let shown = [], filled = false, turn = 0, timer = null

  function query(before) {
    const values = { text: find.value, label: by.label.value, round: by.round.value, answer: by.answer.value, flagged: flagged.checked || "", all: all.checked || "", before }
    return new URLSearchParams(Object.entries(values).filter(([, value]) => value !== "" && value !== undefined)).toString()
  }

  async function fetchRows(before) {
    const own = ++turn
    let found
    try { found = await request(`answers?${query(before)}`) } catch (error) { count.textContent = error.message || "No connection."; return }
    // what was typed since counts
    if (own !== turn) return
    if (!filled) {
      fill(by.label, found.labels); fill(by.round, found.rounds); fill(by.answer, found.verdicts)
      filled = true
    }
    if (before === undefined) { shown = []; rows.replaceChildren() }
    shown.push(...found.answers)
    rows.append(...found.answers.map(row))
    more.hidden = !found.more
    count.textContent = found.total === 1 ? "1 answer" : `${found.total} answers`
  }

  function fill(select, values) {
    select.append(...values.map((value) => el("option", { value: String(value) }, select === by.round ? `Round ${value}` : String(value))))
  }

  function row(one) {
    const counts = one.state === "counts"
    const notes = [new Date(one.at * 1000).toLocaleString(), `round ${one.round}`, one.purpose === "review" && "review", one.by && `written down by ${one.by}`, one.flagged && "flagged"].filter(Boolean).join(" · ")
    const item = el("li", { class: counts ? "" : "gone" },
      el("button", { type: "button", class: "row", onclick: () => open(one.task) },
        el("span", { class: "what" }, el("strong", {}, VERDICTS[one.answer]), counts ? "" : ` · ${one.state}`, one.marks.length ? " · " : "", one.marks.flatMap((mark, k) => [k ? ", " : "", el("bdi", {}, mark)])),
        el("span", { class: "words", dir: "auto" }, one.text), el("span", { class: "when" }, notes)),
      counts && el("span", { class: "acts" },
        el("button", { type: "button", onclick: () => ask(one, "undo") }, keyed("Undo", "Z")), el("button", { type: "button", onclick: () => ask(one, "delete") }, keyed("Delete", "D"))))
    return item
  }

  // What it means is said before it is done
  async function ask(one, kind) {
    let sentences
    try { ({ sentences } = await request(`withdrawal?number=${one.number}&kind=${kind}`)) } catch (error) { say(error.message || "No connection."); count.textContent = error.message || "No connection."; return }
    const dialog = $("confirm")
    $("confirm-title").textContent = `${DOES[kind]} this answer?`
    $("confirm-text").replaceChildren(...sentences.map((sentence) => el("p", { dir: "auto" }, sentence)))
    $("confirm-do").textContent = DOES[kind]
    dialog.returnValue = ""
    dialog.onclose = () => { dialog.returnValue === "do" ? act(one, kind) : focusOn(one.number) }
    dialog.showModal()
    // what cannot be undone is never one Enter away
    $(kind === "undo" ? "confirm-do" : "confirm-leave").focus()
  }

  async function act(one, kind) {
    const place = shown.findIndex((other) => other.number === one.number)
    const id = `${kind}-${[...crypto.getRandomValues(new Uint8Array(12))].map((b) => b.toString(16).padStart(2, "0")).join("")}`
    try {
      withdrawn(one.task, (await request("withdraw", { id, number: one.number, kind })).progress)
      await fetchRows()
      say(kind === "undo" ? "Taken back" : "Deleted")
    } catch (error) { count.textContent = error.message || "No connection: nothing was changed." }
    buttons()[Math.min(place, buttons().length - 1)]?.focus()
  }

  const buttons = () => [...rows.querySelectorAll(".row")]
  const focusOn = (number) => buttons()[shown.findIndex((one) => one.number === number)]?.focus()

  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
    if (event.key === "Escape" && event.target === find && find.value) { find.value = ""; fetchRows(); event.stopPropagation(); return }
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); close(); return }
    if (event.target.matches("input[type=search], select") && event.key !== "ArrowDown") { event.stopPropagation(); return }
    if (event.target.matches("select")) { event.stopPropagation(); return }
    const place = [...rows.children].findIndex((item) => item.contains(event.target))
    const one = shown[place]
    const to = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: shown.length - 1 }[event.key]
    if (to !== undefined) { (to < 0 ? find : buttons()[Math.min(to, shown.length - 1)])?.focus() }
    else if (event.key === "/") find.focus()
    else if ((event.key === "z" || event.key === "Z") && one?.state === "counts") ask(one, "undo")
    else if (["d", "D", "Delete"].includes(event.key) && one?.state === "counts") ask(one, "delete")
    else return
    event.preventDefault()
    event.stopPropagation()
  })
  find.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(fetchRows, 150) })
  for (const control of [...Object.values(by), flagged, all]) control.addEventListener("change", () => fetchRows())

  return {
    element, refresh: () => fetchRows(),
    focus: (task) => (buttons()[shown.findIndex((one) => one.task === task)] ?? buttons()[0] ?? find).focus(),
  }
}

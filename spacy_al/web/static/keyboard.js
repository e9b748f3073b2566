// Keys: those of the question, codes of two keys for its labels, and those of the page; and the list of all of them.

import { $, el, say } from "./dom.js"

const FIRST = "0"
const DIALOGS = ["keys", "confirm", "summary"]

// page: what each key does; question: gives the editor that is shown, if any
export function openKeyboard(page, question) {
  // the editor for which the first key of a code was pressed
  let begun = null
  const begin = (editor) => { begun = editor; document.body.classList.toggle("code", Boolean(editor)) }
  document.addEventListener("pointerdown", () => begin(null))

  // whatever the second key is elsewhere, here it is that of a code or nothing
  function second(event, editor) {
    if (["Shift", "Control", "Alt", "Meta"].includes(event.key)) return
    begin(null)
    const key = event.key.toLowerCase()
    if (editor.codes[key]) editor.codes[key]()
    else if (event.key !== "Escape") say(`No label has ${FIRST} ${event.key}.`)
    event.preventDefault()
  }

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || DIALOGS.some((id) => $(id).open)) return
    const held = event.ctrlKey || event.metaKey
    const on = event.target, editor = question()
    // controls keep the keys that work them
    if (on.matches?.("input[type=search], select")) return
    if (begun && begun === editor && !held) { second(event, editor); return }
    if (begun) begin(null)
    if (on.matches?.("button, input, a") && (event.key === "Enter" || event.key === " " || event.key.startsWith("Arrow"))) return
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
    if (held && key !== "z") return
    if (key === FIRST && editor?.codes) {
      begin(editor)
      say("0, and the second key of a label")
      event.preventDefault()
      return
    }
    const act = editor?.keys[key] ?? (held ? null : page[key])
    if (!act || event.repeat && page[key] === act) return
    event.preventDefault()
    act(event)
  })
}

export function showKeys(editor) {
  const own = [["A or Enter", editor?.yesNo ? "yes" : "accept it as it stands now"], ["X", editor?.yesNo ? "no" : "reject what cannot be put right"], ["I or Space", "ignore what you cannot decide"], ["U", "back to your last answer, to correct it"], ["F", "flag for somebody to look at"],
    ["L", "list your answers: search, correct, take back, delete"], ["P", "your progress: answers, time, labels, score"],
    ["H", "shade unsure words"], ...($("guide").hidden ? [] : [["G", "guidelines"]]), ["?", "this list"]]
  $("key-list").replaceChildren(...[...(editor?.help ?? []), ...own].flatMap(([key, does]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, does)]))
  $("keys").showModal()
}

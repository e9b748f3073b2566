// Categories: one of them, or any number, with what the model holds of each.

import { broken, el, percent, say } from "./dom.js"
import { codeOf, codesOf, finder, keyOf, MANY, spoken } from "./labels.js"

const LEAST = 0.005

export function choiceEditor({ task, answer }, changed, around) {
  const one = task.config?.choice_style !== "multiple"
  let options = task.options ?? task.labels.map((label) => ({ id: label, text: label }))
  // where there are many, the likely ones first; few stay where people know them
  const many = options.length > MANY
  if (many) options = [...options].sort((a, b) => (b.score ?? 0) - (a.score ?? 0))
  const place = (k) => task.slots.indexOf(options[k].id)
  // the likely ones have the digits, whichever they are; else the key is that of the label in the run, and so are codes
  const digit = (k) => (many || place(k) < 0 ? k : place(k))
  const code = (k) => codeOf(digit(k), place(k))
  const accepted = new Set(answer?.accept ?? [])
  const rows = options.map((option, k) => {
    const input = el("input", { type: one ? "radio" : "checkbox", name: "choice", value: option.id, onchange: () => choose(k, input.checked), ...spoken(code(k)) })
    input.checked = accepted.has(option.id)
    // nought beside most of a long list would be noise
    const likely = option.score >= LEAST
    const meter = likely && el("span", { class: "meter", "aria-hidden": "true" }, el("span", {}))
    if (meter) meter.firstChild.style.width = percent(option.score)
    return el("label", { class: "option" }, input, el("span", { class: "name" }, el("bdi", {}, broken(option.text ?? option.id))), meter,
      likely && el("span", { class: "prob" }, percent(option.score)), keyOf(code(k)))
  })
  const find = many && finder("Find a category", options.map((option) => option.text ?? option.id), rows, toggle)
  const list = el("div", { class: "options", role: one ? "radiogroup" : "group", "aria-label": one ? "Choose one" : "Choose all that apply", tabindex: "-1" }, rows)
  const element = el("div", { class: "editor" }, around.before, el("p", { class: "text plain", dir: "auto" }, task.text), around.after, find, list)

  function choose(k, on) {
    if (one) accepted.clear()
    if (on) accepted.add(options[k].id)
    else accepted.delete(options[k].id)
    changed()
  }

  function toggle(k) {
    const input = rows[k].querySelector("input")
    input.checked = one || !input.checked
    choose(k, input.checked)
    say(`${options[k].text ?? options[k].id}: ${input.checked ? "chosen" : "not chosen"}`)
  }

  const keys = { "/": () => find && find.focus() }
  options.forEach((_, k) => { if (digit(k) < MANY) keys[digit(k) + 1] = () => toggle(k) })
  const ids = options.map((option) => option.id)
  const codes = codesOf(task.slots, ids, (label) => toggle(ids.indexOf(label)))
  return {
    element, keys, codes,
    focus: () => list.focus({ preventScroll: true }),
    payload: () => ({ accept: options.map((option) => option.id).filter((id) => accepted.has(id)), ...(task.extended && { labels: task.labels }) }),
    take: (payload) => {
      accepted.clear()
      for (const id of payload.accept ?? []) accepted.add(id)
      rows.forEach((row, k) => { row.querySelector("input").checked = accepted.has(options[k].id) })
      changed()
    },
    refuse: (verdict) => (one && verdict === "accept" && !accepted.size ? "Choose one, or ignore the text." : null),
    help: [["1 – 9", one ? "choose" : "choose, or choose no more"], ...(codes ? [["0 …", "choose by a code of two keys"]] : []), ...(find ? [["/", "find a category"]] : [])],
  }
}

// Categories: one of them, or any number, with what the model holds of each.

import { broken, el, percent, say } from "./dom.js"
import { finder, matches } from "./labels.js"

const MANY = 9
const LEAST = 0.005

export function choiceEditor({ task, answer }, changed, around) {
  const one = task.config?.choice_style !== "multiple"
  let options = task.options ?? task.labels.map((label) => ({ id: label, text: label }))
  // where there are many, the likely ones first; few stay where people know them
  if (options.length > MANY) options = [...options].sort((a, b) => (b.score ?? 0) - (a.score ?? 0))
  // the key of the label in the run, unless the order is that of the question
  const key = (k) => (options.length > MANY || !task.slots.includes(options[k].id) ? k : task.slots.indexOf(options[k].id))
  const accepted = new Set(answer?.accept ?? [])
  const rows = options.map((option, k) => {
    const input = el("input", { type: one ? "radio" : "checkbox", name: "choice", value: option.id, onchange: () => choose(k, input.checked) })
    input.checked = accepted.has(option.id)
    // nought beside most of a long list would be noise
    const likely = option.score >= LEAST
    const meter = likely && el("span", { class: "meter", "aria-hidden": "true" }, el("span", {}))
    if (meter) meter.firstChild.style.width = percent(option.score)
    return el("label", { class: "option" }, input, el("span", { class: "name" }, el("bdi", {}, broken(option.text ?? option.id))), meter,
      likely && el("span", { class: "prob" }, percent(option.score)), key(k) < MANY && el("kbd", { "aria-hidden": "true" }, String(key(k) + 1)))
  })
  const find = options.length > MANY && finder("Find a category", (text) => {
    rows.forEach((row, k) => { row.hidden = !matches(options[k].text ?? options[k].id, text) })
  }, () => {
    const k = rows.findIndex((row) => !row.hidden)
    if (k >= 0) toggle(k)
  })
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
  options.forEach((_, k) => { if (key(k) < MANY) keys[key(k) + 1] = () => toggle(k) })
  return {
    element, keys,
    focus: () => list.focus({ preventScroll: true }),
    payload: () => ({ accept: options.map((option) => option.id).filter((id) => accepted.has(id)), ...(task.extended && { labels: task.labels }) }),
    take: (payload) => {
      accepted.clear()
      for (const id of payload.accept ?? []) accepted.add(id)
      rows.forEach((row, k) => { row.querySelector("input").checked = accepted.has(options[k].id) })
      changed()
    },
    refuse: (verdict) => (one && verdict === "accept" && !accepted.size ? "Choose one, or ignore the text." : null),
    help: [["1 – 9", one ? "choose" : "choose, or choose no more"], ...(find ? [["/", "find a category"]] : [])],
  }
}

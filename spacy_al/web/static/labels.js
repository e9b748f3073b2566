// The labels of a question as buttons; the first nine of the run have the digits as keys, more of them a field to look for one.

import { el, finger } from "./dom.js"

const MANY = 9

// The labels of the run where they stand in it, whatever this question is about: keys and colours never change
export function slots(labels, places = {}) {
  const found = []
  for (const [label, place] of Object.entries(places)) found[place] = label
  for (const label of labels) if (!found.includes(label)) found.push(label)
  return found
}

export const colour = (labels, label) => `c${(labels.indexOf(label) % 8) + 1}`

export function labelBar(labels, places, pick, { pressed = false } = {}) {
  const key = (label) => places.indexOf(label)
  const buttons = labels.map((label) =>
    el("button", { type: "button", class: `label ${colour(places, label)}`, "aria-pressed": pressed && "false", onclick: () => pick(label) },
      el("span", { class: "swatch", "aria-hidden": "true" }), el("bdi", {}, label), key(label) < MANY && el("kbd", { "aria-hidden": "true" }, String(key(label) + 1))))
  const bar = el("div", { class: "labels", role: "group", "aria-label": "Labels" }, buttons)
  const find = labels.length > MANY && finder("Find a label", (text) => {
    buttons.forEach((button, k) => { button.hidden = !matches(labels[k], text) })
  }, () => {
    const first = labels.findIndex((label, k) => !buttons[k].hidden)
    if (first >= 0) pick(labels[first])
  })
  if (find) bar.prepend(find)
  return {
    element: bar,
    press: (label) => buttons.forEach((button, k) => button.setAttribute("aria-pressed", String(labels[k] === label))),
    find: find && (() => find.focus()),
  }
}

export const matches = (label, text) => label.toLowerCase().includes(text.trim().toLowerCase())

// A field that filters as one types; Enter takes the first, Escape gives up
export function finder(name, filter, take) {
  const field = el("input", { type: "search", placeholder: finger() ? name : `${name}  /`, "aria-label": name, autocomplete: "off", spellcheck: "false" })
  const done = () => { field.value = ""; filter(""); field.blur(); document.querySelector(".text[tabindex], .options")?.focus() }
  field.addEventListener("input", () => filter(field.value))
  field.addEventListener("keydown", (event) => {
    event.stopPropagation()
    if (event.key === "Enter") { event.preventDefault(); take(); done() }
    if (event.key === "Escape") done()
  })
  return field
}

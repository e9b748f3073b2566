// The labels of a question as buttons; the first nine have the digits as keys, more of them a field to look for one.

import { el, finger } from "./dom.js"

const MANY = 9

export const colour = (labels, label) => `c${(labels.indexOf(label) % 8) + 1}`

export function labelBar(labels, pick, { pressed = false } = {}) {
  const buttons = labels.map((label, k) =>
    el("button", { type: "button", class: `label ${colour(labels, label)}`, "aria-pressed": pressed && "false", onclick: () => pick(label) },
      el("span", { class: "swatch", "aria-hidden": "true" }), el("bdi", {}, label), k < MANY && el("kbd", { "aria-hidden": "true" }, String(k + 1))))
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

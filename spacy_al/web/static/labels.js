// The labels of a question as buttons. A digit is the key of each of the first nine of the run, and 0 with a second key the code of those that
// follow; where there are more than nine there is a field to look for one.

import { colourOf } from "./colours.js"
import { el, finger, say } from "./dom.js"

export const MANY = 9
// Without letters that look like digits
const SECOND = "123456789abcdefghjkmnpqrstuvwxyz"

// The labels of the run where they stand in it, whatever this question is about: keys and colours never change
export function slots(labels, places = {}) {
  const found = []
  for (const [label, place] of Object.entries(places)) found[place] = label
  for (const label of labels) if (!found.includes(label)) found.push(label)
  return found
}

export const colour = (labels, label) => colourOf(labels.indexOf(label))

// What is pressed for a label: by its digit from 0 if it has one, else by its place in the run
export const codeOf = (digit, place) => (digit < MANY ? String(digit + 1) : SECOND[place] ? `0${SECOND[place]}` : "")

// Second keys of the labels by what they do, where there are so many
export const codesOf = (slots, labels, act) => (slots.length > MANY
  ? Object.fromEntries(slots.flatMap((label, place) => (SECOND[place] && labels.includes(label) ? [[SECOND[place], () => act(label)]] : []))) : null)

// A key as it is shown, and as a screen reader has it of the element
export const keyOf = (code) => code && el("kbd", { "aria-hidden": "true", class: code.length > 1 ? "two" : "" }, code.toUpperCase())
export const spoken = (code) => (code.length > 1 ? { "aria-description": `keys ${[...code].join(" ")}` } : code ? { "aria-keyshortcuts": code } : {})

export function labelBar(labels, places, pick, { pressed = false } = {}) {
  const buttons = labels.map((label) => {
    const place = places.indexOf(label), code = codeOf(place, place)
    return el("button", { type: "button", class: `label ${colour(places, label)}`, "aria-pressed": pressed && "false", onclick: () => pick(label), ...spoken(code) },
      el("span", { class: "swatch", "aria-hidden": "true" }), el("bdi", {}, label), keyOf(code))
  })
  const bar = el("div", { class: "labels", role: "group", "aria-label": "Labels" }, buttons)
  const find = labels.length > MANY && finder("Find a label", labels, buttons, (k) => pick(labels[k]))
  return {
    element: find ? el("div", { class: "found" }, find, bar) : bar,
    press: (label) => buttons.forEach((button, k) => button.setAttribute("aria-pressed", String(labels[k] === label))),
    find: find && (() => find.focus()),
  }
}

// How well a name fits what was typed, the best first: all of it, its beginning, the beginning of a word in it, anywhere; null if it does not
function fit(name, typed) {
  const [text, part] = [name.toLowerCase(), typed.toLowerCase()]
  const at = text.indexOf(part)
  if (at < 0) return null
  return text === part ? 0 : at === 0 ? 1 : text.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(part)) ? 2 : 3
}

// A field that filters as one types: arrows go through what is left, Enter takes what is marked, Escape gives up
export function finder(name, names, elements, take) {
  const field = el("input", { type: "search", placeholder: finger() ? name : `${name}  /`, "aria-label": name, "aria-keyshortcuts": "/", autocomplete: "off", spellcheck: "false" })
  let found = [], at = 0

  function filter() {
    const typed = field.value.trim()
    const fits = names.map((one) => fit(one, typed))
    found = typed ? names.map((_, k) => k).filter((k) => fits[k] !== null).sort((a, b) => fits[a] - fits[b] || a - b) : []
    at = 0
    elements.forEach((element, k) => { element.hidden = typed !== "" && fits[k] === null })
    mark()
  }

  function mark() {
    elements.forEach((element, k) => element.classList.toggle("first", k === found[at]))
    const [k] = found.slice(at)
    elements[k]?.scrollIntoView({ block: "nearest" })
    if (field.value.trim()) say(found.length ? `${names[k]}, ${at + 1} of ${found.length}` : "Nothing has this name.")
  }

  const done = () => { field.value = ""; filter(); field.blur(); document.querySelector(".text[tabindex], .options")?.focus() }
  field.addEventListener("input", filter)
  // what was pointed at was found
  for (const element of elements) element.addEventListener("click", () => { if (field.value) { field.value = ""; filter() } })
  field.addEventListener("keydown", (event) => {
    event.stopPropagation()
    if (event.isComposing) return
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (by && found.length) { event.preventDefault(); at = (at + by + found.length) % found.length; mark() }
    // where nothing was typed nothing is meant
    if (event.key === "Enter") { event.preventDefault(); if (found.length) { take(found[at]); done() } else if (!field.value.trim()) done() }
    if (event.key === "Escape") done()
  })
  return field
}

// Elements. Text only ever becomes text: nothing here, and nothing that uses it, makes markup of a string.

export const $ = (id) => document.getElementById(id)

export function el(name, props = {}, ...children) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue
    if (key === "class") element.className = value
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value)
    else element.setAttribute(key, value === true ? "" : value)
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false))
  return element
}

// A long name in one word can be broken after its underscores
export const broken = (name) => name.split(/(?<=_)/).flatMap((part, k) => (k ? [el("wbr"), part] : [part]))

export const percent = (prob) => `${Math.round(prob * 100)}%`

export function keyed(name, key) {
  return [name, " ", el("kbd", { "aria-hidden": "true" }, key)]
}

// Words of a text between the page's own, whichever way either is written
export const quoted = (words, label) => ["“", el("bdi", {}, words), "”", ...(label ? [" ", el("bdi", {}, label)] : [])]

// Whether there is neither mouse nor, most probably, keyboard
export const finger = () => matchMedia("(hover: none)").matches

// Read aloud, and for those who see it, nothing
export function say(text) {
  $("said").textContent = text
}

// What is shown beside the question or not, as this browser remembers it: shades of unsure words, and guidelines.

import { $ } from "./dom.js"

// What a browser that keeps nothing forgets with the page
function remember(name, on) {
  try { localStorage.setItem(`al:${name}`, on ? "1" : "") } catch { /* as it is */ }
}
function recall(name) {
  try { return localStorage.getItem(`al:${name}`) } catch { return null }
}

export const toggle = (id, on) => $(id).setAttribute(id === "guide" ? "aria-expanded" : "aria-pressed", String(on))

export function shadeWords() {
  const on = document.body.classList.toggle("shaded")
  remember("shaded", on)
  toggle("shade", on)
}

export function guide() {
  if ($("guide").hidden) return
  const on = $("guidelines").hidden
  $("guidelines").hidden = !on
  remember("guide", on)
  toggle("guide", on)
}

export function openOptions(guidelines) {
  if (guidelines) {
    $("rules").textContent = guidelines
    $("guide").hidden = false
    // where there is room they are there until somebody has read enough of them
    if (recall("guide") ?? matchMedia("(min-width: 72rem)").matches) guide()
  }
  if (recall("shaded")) shadeWords()
}

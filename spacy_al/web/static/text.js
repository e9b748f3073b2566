// Entities, spans and tags: words are chosen by keyboard or pointer, and labels put on them.

import { el, keyed, say } from "./dom.js"
import { drawText } from "./draw.js"
import { labelBar } from "./labels.js"
import { add, at, fromSpans, over, reach, same, split, toSpans, without } from "./marks.js"

export function textEditor({ task, kind, answer }, changed, around) {
  const { tokens, labels } = task
  const flat = kind !== "spans"
  const n = tokens.length
  let marks = fromSpans(answer?.spans ?? task.spans)
  let asked = answer?.asked ?? task.asked ?? null
  let wide = Boolean(answer?.asked)
  let anchor = 0, cursor = 0, chosen = false, picked = null, active = null, dragging = false
  const before = []

  const text = el("div", { class: `text ${kind}`, dir: "auto", role: "listbox", "aria-multiselectable": "true", "aria-label": "Text", tabindex: "0" })
  const bar = labelBar(labels, pick, { pressed: true })
  const tool = (name, key, act) => el("button", { type: "button", onclick: () => { act(); text.focus() } }, keyed(name, key))
  const about = el("span", { class: "about" })
  const tools = {
    extend: tool("Extend to selection", "E", extend), longer: tool("Longer", "+", () => stretch(1)), shorter: tool("Shorter", "−", () => stretch(-1)),
    split: tool("Split here", "S", cut), remove: tool("Delete", "D", remove),
  }
  const box = el("div", { class: "edit", role: "group", "aria-label": "Change the mark" }, about, kind === "tags" ? [tools.remove] : Object.values(tools))
  const whole = asked && el("p", { class: "hint" })
  const element = el("div", { class: "editor" }, bar.element, around.before, text, around.after, whole, box)

  const first = () => Math.min(anchor, cursor)
  const last = () => Math.max(anchor, cursor)
  const token = (i) => text.querySelector(`[data-i="${i}"]`)
  const words = (a, b) => tokens.slice(a, b + 1).map((t) => t.text + (t.ws ? " " : "")).join("").trim()

  function draw() {
    const set = asked && new Set(asked)
    text.replaceChildren(...drawText({ task, kind, marks, labels, asked: set, edit: true }))
    if (whole) {
      whole.replaceChildren(wide ? "Now about all of the text." : "Only the underlined words are asked about; the rest is there to be read. ",
        wide ? "" : el("button", { type: "button", class: "link", onclick: ask }, keyed("Decide on all of it", "W")))
    }
    show()
  }

  function show() {
    text.querySelectorAll(".chosen, .cursor").forEach((item) => { item.classList.remove("chosen", "cursor"); item.setAttribute("aria-selected", "false") })
    if (chosen) for (let i = first(); i <= last(); i++) { token(i).classList.add("chosen"); token(i).setAttribute("aria-selected", "true") }
    token(cursor)?.classList.add("cursor")
    if (n) text.setAttribute("aria-activedescendant", `t${cursor}`)
    if (picked && !marks.some((mark) => same(mark, picked))) picked = null
    about.textContent = picked ? `“${words(picked.first, picked.last)}” ${picked.label}` : chosen ? `“${words(first(), last())}”` : ""
    const range = chosen && picked && (first() < picked.first || last() > picked.last)
    // only what can be done now
    tools.extend.hidden = !range
    tools.split.hidden = !picked || cursor <= picked.first || cursor > picked.last
    tools.longer.hidden = !picked || picked.last === n - 1
    tools.shorter.hidden = !picked || picked.first === picked.last
    tools.remove.hidden = !chosen || !over(marks, first(), last()).length
  }

  function change(next, spoken) {
    before.push({ marks, asked, wide })
    marks = next
    changed()
    draw()
    say(spoken)
  }

  function move(to, extending) {
    if (!n) return
    cursor = Math.max(0, Math.min(n - 1, to))
    if (!extending) anchor = cursor
    chosen = true
    picked = (extending ? over(marks, first(), last()) : at(marks, cursor))[0] ?? (extending ? picked : null)
    show()
    token(cursor).scrollIntoView({ block: "nearest" })
  }

  function put(label) {
    if (!n || !chosen) return
    if (kind === "tags") {
      let next = marks
      for (let i = first(); i <= last(); i++) next = add(next, { first: i, last: i, label }, true)
      const to = asked && !wide ? asked.find((i) => i > last()) : last() + 1
      change(next, `${words(first(), last())}: ${label}`)
      if (to !== undefined && to < n) move(to)
      return
    }
    // on a mark as a whole its label is changed; a selection is a mark of its own
    const mark = flat && picked && anchor === cursor ? { ...picked, label, score: undefined } : { first: first(), last: last(), label }
    change(add(marks, mark, flat), `${words(mark.first, mark.last)}: ${label}`)
    anchor = cursor
    picked = mark
    show()
  }

  function pick(label) {
    if (chosen) { put(label); text.focus(); return }
    active = active === label ? null : label
    bar.press(active)
    say(active ? `${label}: select words` : "")
  }

  function remove() {
    const gone = picked ? [picked] : over(marks, first(), last())
    if (gone.length) change(gone.reduce(without, marks), `Deleted: ${gone.map((mark) => mark.label).join(", ")}`)
  }

  function to(a, b) {
    const mark = { first: a, last: b, label: picked.label }
    change(reach(marks, picked, a, b, flat), `${words(a, b)}: ${picked.label}`)
    picked = mark
    show()
  }

  function extend() {
    if (picked && chosen) to(Math.min(picked.first, first()), Math.max(picked.last, last()))
  }

  function stretch(by) {
    if (picked && picked.last + by >= picked.first && picked.last + by < n) to(picked.first, picked.last + by)
  }

  function cut() {
    if (!picked || cursor <= picked.first || cursor > picked.last) return
    change(split(marks, picked, cursor, flat), `Split before ${tokens[cursor].text}`)
  }

  function ask() {
    if (!asked || wide) return
    before.push({ marks, asked, wide })
    asked = tokens.map((_, i) => i)
    wide = true
    changed()
    draw()
    text.focus()
  }

  function revert() {
    if (before.length) { ({ marks, asked, wide } = before.pop()); changed(); draw() }
  }

  function jump(by) {
    const places = kind === "tags" || (asked && !marks.length) ? asked ?? tokens.map((_, i) => i) : marks.map((mark) => mark.first)
    const next = by > 0 ? places.find((i) => i > cursor) : places.findLast((i) => i < cursor)
    if (next !== undefined) move(next)
  }

  function line(by) {
    const here = token(cursor).getBoundingClientRect()
    const middle = (here.left + here.right) / 2
    let best = null, distance = Infinity
    for (let i = cursor + by; i >= 0 && i < n; i += by) {
      const box = token(i).getBoundingClientRect()
      const down = (box.top - here.top) * by
      if (down < here.height / 2) continue
      if (down > here.height * 4 && best !== null) break
      const away = Math.abs((box.left + box.right) / 2 - middle) + down * 3
      if (away < distance) { best = i; distance = away }
    }
    move(best ?? (by < 0 ? 0 : n - 1))
  }

  function other() {
    const found = at(marks, cursor)
    if (found.length) { picked = found[(found.findIndex((mark) => picked && same(mark, picked)) + 1) % found.length]; show(); say(picked.label) }
  }

  function under(event) {
    const found = document.elementFromPoint(event.clientX, event.clientY)?.closest?.(".text .token")
    if (found && text.contains(found)) return Number(found.dataset.i)
    const mark = document.elementFromPoint(event.clientX, event.clientY)?.closest?.(".text .mark, .text .tagged")
    return mark && text.contains(mark) ? Number(mark.querySelector(".token").dataset.i) : null
  }

  text.addEventListener("pointerdown", (event) => {
    const i = under(event)
    if (i === null || event.button) { if (!event.button) clear(); return }
    // a finger cannot drag over lines without scrolling: a second tap ends what the first began
    const extending = event.shiftKey || (event.pointerType === "touch" && chosen && !picked && anchor === cursor && i !== cursor)
    move(i, extending)
    dragging = event.pointerType !== "touch"
    event.preventDefault()
    text.focus()
  })
  text.addEventListener("pointermove", (event) => {
    if (!dragging || !event.buttons) return
    const i = under(event)
    if (i !== null && i !== cursor) move(i, true)
  })
  text.addEventListener("pointerup", () => {
    if (dragging && active && !(picked && anchor === cursor)) put(active)
    dragging = false
  })

  function clear() {
    chosen = false
    picked = null
    active = null
    bar.press(null)
    anchor = cursor
    show()
  }

  const forward = () => (getComputedStyle(text).direction === "rtl" ? -1 : 1)
  const keys = {
    ArrowRight: (e) => move(cursor + forward(), e.shiftKey), ArrowLeft: (e) => move(cursor - forward(), e.shiftKey),
    ArrowDown: () => line(1), ArrowUp: () => line(-1), Home: (e) => move(0, e.shiftKey), End: (e) => move(n - 1, e.shiftKey),
    ".": () => jump(1), ",": () => jump(-1), e: extend, "+": () => stretch(1), "=": () => stretch(1), "-": () => stretch(-1),
    s: cut, d: remove, Delete: remove, Backspace: remove, m: other, w: ask, z: (e) => (e.ctrlKey || e.metaKey) && revert(), Escape: clear,
    "/": bar.find || (() => {}),
  }
  labels.slice(0, 9).forEach((label, k) => { keys[k + 1] = () => { if (!chosen) move(cursor); put(label) } })

  if (asked?.length) cursor = anchor = asked[0]
  draw()
  return {
    element, keys,
    focus: () => { text.focus({ preventScroll: true }); if (asked?.length) move(asked[0]) },
    payload: () => ({ spans: toSpans(marks), ...(wide && { asked }) }),
    take: (payload) => { change(fromSpans(payload.spans), "Taken over") },
    help: [
      ["← → ↑ ↓", "go from word to word"], ["Shift ← →", "select words"], ["1 – 9", "put a label on them"], ...(bar.find ? [["/", "find a label"]] : []),
      [". ,", kind === "tags" ? "next or last word that is asked" : "next or last mark"], ["D", "delete the mark"],
      ...(kind === "tags" ? [] : [["E", "extend the mark to the selection"], ["+ −", "make it longer or shorter"], ["S", "split it before the word"]]),
      ...(flat ? [] : [["M", "choose another of the marks on a word"]]), ...(asked ? [["W", "decide on the whole text"]] : []), ["Ctrl Z", "take back a change"], ["Esc", "select nothing"],
    ],
  }
}

// Entities, spans and tags: words are chosen by keyboard or pointer, and labels put on them.

import { el, finger, keyed, quoted, say } from "./dom.js"
import { drawText } from "./draw.js"
import { codesOf, labelBar, MANY } from "./labels.js"
import { add, at, fromSpans, over, reach, same, split, toSpans, whole, without } from "./marks.js"

export function textEditor({ task, kind, answer }, changed, around) {
  const { tokens, labels, slots } = task
  const flat = kind !== "spans"
  const n = tokens.length
  let marks = fromSpans(answer?.spans ?? task.spans)
  let asked = answer?.asked ?? task.asked ?? null
  // what the model takes for granted beside what is asked: shown quietly, and the person's own from the first change on
  const believed = fromSpans(task.believed)
  let anchor = 0, cursor = 0, chosen = false, picked = null, active = null, dragging = false, tapped = null
  const before = []

  const text = el("div", { class: `text ${kind}`, dir: "auto", role: "listbox", "aria-multiselectable": "true", "aria-label": "Text", tabindex: "0" })
  const bar = labelBar(labels, slots, pick, { pressed: true })
  const tool = (name, key, act) => el("button", { type: "button", onclick: () => { act(); text.focus({ preventScroll: true }) } }, keyed(name, key))
  const about = el("p", { class: "about" })
  // who has no Shift could not begin on a word that is marked: it chooses the mark
  const from = el("button", { type: "button", onclick: () => { tapped = cursor; text.focus({ preventScroll: true }); show() } }, "Select from here")
  const tools = {
    from, extend: tool("Extend", "E", extend), longer: tool("Longer", "+", () => stretch(1)), shorter: tool("Shorter", "−", () => stretch(-1)),
    split: tool("Split here", "S", cut), remove: tool("Delete", "D", remove), revert: tool("Undo", "Ctrl Z", revert),
  }
  const box = el("div", { class: "edit", role: "group", "aria-label": "Change the mark" }, about, kind === "tags" ? [tools.remove, tools.revert] : Object.values(tools))
  const hint = asked && el("p", { class: "hint" })
  // in long texts all that is needed stays in view
  const element = el("div", { class: "editor" }, hint, el("div", { class: "panel" }, bar.element, box), around.before, text, around.after)

  const range = (a, b) => Array.from({ length: b - a + 1 }, (_, k) => a + k)
  const [starts, ends] = whole(tokens)
  const first = () => starts[Math.min(anchor, cursor)]
  const last = () => ends[Math.max(anchor, cursor)]
  const token = (i) => text.querySelector(`[data-i="${i}"]`)
  const words = (a, b) => tokens.slice(a, b + 1).map((t) => t.text + (t.ws ? " " : "")).join("").trim()

  const apart = (mark) => (asked ? !asked.some((i) => i >= mark.first && i <= mark.last) : !flat || !marks.some((own) => own.first <= mark.last && own.last >= mark.first))
  const quiet = () => (asked || task.again ? believed.filter(apart) : [])
  const all = () => [...marks, ...quiet()]

  function draw() {
    text.replaceChildren(...drawText({ task, kind, marks, quiet: quiet(), labels: slots, asked: asked && new Set(asked), edit: true }))
    if (hint) {
      const left = asked.length < n
      hint.replaceChildren(left ? "Only the underlined words are asked about; the rest is there to be read. " : "Now all of the text is asked about.",
        left ? el("button", { type: "button", class: "link", onclick: ask }, keyed("Decide on all of it", "W")) : "")
    }
    show()
  }

  function show() {
    text.querySelectorAll(".chosen, .cursor").forEach((item) => { item.classList.remove("chosen", "cursor"); item.setAttribute("aria-selected", "false") })
    if (chosen) for (let i = first(); i <= last(); i++) { token(i).classList.add("chosen"); token(i).setAttribute("aria-selected", "true") }
    token(cursor)?.classList.add("cursor")
    if (n) text.setAttribute("aria-activedescendant", `t${cursor}`)
    if (picked && !all().some((mark) => same(mark, picked))) picked = null
    about.replaceChildren(...(picked && tapped === cursor ? ["Tap the last word, then a label."] : picked ? quoted(words(picked.first, picked.last), picked.label) : chosen ? quoted(words(first(), last()))
      : [active ? "Select the words it is about." : finger() ? "Tap the first and the last word, then a label." : "Select words, then choose a label."]))
    const beyond = chosen && picked && (first() < picked.first || last() > picked.last)
    // only what can be done now
    from.hidden = !finger() || !picked || anchor !== cursor || tapped === cursor
    tools.extend.hidden = !beyond
    tools.split.hidden = !picked || cursor <= picked.first || cursor > picked.last
    tools.longer.hidden = !picked || picked.last === n - 1
    tools.shorter.hidden = !picked || picked.first === picked.last
    tools.remove.hidden = !chosen || !over(all(), first(), last()).length
    tools.revert.hidden = !before.length
  }

  // decided: words that the person decides on by this, whether they were asked or not
  function change(next, spoken, decided) {
    before.push({ marks, asked })
    marks = next
    tapped = null
    if (asked) asked = [...new Set([...asked, ...decided])].sort((a, b) => a - b)
    changed()
    draw()
    say(spoken)
  }

  function move(to, extending) {
    if (!n) return
    cursor = Math.max(0, Math.min(n - 1, to))
    if (!extending) anchor = cursor
    chosen = true
    picked = (extending ? over(all(), first(), last()) : at(all(), cursor))[0] ?? (extending ? picked : null)
    show()
    token(cursor).scrollIntoView({ block: "nearest" })
  }

  function put(label) {
    if (!n || !chosen) return
    if (kind === "tags") {
      let next = marks
      for (let i = first(); i <= last(); i++) next = add(next, { first: i, last: i, label }, true)
      const to = asked ? asked.find((i) => i > last()) : last() + 1
      change(next, `${words(first(), last())}: ${label}`, range(first(), last()))
      if (to !== undefined && to < n) move(to)
      return
    }
    // on a mark as a whole its label is changed; a selection is a mark of its own
    const mark = flat && picked && anchor === cursor ? { ...picked, label, score: undefined } : { first: first(), last: last(), label }
    change(add(marks, mark, flat), `${words(mark.first, mark.last)}: ${label}`, range(Math.min(mark.first, first()), Math.max(mark.last, last())))
    anchor = cursor
    picked = mark
    show()
  }

  function pick(label) {
    if (chosen) { put(label); text.focus({ preventScroll: true }); return }
    active = active === label ? null : label
    bar.press(active)
    show()
    say(active ? `${label}: select words` : "")
  }

  function remove() {
    const gone = picked ? [picked] : over(all(), first(), last())
    if (!gone.length) return
    change(gone.reduce(without, marks), `Deleted: ${gone.map((mark) => mark.label).join(", ")}`, gone.flatMap((mark) => range(mark.first, mark.last)))
  }

  function to(a, b) {
    const mark = { first: a, last: b, label: picked.label }
    change(reach(marks, picked, a, b, flat), `${words(a, b)}: ${picked.label}`, range(Math.min(a, picked.first), Math.max(b, picked.last)))
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
    change(split(marks, picked, cursor, flat), `Split before ${tokens[cursor].text}`, range(picked.first, picked.last))
  }

  function ask() {
    if (!asked || asked.length === n) return
    // what was believed is now said
    change(quiet().reduce((next, mark) => add(next, mark, flat), marks), "Now all of the text is asked about.", range(0, n - 1))
    text.focus({ preventScroll: true })
  }

  function revert() {
    if (before.length) { ({ marks, asked } = before.pop()); changed(); draw(); say("Taken back") }
  }

  function jump(by) {
    const begun = (asked ?? []).filter((i) => !asked.includes(i - 1))
    const places = kind === "tags" ? asked ?? range(0, n - 1) : [...new Set([...begun, ...all().map((mark) => mark.first)])].sort((a, b) => a - b)
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
    const found = at(all(), cursor)
    if (found.length) { picked = found[(found.findIndex((mark) => picked && same(mark, picked)) + 1) % found.length]; show(); say(picked.label) }
  }

  function under(event) {
    const found = document.elementFromPoint(event.clientX, event.clientY)?.closest?.(".text .token")
    if (found && text.contains(found)) return Number(found.dataset.i)
    const mark = document.elementFromPoint(event.clientX, event.clientY)?.closest?.(".text .mark, .text .tagged")
    return mark && text.contains(mark) ? Number(mark.querySelector(".token").dataset.i) : null
  }

  function point(event, extending) {
    const i = under(event)
    if (i === null) { clear(); return false }
    move(i, extending(i))
    event.preventDefault()
    text.focus({ preventScroll: true })
    return true
  }

  text.addEventListener("pointerdown", (event) => {
    if (event.button || event.pointerType === "touch") return
    dragging = point(event, () => event.shiftKey)
  })
  text.addEventListener("pointermove", (event) => {
    if (!dragging || !event.buttons) return
    const i = under(event)
    if (i !== null && i !== cursor) move(i, true)
  })
  text.addEventListener("pointerup", (event) => {
    // a finger that drags scrolls, and then does not come here: a second tap ends what the first began
    const touched = event.pointerType === "touch" && point(event, () => tapped !== null && tapped === cursor)
    tapped = touched && !picked && anchor === cursor ? cursor : null
    if ((dragging || touched) && active && !(picked && anchor === cursor)) put(active)
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
  const press = (label) => { if (!chosen) move(cursor); put(label) }
  slots.slice(0, MANY).forEach((label, k) => { if (labels.includes(label)) keys[k + 1] = () => press(label) })
  const codes = codesOf(slots, labels, press)

  if (asked?.length) cursor = anchor = asked[0]
  draw()
  return {
    element, keys, codes,
    focus: () => { text.focus({ preventScroll: true }); if (asked?.length) move(asked[0]) },
    payload: () => ({ spans: toSpans(marks), ...(asked && asked.length > task.asked.length && { asked }), ...(task.extended && { labels }) }),
    take: (payload) => change(fromSpans(payload.spans), "Taken over", payload.asked ?? []),
    help: [
      ["← → ↑ ↓", "go from word to word"], ["Shift ← →", "select words"], ["1 – 9", "put a label on them"], ...(codes ? [["0 …", "put one on by a code of two keys"]] : []), ...(bar.find ? [["/", "find a label"]] : []),
      [". ,", kind === "tags" ? "next or previous word that is asked" : "next or previous mark"], ["D", "delete the mark"],
      ...(kind === "tags" ? [] : [["E", "extend the mark to the selection"], ["+ −", "make it longer or shorter"], ["S", "split it before the word"]]),
      ...(flat ? [] : [["M", "choose another of the marks on a word"]]), ...(asked ? [["W", "decide on the whole text"]] : []), ["Ctrl Z", "take back a change"], ["Esc", "select nothing"],
    ],
  }
}

// A text with what is marked in it.

import { el, percent } from "./dom.js"
import { colour } from "./labels.js"
import { lanes } from "./marks.js"

const SHADES = 5
// Nats: from here on a word is as unsure as it is shown
const MOST = 1.1

export function shade(uncertainty) {
  return uncertainty > 0.05 ? `u${Math.min(SHADES, Math.ceil((uncertainty / MOST) * SHADES))}` : ""
}

// Tokens as elements with data-i, in the order of the text, and what `marks` says of them.
// edit: whether each is to be reached by keyboard and screen reader; asked: Set of tokens, or null for all;
// quiet: marks that are shown beside what is asked; plain: those that need not stand out
export function drawText({ task, kind, marks, quiet = [], plain = () => false, labels, asked = null, edit = false }) {
  const { tokens } = task
  const word = (i) => el("span", {
    class: ["token", asked && (asked.has(i) ? "asked" : "rest"), task.uncertainty && shade(task.uncertainty[i])].filter(Boolean).join(" "),
    "data-i": i, ...(edit && { id: `t${i}`, role: "option", "aria-selected": "false" }),
  }, tokens[i].text)
  const space = (i) => (!tokens[i].ws ? "" : asked?.has(i) && asked.has(i + 1) ? el("span", { class: "asked" }, " ") : " ")
  if (kind === "spans") return stacked(tokens, marks, labels, word, space)
  const by = new Map([...marks, ...quiet].map((mark) => [mark.first, mark]))
  const style = (mark) => `${quiet.includes(mark) || plain(mark) ? "quiet " : ""}${colour(labels, mark.label)}`
  const found = []
  for (let i = 0; i < tokens.length; i++) {
    const mark = by.get(i)
    if (!mark) { found.push(word(i), space(i)); continue }
    const inside = []
    for (let k = mark.first; k <= mark.last; k++) inside.push(...(k > mark.first ? [space(k - 1)] : []), word(k))
    found.push(kind === "tags" ? tagged(mark, inside, style(mark), edit) : marked(mark, inside, style(mark), edit), space(mark.last))
    i = mark.last
  }
  return found
}

const scored = (mark) => (mark.score === undefined || mark.score === null ? null : el("i", {}, ` ${percent(mark.score)}`))
const name = (mark) => mark.label + (scored(mark) ? `, ${percent(mark.score)}` : "")

// Of a longer word the label may go to the next line
const TOGETHER = 24

function marked(mark, inside, style, edit) {
  const label = el("small", { "aria-hidden": edit && "true" }, el("bdi", {}, mark.label), scored(mark))
  const word = inside.pop()
  const end = word.textContent.length + mark.label.length > TOGETHER ? [word, label] : [el("span", { class: "end" }, word, label)]
  return el("span", { class: `mark ${style}`, ...(edit && { role: "group", "aria-label": name(mark) }) }, inside, end)
}

function tagged(mark, inside, style, edit) {
  // elsewhere nothing has a role that could have a name
  if (edit) inside[0].setAttribute("aria-label", `${inside[0].textContent}, ${name(mark)}`)
  return el("span", { class: `tagged ${style}`, role: edit && "presentation" }, inside, el("small", { "aria-hidden": edit && "true" }, mark.label))
}

function stacked(tokens, marks, labels, word, space) {
  const starts = [0]
  for (const token of tokens) starts.push(starts.at(-1) + token.text.length + (token.ws ? 1 : 0))
  const lane = lanes(marks, starts)
  const bars = tokens.map(() => [])
  marks.forEach((mark, k) => {
    for (let i = mark.first; i <= mark.last; i++) {
      const first = i === mark.first
      const bar = el("span", { class: `bar ${colour(labels, mark.label)}${first ? " first" : ""}${i === mark.last ? " last" : ""}`, "aria-hidden": "true" },
        first && el("small", {}, el("bdi", {}, mark.label), scored(mark)))
      bar.style.setProperty("--lane", lane[k])
      bars[i].push(bar)
    }
  })
  const deep = Math.max(0, ...lane.map((k) => k + 1))
  return tokens.map((token, i) => {
    const cell = word(i)
    cell.classList.add("cell")
    cell.style.setProperty("--lanes", deep)
    const over = marks.filter((mark) => mark.first <= i && mark.last >= i)
    if (over.length) cell.setAttribute("aria-label", [token.text, ...over.map(name)].join(", "))
    // the blank belongs to the word, so that bars have no gaps
    cell.replaceChildren(el("span", { class: "word" }, token.text), space(i), ...bars[i])
    return token.text.includes("\n") ? [cell, "\n"] : cell
  }).flat()
}

// One question: what is to be decided, its text in its document, and for reviews what others have said.

import { choiceEditor } from "./choices.js"
import { el, quoted, say } from "./dom.js"
import { drawText } from "./draw.js"
import { slots } from "./labels.js"
import { fromSpans, same, shared, toSpans } from "./marks.js"
import { textEditor } from "./text.js"

const ASKS = {
  entities: "Mark the entities", spans: "Mark the spans; they may overlap", tags: "Check the tag of each word", categories: "Which category is it?",
}

export function question(shown, changed) {
  const { task, kind, purpose } = shown
  task.slots = slots(task.labels ?? [], shown.places)
  const meta = task.meta ?? {}
  const given = purpose === "review" ? distinct(task.review ?? []) : []
  const around = { before: context(meta.before, "Before"), after: context(meta.after, "After") }
  const yesNo = task._view_id === "ner" || task._view_id === "classification"
  const editor = (yesNo ? verdictOnly : kind === "categories" ? choiceEditor : textEditor)({ ...shown, answer: shown.answer ?? agreed(given, kind) }, changed, around)
  const multiple = kind === "categories" && task.config?.choice_style === "multiple"
  const gone = task._view_id !== "classification" && task.labels && !task.labels.length
  const heading = gone ? "The label that this was about is gone: ignore the text" : editor.heading ?? (purpose === "review" ? "Answers differ: which is right?" : task.again ? again(task) : multiple ? "Which categories apply?" : ASKS[kind])
  const source = [meta.doc && `From ${meta.doc}`, meta.reason, meta.why && `Least sure of ${meta.why}`, meta.teacher].filter(Boolean).join(" · ")
  const review = given.length > 0 && others(given, shown, editor)
  const element = el("article", { class: yesNo ? "yes-no" : kind, "data-task": shown.id }, el("h2", {}, heading),
    review?.element, editor.element, source && el("p", { class: "source", dir: "auto" }, source))
  return {
    ...editor, element, yesNo, keys: { ...editor.keys, ...(review?.take && { t: review.take }) },
    help: [...(review?.take ? [["T", "begin with the next of the answers given"]] : []), ...editor.help],
  }
}

// A text that was answered before there was a label
function again({ again: names, options }) {
  const said = names.flatMap((label, k) => [k ? ", " : "", el("bdi", {}, label)])
  return options ? ["This text was answered before there was ", ...said, ": which is right now?"] : ["Asked again, about ", ...said, " alone; what was answered stays"]
}

// The sentences around it, as one text or a list of them
function context(value, name) {
  const text = Array.isArray(value) ? value.join(" ") : value
  return text ? el("p", { class: "context", dir: "auto", "aria-label": name }, String(text)) : null
}

// A yes or no to what is marked, or to one category; there is nothing to change
function verdictOnly({ task, kind }, changed, around) {
  const marks = fromSpans(task.spans)
  const [mark] = marks
  const words = mark && task.tokens.slice(mark.first, mark.last + 1).map((t) => t.text + (t.ws ? " " : "")).join("").trim()
  const label = mark?.label ?? task.label ?? (task.options ?? []).map((option) => option.text).join(", ")
  const drawn = kind === "categories" ? [task.text] : drawText({ task, kind, marks, labels: task.slots })
  return {
    heading: mark ? ["Is ", ...quoted(words, label), "?"] : ["Is this ", el("bdi", {}, label), "?"],
    element: el("div", { class: "editor" }, around.before, el("p", { class: "text entities", dir: "auto" }, drawn), around.after),
    keys: {}, help: [],
    focus: () => {},
    payload: () => (kind === "categories" ? {} : { spans: (task.spans ?? []).map(({ token_start, token_end, label }) => ({ token_start, token_end, label })) }),
  }
}

// What was answered, each once, with the number of people who said so
function distinct(review) {
  const found = new Map()
  for (const payload of review.filter((payload) => payload.answer !== "ignore")) {
    const text = JSON.stringify(payload)
    found.set(text, { payload, people: (found.get(text)?.people ?? 0) + 1 })
  }
  return [...found.values()]
}

// What nobody doubts is where a review begins
function agreed(given, kind) {
  const payloads = given.map(({ payload }) => payload)
  if (!payloads.length || payloads.some((payload) => payload.answer === "reject")) return null
  if (kind === "categories") return { accept: (payloads[0].accept ?? []).filter((label) => payloads.every((payload) => payload.accept?.includes(label))) }
  return { spans: toSpans(shared(payloads.map((payload) => fromSpans(payload.spans)))) }
}

// The answers side by side, without names; what they agree on steps back
function others(given, { task, kind }, editor) {
  const common = shared(given.map(({ payload }) => fromSpans(payload.spans)))
  const plain = (mark) => common.some((twin) => same(mark, twin))
  const verdict = editor.take ? { reject: "rejected" } : { accept: "yes", reject: "no" }
  let taken = -1
  const take = (k) => {
    taken = k
    editor.take(given[k].payload)
    buttons.forEach((button, j) => button.setAttribute("aria-pressed", String(j === k)))
    say(`Answer ${k + 1} taken over`)
  }
  const buttons = given.map((_, k) => el("button", { type: "button", "aria-pressed": "false", "aria-label": `Begin with answer ${k + 1}`, onclick: () => take(k) }, "Begin with this"))
  const sections = given.map(({ payload, people }, k) => {
    const said = [`Answer ${k + 1}`, verdict[payload.answer], people > 1 && `${people} people`].filter(Boolean).join(" · ")
    const body = !editor.take ? null
      : kind === "categories" ? el("p", { class: "said" }, el("bdi", {}, (payload.accept ?? []).join(", ") || "none"))
      : el("p", { class: `text ${kind}`, dir: "auto" }, drawText({ task: { ...task, uncertainty: null }, kind, marks: fromSpans(payload.spans), plain, labels: task.slots }))
    return el("section", {}, el("h3", {}, said), body, editor.take && buttons[k])
  })
  const element = el("div", { class: "others", role: "group", "aria-label": "What was answered" }, sections)
  return { element, take: editor.take && (() => take((taken + 1) % given.length)) }
}

// One question: what is to be decided, its text in its document, and for reviews what others have said.

import { choiceEditor } from "./choices.js"
import { el } from "./dom.js"
import { drawText } from "./draw.js"
import { fromSpans } from "./marks.js"
import { textEditor } from "./text.js"

const ASKS = {
  entities: "Mark the entities", spans: "Mark the spans; they may overlap", tags: "Check the tag of each word", categories: "Which category is it?",
}

export function question(shown, changed) {
  const { task, kind, purpose } = shown
  const meta = task.meta ?? {}
  const around = { before: context(meta.before, "Before"), after: context(meta.after, "After") }
  const yesNo = task._view_id === "ner" || task._view_id === "classification"
  const editor = (yesNo ? verdictOnly : kind === "categories" ? choiceEditor : textEditor)(shown, changed, around)
  const multiple = kind === "categories" && task.config?.choice_style === "multiple"
  const heading = editor.heading ?? (purpose === "review" ? "Answers differ: decide" : multiple ? "Which categories apply?" : ASKS[kind])
  const source = [meta.doc && `From ${meta.doc}`, meta.why && `Least sure of ${meta.why}`].filter(Boolean).join(" · ")
  const element = el("article", { class: yesNo ? "yes-no" : kind }, el("h2", {}, heading),
    purpose === "review" && others(shown, editor), editor.element, source && el("p", { class: "source", dir: "auto" }, source))
  return { ...editor, element, yesNo }
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
  const drawn = kind === "categories" ? [task.text] : drawText({ task, kind, marks, labels: task.labels })
  return {
    heading: mark ? `Is “${words}” ${label}?` : `Is this ${label}?`,
    element: el("div", { class: "editor" }, around.before, el("p", { class: "text entities", dir: "auto" }, drawn), around.after),
    keys: {}, help: [],
    focus: () => {},
    payload: () => (kind === "categories" ? {} : { spans: (task.spans ?? []).map(({ token_start, token_end, label }) => ({ token_start, token_end, label })) }),
  }
}

function others({ task, kind }, editor) {
  const given = (task.review ?? []).filter((payload) => payload.answer !== "ignore")
  if (!given.length || !editor.take) return null
  return el("div", { class: "others", role: "group", "aria-label": "What was answered" }, given.map((payload, k) => {
    const body = kind === "categories" ? (payload.accept ?? []).join(", ") || "none"
      : drawText({ task: { ...task, uncertainty: null }, kind, marks: fromSpans(payload.spans), labels: task.labels })
    return el("section", {}, el("h3", {}, `Answer ${k + 1}`, payload.answer === "reject" ? " (rejected)" : ""), el("p", { class: `text ${kind}`, dir: "auto" }, body),
      el("button", { type: "button", onclick: () => editor.take(payload) }, "Take this"))
  }))
}

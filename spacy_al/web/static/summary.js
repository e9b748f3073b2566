// What somebody has done since they sat down, what came of it, and what comes next.

import { request } from "./api.js"
import { $, el } from "./dom.js"
import { duration } from "./wait.js"

// Labels at once; the rest are added up
const MOST = 12
const VERDICTS = { accept: "accepted", reject: "rejected", ignore: "ignored" }
const many = (n, one, more = `${one}s`) => `${n} ${n === 1 ? one : more}`

function scores({ before, after, name, comparable }) {
  if (!before && !after) return "Not measured yet."
  const said = ({ score, round, texts }) => `${score.toFixed(3)} (round ${round}, on ${many(texts, "text")})`
  if (!after) return `${name} ${said(before)} so far; the model that learns from these answers is still to come.`
  if (!before) return `${name} ${said(after)}, the first.`
  return `${name} ${said(before)}, then ${said(after)}${comparable ? "" : "; they count other labels, so they cannot be compared"}.`
}

function next({ state, working, asked, answered, mine, own }) {
  const left = asked - answered, yours = Math.min(mine.part - own, left)
  if (working === "failed") return "The next step has failed; it is tried again."
  if (state === "stopped") return "Nothing: the run has stopped."
  if (state !== "wait") return "New texts, once the model has learned and chosen them."
  if (!left) return "The model learns from the answers of this round, and chooses new texts."
  return `${many(left, "answer")} of this round ${left === 1 ? "is" : "are"} missing${yours < left ? `, ${yours} of them yours` : ""}; then the model learns.`
}

export function summaryView(found) {
  const { answers, verdicts, minutes, median, labels, since } = found
  const row = (name, ...values) => [el("dt", {}, name), el("dd", {}, ...values)]
  const kinds = Object.entries(VERDICTS).filter(([verdict]) => verdicts[verdict]).map(([verdict, name]) => `${verdicts[verdict]} ${name}`)
  const shown = labels.slice(0, MOST), rest = labels.slice(MOST)
  const given = shown.flatMap(([label, n], k) => [k ? " · " : "", el("bdi", {}, label), ` ${n}`])
  if (rest.length) given.push(` · ${many(rest.length, "other label")} ${rest.reduce((sum, [, n]) => sum + n, 0)}`)
  const time = new Date(since * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
  return el("dl", { class: "summary" },
    row("Answers", answers ? `${answers} since ${time}: ${kinds.join(", ")}` : "None in the last half hour."),
    answers && median !== null ? row("Time", `${duration(60 * minutes)} at texts; ${median.toFixed(median < 10 ? 1 : 0)} s a text (median)`) : [],
    answers ? row("Labels", given.length ? given : "None.") : [],
    row("Score on dev", scores(found.scores)), row("Next", next(found.progress)))
}

export const readSummary = () => request("summary")

export async function showSummary() {
  const title = $("summary-text")
  title.replaceChildren(el("p", {}, "One moment"))
  $("summary").showModal()
  try { title.replaceChildren(summaryView(await readSummary())) } catch (error) { title.replaceChildren(el("p", {}, error.message || "No connection.")) }
}

// What stands above the question: how far the round is, one's own part of it, and whether all is saved.

import { notTaken, waiting } from "./api.js"
import { $ } from "./dom.js"
import { timeToGo } from "./wait.js"

export function showCounts(progress) {
  const { round, state, asked, answered, own, mine, wait } = progress
  // before a round has its tasks, what is asked meanwhile is no part of them
  const meanwhile = state !== "wait" && state !== "stopped"
  const shares = mine.part < asked || own < answered
  const done = meanwhile ? `${answered} answered while the model learns` : `${answered} of ${asked}`
  const parts = [`Round ${round}`, done, shares && (meanwhile ? `${own} by you` : `you: ${own} of ${mine.part}`), mine.today > own && `${mine.today} today`, meanwhile && wait && timeToGo(wait)]
  const text = round === null ? "" : parts.filter(Boolean).join(" · ")
  if ($("count").textContent !== text) $("count").textContent = text
  $("bar").hidden = round === null || meanwhile
  $("bar").max = Math.max(asked, 1)
  $("bar").value = answered
  // what the first hour will be, as long as its first round lasts
  $("plan").hidden = !progress.plan
  $("plan").textContent = progress.plan ?? ""
}

// problem, refused: what the server says of the page, and of an answer; begun: whether anything was ever answered
export function showSaved({ problem, refused, offline, begun }) {
  const left = waiting().length, kept = notTaken().length
  const stays = kept ? `${kept === 1 ? "One answer was" : `${kept} answers were`} not taken and ${kept === 1 ? "stays" : "stay"} in this browser; reload the page to send ${kept === 1 ? "it" : "them"} again${refused && `: ${refused}`}` : ""
  const text = problem || stays || (offline ? `No connection${left ? `: ${left} ${left === 1 ? "answer waits" : "answers wait"} in this browser` : ""}` : left ? "Saving…" : begun ? "Saved" : "")
  $("saved").className = problem || stays ? "bad" : offline ? "offline" : ""
  if ($("saved").textContent !== text) $("saved").textContent = text
}

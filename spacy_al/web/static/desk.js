// The next question, the answer, and again; back to what was answered, and the list of it.

import { answerList } from "./answers.js"
import { dropDraft, keep, Offline, readDraft, request, saveDraft, send, waiting } from "./api.js"
import { seconds, startClock, stopClock } from "./clock.js"
import { $, el, keyed, say } from "./dom.js"
import { showCounts, showSaved } from "./header.js"
import { toggle } from "./options.js"
import { question } from "./question.js"
import { readSummary, summaryView } from "./summary.js"
import { restText } from "./wait.js"

const POLL = 1000
// How far a step is, to whoever answers meanwhile
const SLOW = 5000
const AHEAD = 2

let session = null, current = null, editor = null, channel = null
let queue = [], past = [], at = null
// the list of one's answers, as long as it or a question from it is shown
let listing = null
let offline = false, problem = "", refused = "", timer = null, loading = null, again = false
const answered = new Map()

export const shownEditor = () => editor

// the time until a reload was spent as well
addEventListener("pagehide", () => { if (current) setAside() })

// Showing

function show(shown) {
  current = shown
  at = null
  render()
}

const setAside = () => saveDraft(current.id, { payload: editor.payload(), seconds: seconds() })

function putAway() {
  current = editor = null
  stopClock()
}

function render() {
  const draft = readDraft(current.id)
  startClock(draft?.seconds ?? 0)
  const given = draft?.payload ?? current.answer
  editor = question({ ...current, answer: given }, setAside)
  $("main").replaceChildren(editor.element)
  $("shade").hidden = !current.task.uncertainty?.some((value) => value > 0.05)
  verdicts()
  editor.focus()
  window.scrollTo(0, 0)
}

function verdicts() {
  const button = (name, key, act, kind = "") => el("button", { type: "button", class: kind, onclick: act }, keyed(name, key))
  const pressed = (item, on) => { item.setAttribute("aria-pressed", String(Boolean(on))); return item }
  const { yesNo } = editor
  const before = current.answer?.answer
  $("verdicts").replaceChildren(
    before ? el("span", { class: "before" }, `You said: ${yesNo ? { accept: "yes", reject: "no" }[before] ?? before : before}`) : "",
    button(yesNo ? "Yes" : "Accept", "A", () => answer("accept"), "accept"), button(yesNo ? "No" : "Reject", "X", () => answer("reject"), "reject"),
    button("Ignore", "I", () => answer("ignore")), button("Back", "U", back), pressed(button(current.flagged ? "Flagged" : "Flag", "F", flag), current.flagged))
  $("verdicts").hidden = false
}

function rest(progress) {
  putAway()
  $("verdicts").hidden = $("shade").hidden = true
  const [title, text] = restText(progress)
  const state = `${progress.round} ${progress.state} ${progress.own}`
  let there = $("main").querySelector(".rest")
  if (there?.querySelector("h2").textContent !== title) {
    there = el("div", { class: "rest" }, el("h2", {}, title), el("p", {}, text), past.length ? el("button", { type: "button", onclick: back }, keyed("Back to your last answer", "U")) : "", el("div", {}))
    $("main").replaceChildren(there)
    $("main").focus({ preventScroll: true })
    say(title)
  }
  there.querySelector("p").textContent = text
  if (there.dataset.state === state) return
  there.dataset.state = state
  summarise(there.lastChild)
}

// What was done, where somebody has just done it
async function summarise(place) {
  try {
    const found = await readSummary()
    if (found.answers) place.replaceChildren(summaryView(found))
  } catch { /* it is a key away */ }
}

function counts(progress) {
  if (!progress) return
  session.progress = progress
  showCounts(progress)
}

const saved = () => showSaved({ problem, refused, offline, begun: past.length > 0 })

// Asking and answering

const settled = (id) => answered.has(id) || waiting().some((answer) => answer.task === id)

function load() {
  if (loading) again = true
  loading ??= fetchNext().finally(() => {
    loading = null
    if (again) { again = false; load() }
  })
}

async function fetchNext() {
  clearTimeout(timer)
  try {
    counts(await send((answer, why) => { refused = why; answered.delete(answer.task) }))
    const found = await request("next", { n: AHEAD })
    offline = false
    problem = ""
    counts(found.progress)
    queue = found.tasks.filter((task) => !settled(task.id))
    if (at === null && !current && !listing) {
      if (queue.length) show(queue[0])
      else rest(found.progress)
    }
  } catch (error) {
    offline = error instanceof Offline
    problem = offline ? "" : error.message
    if (!current && !editor && !listing) unreachable(problem)
  }
  saved()
  // whoever has something to do asks again when it is done
  if (offline || problem || !current) timer = setTimeout(load, POLL)
  else watch()
}

const watch = () => { if (session.progress.working || session.progress.state !== "wait") timer = setTimeout(pulse, SLOW) }

// How far a step is, while somebody answers beside it
async function pulse() {
  try { counts(await request("progress")) } catch { /* whatever is sent next finds out */ }
  if (current && !loading) watch()
}

export function unreachable(why) {
  $("main").replaceChildren(el("div", { class: "rest" }, el("h2", {}, why ? "This page cannot be used" : "No connection"),
    el("p", {}, why || "What you answered is kept in this browser and is sent when the connection is back.")))
}

export function answer(verdict) {
  if (!current) return
  const why = editor.refuse?.(verdict)
  if (why) { refused = ""; $("saved").textContent = why; say(why); return }
  refused = ""
  const payload = { answer: verdict, ...(verdict === "ignore" ? {} : editor.payload()) }
  keep({ task: current.id, payload, seconds: seconds() })
  dropDraft(current.id)
  const { id } = current
  answered.set(id, { ...current, answer: payload })
  past = [...past.filter((other) => other !== id), id]
  channel?.postMessage(id)
  queue = queue.filter((task) => task.id !== id)
  putAway()
  at = null
  // that it is saved is said when it is
  say(verdict)
  if (listing) { at = 0; load(); loading.then(() => toList(id)) } else if (queue.length) show(queue[0])
  saved()
  load()
}

// The list

export function list() {
  if (listing && !current) { closeList(); return }
  if (current) setAside()
  const task = current?.id
  listing ??= answerList({ open, close: closeList, withdrawn })
  toList(task)
}

async function toList(task) {
  putAway()
  $("verdicts").hidden = $("shade").hidden = true
  toggle("list", true)
  $("main").replaceChildren(listing.element)
  await listing.refresh()
  listing?.focus(task)
}

function closeList() {
  listing = at = null
  putAway()
  toggle("list", false)
  if (queue.length) show(queue[0])
  else { $("main").replaceChildren(); rest(session.progress) }
  load()
}

async function open(id) {
  try { current = await request(`task?id=${encodeURIComponent(id)}`) } catch (error) { say(error.message || "No connection."); return }
  at = Math.max(past.indexOf(id), 0)
  render()
}

// An answer counts no more: its question may come again, here and in other tabs
function withdrawn(id, progress) {
  counts(progress)
  forget(id)
  channel?.postMessage({ again: id })
  load()
}

function forget(id) {
  answered.delete(id)
  past = past.filter((other) => other !== id)
  dropDraft(id)
}

export async function back() {
  const place = (at ?? past.length) - 1
  if (place < 0) { say("There is nothing before this."); return }
  const id = past[place]
  let shown = answered.get(id)
  try { shown ??= await request(`task?id=${encodeURIComponent(id)}`) } catch { say("No connection."); return }
  if (current && at === null) setAside()
  current = shown
  at = place
  render()
}

export async function flag() {
  if (!current) return
  const shown = current
  try {
    const { flagged } = await request("flag", { task: shown.id, flagged: !shown.flagged })
    shown.flagged = flagged
    say(flagged ? "Flagged" : "No longer flagged")
  } catch (error) { say(error.message || "No connection.") }
  if (current === shown) verdicts()
}

export async function openDesk(found) {
  session = found
  counts(session.progress)
  if (typeof BroadcastChannel === "function") {
    channel = new BroadcastChannel(`al:${session.desk}`)
    // another tab of the same annotator was faster
    channel.onmessage = ({ data }) => {
      if (data.again) { forget(data.again); load(); return }
      answered.set(data, answered.get(data) ?? undefined)
      past = [...past.filter((other) => other !== data), data]
      queue = queue.filter((task) => task.id !== data)
      dropDraft(data)
      if (current?.id === data && at === null) { putAway(); if (queue.length) show(queue[0]); load() }
    }
  }
  try { past = (await request("history")).tasks.reverse() } catch { /* going back waits for the connection */ }
  // not before it is known for whom
  addEventListener("online", load)
  load()
}

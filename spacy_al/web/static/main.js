// The page: the next question, the answer, and again.

import { answerList } from "./answers.js"
import { dropDraft, dropForgotten, keep, notTaken, Offline, openOutbox, readDraft, request, saveDraft, send, waiting } from "./api.js"
import { $, el, keyed, say } from "./dom.js"
import { question } from "./question.js"

const POLL = 1000
const AHEAD = 2

let session = null, current = null, editor = null, channel = null
let queue = [], past = [], at = null
// the list of one's answers, as long as it or a question from it is shown
let listing = null
let spent = 0, since = null, offline = false, problem = "", refused = "", timer = null, loading = null, again = false
const answered = new Map()

// Time: what is hidden is not looked at

const ticking = () => (since === null ? 0 : (performance.now() - since) / 1000)
const seconds = () => Math.round((spent + ticking()) * 10) / 10
document.addEventListener("visibilitychange", () => {
  if (document.hidden) { spent += ticking(); since = null } else if (current) since = performance.now()
})
// the time until a reload was spent as well
addEventListener("pagehide", () => { if (current) setAside() })

// Showing

function show(shown) {
  current = shown
  at = null
  render()
}

const setAside = () => saveDraft(current.id, { payload: editor.payload(), seconds: seconds() })

function render() {
  const draft = readDraft(current.id)
  spent = draft?.seconds ?? 0
  since = document.hidden ? null : performance.now()
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
  current = editor = since = null
  $("verdicts").hidden = true
  const { state, working, round, asked, answered: done } = progress
  const left = asked - done
  const [title, text] =
    working === "asking" ? ["The next question is being chosen", "It comes by itself."]
    : working === "failed" ? ["The next step has failed", "What you answered is safe. The terminal says why; it is tried again in a minute."]
    : state === "stopped" ? ["Done", "The run has stopped: it needs no more answers, or may not ask for more. `spacy-al report` tells of it."]
    : state === "wait" && left ? ["Nothing left for you", `${left === 1 ? "One answer" : `${left} answers`} of this round ${left === 1 ? "is" : "are"} for others to give. The next texts come by themselves.`]
    : working || state !== "wait" ? [round ? "The model is learning from your answers" : "The first texts are being chosen", "The next ones come by themselves; you can leave this page open."]
    : ["All is answered", "The next texts come by themselves."]
  const there = $("main").querySelector(".rest")
  if (there?.querySelector("h2").textContent === title) { there.querySelector("p").textContent = text; return }
  $("main").replaceChildren(el("div", { class: "rest" }, el("h2", {}, title), el("p", {}, text), past.length ? el("button", { type: "button", onclick: back }, keyed("Back to your last answer", "U")) : ""))
  $("main").focus({ preventScroll: true })
  say(title)
}

function counts(progress) {
  if (!progress) return
  session.progress = progress
  const { round, state, asked, answered: done } = progress
  // before a round has its tasks, what is asked meanwhile is no part of them
  const meanwhile = state !== "wait" && state !== "stopped"
  $("count").textContent = round === null ? "" : `Round ${round} · ` + (meanwhile ? `${done} answered while the model learns` : `${done} of ${asked}`)
  $("bar").hidden = round === null || meanwhile
  $("bar").max = Math.max(asked, 1)
  $("bar").value = done
  // what the first hour will be, as long as its first round lasts
  $("plan").hidden = !progress.plan
  $("plan").textContent = progress.plan ?? ""
}

function saved() {
  const left = waiting().length, kept = notTaken().length
  const stays = kept ? `${kept === 1 ? "One answer was" : `${kept} answers were`} not taken and ${kept === 1 ? "stays" : "stay"} in this browser; reload the page to send ${kept === 1 ? "it" : "them"} again${refused && `: ${refused}`}` : ""
  const text = problem || stays || (offline ? `No connection${left ? `: ${left} ${left === 1 ? "answer waits" : "answers wait"} in this browser` : ""}` : left ? "Saving…" : past.length ? "Saved" : "")
  $("saved").className = problem || stays ? "bad" : offline ? "offline" : ""
  if ($("saved").textContent !== text) $("saved").textContent = text
}

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
    if (!current && !editor && !listing) unreachable()
  }
  saved()
  // whoever has something to do asks again when it is done
  if (offline || problem || !current) timer = setTimeout(load, POLL)
}

function unreachable() {
  $("main").replaceChildren(el("div", { class: "rest" }, el("h2", {}, problem ? "This page cannot be used" : "No connection"),
    el("p", {}, problem || "What you answered is kept in this browser and is sent when the connection is back.")))
}

function answer(verdict) {
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
  current = editor = since = null
  at = null
  // that it is saved is said when it is
  say(verdict)
  if (listing) { at = 0; load(); loading.then(() => toList(id)) } else if (queue.length) show(queue[0])
  saved()
  load()
}

// The list

function list() {
  if (listing && !current) { closeList(); return }
  if (current) setAside()
  const task = current?.id
  listing ??= answerList({ open, close: closeList, withdrawn })
  toList(task)
}

async function toList(task) {
  current = editor = since = null
  $("verdicts").hidden = $("shade").hidden = true
  toggle("list", true)
  $("main").replaceChildren(listing.element)
  await listing.refresh()
  listing?.focus(task)
}

function closeList() {
  listing = current = editor = at = null
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

async function back() {
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

async function flag() {
  const shown = current
  try {
    const { flagged } = await request("flag", { task: shown.id, flagged: !shown.flagged })
    shown.flagged = flagged
    say(flagged ? "Flagged" : "No longer flagged")
  } catch (error) { say(error.message || "No connection.") }
  if (current === shown) verdicts()
}

// Keys

// What a browser that keeps nothing forgets with the page
function remember(name, on) {
  try { localStorage.setItem(`al:${name}`, on ? "1" : "") } catch { /* as it is */ }
}
function recall(name) {
  try { return localStorage.getItem(`al:${name}`) } catch { return null }
}

const toggle = (id, on) => $(id).setAttribute(id === "guide" ? "aria-expanded" : "aria-pressed", String(on))

function shadeWords() {
  const on = document.body.classList.toggle("shaded")
  remember("shaded", on)
  toggle("shade", on)
}

function guide() {
  if (!session?.guidelines) return
  const on = $("guidelines").hidden
  $("guidelines").hidden = !on
  remember("guide", on)
  toggle("guide", on)
}

function help() {
  const own = [["A or Enter", editor?.yesNo ? "yes" : "accept it as it stands now"], ["X", editor?.yesNo ? "no" : "reject what cannot be put right"], ["I or Space", "ignore what you cannot decide"], ["U", "back to your last answer, to correct it"], ["F", "flag for somebody to look at"],
    ["L", "list your answers: search, correct, take back, delete"],
    ["H", "shade unsure words"], ["G", "guidelines"], ["?", "this list"]]
  $("key-list").replaceChildren(...[...(editor?.help ?? []), ...own].flatMap(([key, does]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, does)]))
  $("keys").showModal()
}

const KEYS = {
  a: () => answer("accept"), Enter: () => answer("accept"), x: () => answer("reject"), i: () => answer("ignore"), " ": () => answer("ignore"),
  u: back, l: list, f: () => current && flag(), h: shadeWords, g: guide, "?": help,
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.altKey || $("keys").open || $("confirm").open) return
  const held = event.ctrlKey || event.metaKey
  const on = event.target
  // controls keep the keys that work them
  if (on.matches?.("input[type=search], select")) return
  if (on.matches?.("button, input, a") && (event.key === "Enter" || event.key === " " || event.key.startsWith("Arrow"))) return
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
  if (held && key !== "z") return
  const act = editor?.keys[key] ?? (held ? null : KEYS[key])
  if (!act || event.repeat && KEYS[key] === act) return
  event.preventDefault()
  act(event)
})

$("shade").addEventListener("click", shadeWords)
$("guide").addEventListener("click", guide)
$("help").addEventListener("click", help)
$("list").addEventListener("click", list)
addEventListener("online", load)

async function start() {
  try {
    session = await request("session")
  } catch (error) {
    problem = error instanceof Offline ? "" : error.message
    unreachable()
    if (error instanceof Offline) setTimeout(start, POLL)
    return
  }
  openOutbox(session.desk)
  // before anything of it is shown or sent
  try { await dropForgotten() } catch { /* it is tried again when the page is opened next */ }
  document.title = session.title
  $("title").textContent = session.title
  counts(session.progress)
  $("who").textContent = session.annotator
  if (session.guidelines) {
    $("rules").textContent = session.guidelines
    $("guide").hidden = false
    // where there is room they are there until somebody has read enough of them
    if (recall("guide") ?? matchMedia("(min-width: 72rem)").matches) guide()
  }
  if (recall("shaded")) shadeWords()
  if (typeof BroadcastChannel === "function") {
    channel = new BroadcastChannel(`al:${session.desk}`)
    // another tab of the same annotator was faster
    channel.onmessage = ({ data }) => {
      if (data.again) { forget(data.again); load(); return }
      answered.set(data, answered.get(data) ?? undefined)
      past = [...past.filter((other) => other !== data), data]
      queue = queue.filter((task) => task.id !== data)
      dropDraft(data)
      if (current?.id === data && at === null) { current = editor = null; if (queue.length) show(queue[0]); load() }
    }
  }
  try { past = (await request("history")).tasks.reverse() } catch { /* going back waits for the connection */ }
  load()
}

start()

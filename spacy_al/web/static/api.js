// Requests, and the answers that wait to be sent: they are in this browser until the server has them on disk.

const hash = decodeURIComponent(location.hash.slice(1))
const named = new URLSearchParams(location.search).get("annotator") ?? ""
const headers = { "content-type": "application/json", ...(hash && { authorization: `Bearer ${hash}` }), ...(named && { "x-annotator": encodeURIComponent(named) }) }

export class Offline extends Error {}
export class Refused extends Error {
  constructor(status, text) { super(text); this.status = status }
}

export async function request(path, body) {
  let response
  try {
    response = await fetch(`/api/${path}`, { headers, cache: "no-store", ...(body && { method: "POST", body: JSON.stringify(body) }) })
  } catch { throw new Offline() }
  let data = null
  try { data = await response.json() } catch { if (response.ok) throw new Offline() }
  if (response.status >= 500 || response.status === 429 || response.status === 408) throw new Offline(data?.error)
  if (!response.ok) throw new Refused(response.status, data?.error ?? `Status ${response.status}`)
  return data
}

// Each answer has a place of its own, so that two tabs never write over each other; and it is only ever sent to the run, and as
// the annotator, that it was given for, whatever else is served at this address by then
let place = "", aside = "", disk = null
// Some browsers keep nothing, or have no room left: that is to be sent before the page is closed
const memory = new Map()
try { disk = localStorage } catch { /* nothing is kept */ }
addEventListener("beforeunload", (event) => { if (memory.size) event.preventDefault() })
export const openOutbox = (desk) => {
  place = `al:answer:${desk}:`
  aside = `al:refused:${desk}:`
  headers["x-desk"] = desk
  // the run may have been mended since, or its database put back
  for (const { key } of notTaken()) move(key, place + key.slice(aside.length))
}

export const waiting = () => kept(place)
// What was refused is no answer of the run, and is nowhere but here: it stays until it is taken, or the same is answered again
export const notTaken = () => kept(aside)

function kept(start) {
  const found = new Map([...memory].filter(([key]) => key.startsWith(start)))
  for (let k = 0; k < (disk?.length ?? 0); k++) {
    const key = disk.key(k)
    if (key.startsWith(start)) found.set(key, disk.getItem(key))
  }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, text]) => ({ key, ...JSON.parse(text) }))
}

export function keep(answer) {
  const random = [...crypto.getRandomValues(new Uint8Array(12))].map((b) => b.toString(16).padStart(2, "0")).join("")
  // in the order in which they were given: a correction comes after what it corrects
  const id = `${String(Date.now()).padStart(15, "0")}-${random}`
  put(place + id, JSON.stringify({ ...answer, id }))
}

function put(key, text) {
  try { disk.setItem(key, text) } catch { memory.set(key, text) }
}

function move(from, to) {
  const text = memory.get(from) ?? disk?.getItem(from)
  if (text === null || text === undefined) return
  put(to, text)
  drop(from)
}

function drop(key) {
  memory.delete(key)
  disk?.removeItem(key)
}

const inTurn = (work) => (navigator.locks ? navigator.locks.request(`${place}send`, work) : work())
let sending = null
// By these it says that this answer cannot be taken; by others, that something else is wrong with the page or the server
const FINAL = [404, 409, 413, 422], GONE = 410

// Sends what waits, one after the other; what the server refuses is kept aside, so that others are sent, and is handed to `refused`
export function send(refused) {
  sending ??= inTurn(async () => {
    let progress = null
    for (let next; (next = waiting()[0]); ) {
      const { key, ...answer } = next
      try {
        progress = (await request("answer", answer)).progress
      } catch (error) {
        // a text that was forgotten leaves this browser as well
        if (error.status === GONE) { drop(key); dropDraft(answer.task); refused(answer, error.message); continue }
        if (!FINAL.includes(error.status)) throw error
        move(key, aside + key.slice(place.length))
        refused(answer, error.message)
        continue
      }
      drop(key)
      for (const other of notTaken()) if (other.task === answer.task) drop(other.key)
    }
    return progress
  }).finally(() => { sending = null })
  return sending
}

// What is being edited survives a reload
const MANY = 500
const draft = (task) => `al:draft:${place}${task}`
export function saveDraft(task, value) {
  try { disk.setItem(draft(task), JSON.stringify(value)) } catch { /* it is then lost with the page, and only then */ }
}
export function readDraft(task) {
  try { return JSON.parse(disk.getItem(draft(task))) } catch { return null }
}
export const dropDraft = (task) => disk?.removeItem(draft(task))

// Whatever this browser keeps of texts that were forgotten: drafts, answers that wait and those that were not taken
export async function dropForgotten() {
  const drafts = draft(""), kept = [...waiting(), ...notTaken()]
  const begun = Array.from({ length: disk?.length ?? 0 }, (_, k) => disk.key(k)).filter((key) => key.startsWith(drafts)).map((key) => key.slice(drafts.length))
  const known = [...new Set([...begun, ...kept.map(({ task }) => task)])]
  for (let k = 0; k < known.length; k += MANY) {
    for (const task of (await request("forgotten", { tasks: known.slice(k, k + MANY) })).tasks) {
      dropDraft(task)
      for (const one of kept) if (one.task === task) drop(one.key)
    }
  }
}

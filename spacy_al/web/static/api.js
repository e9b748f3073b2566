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
  if (response.status >= 500 || response.status === 429) throw new Offline(data?.error)
  if (!response.ok) throw new Refused(response.status, data?.error ?? `Status ${response.status}`)
  return data
}

// Each answer has a place of its own, so that two tabs never write over each other
let place = ""
const memory = new Map()
export const openOutbox = (annotator) => { place = `al:answer:${annotator}:` }

export function waiting() {
  const found = new Map(memory)
  for (let k = 0; k < localStorage.length; k++) {
    const key = localStorage.key(k)
    if (key.startsWith(place)) found.set(key, localStorage.getItem(key))
  }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, text]) => ({ key, ...JSON.parse(text) }))
}

export function keep(answer) {
  const random = [...crypto.getRandomValues(new Uint8Array(12))].map((b) => b.toString(16).padStart(2, "0")).join("")
  // in the order in which they were given: a correction comes after what it corrects
  const id = `${String(Date.now()).padStart(15, "0")}-${random}`
  const text = JSON.stringify({ ...answer, id })
  try { localStorage.setItem(place + id, text) } catch { memory.set(place + id, text) }
}

function drop(key) {
  memory.delete(key)
  localStorage.removeItem(key)
}

const inTurn = (work) => (navigator.locks ? navigator.locks.request(`${place}send`, work) : work())
let sending = null

// Sends what waits, one after the other; what the server refuses for good is handed to `refused`
export function send(refused) {
  sending ??= inTurn(async () => {
    let progress = null
    for (let next; (next = waiting()[0]); ) {
      const { key, ...answer } = next
      try {
        progress = (await request("answer", answer)).progress
      } catch (error) {
        if (error instanceof Offline || error.status === 401) throw error
        refused(answer, error.message)
      }
      drop(key)
    }
    return progress
  }).finally(() => { sending = null })
  return sending
}

// What is being edited survives a reload
const draft = (task) => `al:draft:${place}${task}`
export function saveDraft(task, value) {
  try { localStorage.setItem(draft(task), JSON.stringify(value)) } catch { /* it is then lost with the page, and only then */ }
}
export function readDraft(task) {
  try { return JSON.parse(localStorage.getItem(draft(task))) } catch { return null }
}
export const dropDraft = (task) => localStorage.removeItem(draft(task))

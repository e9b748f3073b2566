// The page: whose it is, and what its keys and buttons do.

import { dropForgotten, Offline, openOutbox, request } from "./api.js"
import { answer, back, flag, list, openDesk, shownEditor, unreachable } from "./desk.js"
import { $ } from "./dom.js"
import { showSaved } from "./header.js"
import { openKeyboard, showKeys } from "./keyboard.js"
import { guide, openOptions, shadeWords } from "./options.js"
import { showSummary } from "./summary.js"

const AGAIN = 1000
const help = () => showKeys(shownEditor())
const BUTTONS = { shade: shadeWords, list, mine: showSummary, guide, help }

openKeyboard({
  a: () => answer("accept"), Enter: () => answer("accept"), x: () => answer("reject"), i: () => answer("ignore"), " ": () => answer("ignore"),
  u: back, l: list, p: showSummary, f: flag, h: shadeWords, g: guide, "?": help,
}, shownEditor)
for (const [id, act] of Object.entries(BUTTONS)) $(id).addEventListener("click", act)

async function start() {
  let session
  try {
    session = await request("session")
  } catch (error) {
    const isOffline = error instanceof Offline
    unreachable(isOffline ? "" : error.message)
    if (isOffline) setTimeout(start, AGAIN)
    return
  }
  openOutbox(session.desk)
  // before anything of it is shown or sent
  try { await dropForgotten() } catch { /* it is tried again when the page is opened next */ }
  document.title = session.title
  $("title").textContent = session.title
  $("who").textContent = session.annotator
  openOptions(session.guidelines)
  openDesk(session)
}

start()

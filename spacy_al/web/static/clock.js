// The seconds at a text: as long as it is there to be seen, with those before a reload.

let spent = 0, since = null, runs = false

const ticking = () => (since === null ? 0 : (performance.now() - since) / 1000)
export const seconds = () => Math.round((spent + ticking()) * 10) / 10

export function startClock(before = 0) {
  spent = before
  since = document.hidden ? null : performance.now()
  runs = true
}

export function stopClock() {
  since = null
  runs = false
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) { spent += ticking(); since = null } else if (runs) since = performance.now()
})

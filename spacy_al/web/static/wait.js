// What is said to whoever has nothing to answer: what goes on, for how long it has, and how long it will.

const DOES = { starting: "Getting ready", training: "Training the model", measuring: "Measuring the model", choosing: "Choosing the next texts" }
const MINUTE = 60

export function duration(seconds) {
  if (seconds < 10) return `${Math.max(1, Math.round(seconds))} s`
  if (seconds < 1.5 * MINUTE) return `${10 * Math.round(seconds / 10)} s`
  if (seconds < 90 * MINUTE) return `${Math.round(seconds / MINUTE)} min`
  return `${(seconds / MINUTE / MINUTE).toFixed(1)} h`
}

// Nothing where nobody knows
export const timeToGo = ({ left, is_late: late }) => (late ? "longer than the last time" : left === null ? "" : `about ${duration(left)} left`)

const passed = (seconds) => (seconds < 1.5 * MINUTE ? `${Math.round(seconds)} s` : duration(seconds))

export function waitText(wait) {
  const { stage, seconds, left, is_late: late } = wait
  const known = late || left !== null ? timeToGo(wait) : "how long it takes is known once it was done"
  return `${DOES[stage]}: ${passed(seconds)} so far, ${known}.`
}

// Title and text
export function restText({ state, working, round, asked, answered, wait }) {
  const left = asked - answered
  if (working === "asking") return ["The next question is being chosen", "It comes by itself."]
  if (working === "failed") return ["The next step has failed", "What you answered is safe. The terminal says why; it is tried again in a minute."]
  if (state === "stopped") return ["Done", "The run has stopped: it needs no more answers, or may not ask for more. `spacy-al report` tells of it."]
  if (state === "wait" && left) return ["Nothing left for you", `${left === 1 ? "One answer" : `${left} answers`} of this round ${left === 1 ? "is" : "are"} for others to give. The next texts come by themselves.`]
  if (working || state !== "wait") {
    const stays = "The next ones come by themselves; you can leave this page open."
    return [round || answered ? "The model is learning from your answers" : "The first texts are being chosen", wait ? `${waitText(wait)} ${stays}` : stays]
  }
  return ["All is answered", "The next texts come by themselves."]
}

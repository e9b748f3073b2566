// What is marked in a text, as plain data: {first, last, label, score?} over tokens, both ends inside.

export const same = (a, b) => a.first === b.first && a.last === b.last && a.label === b.label
const meets = (mark, first, last) => mark.first <= last && mark.last >= first
const sorted = (marks) => [...marks].sort((a, b) => a.first - b.first || a.last - b.last || (a.label < b.label ? -1 : 1))

export function fromSpans(spans) {
  return sorted((spans ?? []).map((s) => ({ first: s.token_start, last: s.token_end, label: s.label, score: s.score })))
}

export function toSpans(marks) {
  return marks.map((m) => ({ token_start: m.first, token_end: m.last, label: m.label }))
}

// Where no two may share a token the new one takes the place of those it meets
export function add(marks, mark, flat) {
  const rest = marks.filter((other) => (flat ? !meets(other, mark.first, mark.last) : !same(other, mark)))
  return sorted([...rest, mark])
}

export const without = (marks, mark) => marks.filter((other) => !same(other, mark))

// Those that all of several answers have
export const shared = (answers) => (answers.length ? answers.reduce((marks, other) => marks.filter((mark) => other.some((twin) => same(mark, twin)))) : [])

export const over = (marks, first, last) => marks.filter((mark) => meets(mark, first, last))

// Those on a token, the shortest first
export function at(marks, token) {
  return over(marks, token, token).sort((a, b) => a.last - a.first - (b.last - b.first))
}

// A mark with other ends; a person has set them, so the model's probability is no longer of it
export function reach(marks, mark, first, last, flat) {
  return add(without(marks, mark), { first, last, label: mark.label }, flat)
}

// In two, the second from a token on
export function split(marks, mark, token, flat) {
  if (token <= mark.first || token > mark.last) return marks
  const left = add(without(marks, mark), { first: mark.first, last: token - 1, label: mark.label }, flat)
  return add(left, { first: token, last: mark.last, label: mark.label }, flat)
}

// Of each token the first and last one of what is seen as one character with it: an emoji can be several tokens
export function whole(tokens) {
  const text = tokens.map((t) => t.text + (t.ws ? " " : "")).join("")
  // an older browser takes them one by one
  if (!Intl.Segmenter) return [tokens.map((_, i) => i), tokens.map((_, i) => i)]
  const begins = new Set(Array.from(new Intl.Segmenter().segment(text), ({ index }) => index))
  const starts = [], ends = []
  let place = 0
  tokens.forEach((token, i) => {
    starts.push(i && !begins.has(place) ? starts[i - 1] : i)
    place += token.text.length + (token.ws ? 1 : 0)
  })
  for (let i = tokens.length - 1; i >= 0; i--) ends[i] = i + 1 < tokens.length && starts[i + 1] === starts[i] ? ends[i + 1] : i
  return [starts, ends]
}

// In which line below the words each mark is drawn: its label needs room as well, in characters of `starts`
export function lanes(marks, starts) {
  const ends = []
  return marks.map((mark) => {
    const from = starts[mark.first]
    const to = Math.max(starts[mark.last + 1] ?? Infinity, from + mark.label.length + 6)
    let lane = ends.findIndex((end) => end <= from)
    if (lane < 0) lane = ends.length
    ends[lane] = to
    return lane
  })
}

// The colours of labels, one for each place in the run and for light and dark. The first eight were chosen by hand. Each further one is
// the colour of a grid in OKLCH (36 hues, four lightnesses, three chromas) that lies farthest, in OKLab, from the nearest of those before
// it, in whichever of the two schemes it is nearer. So no colour changes when a label is added.

const CHOSEN = [
  ["#2a78d6", "#6fadf5"], ["#c2410c", "#f0935c"], ["#0f7a54", "#45c493"], ["#7d6000", "#d1ad3a"],
  ["#6b4fc4", "#b09cf3"], ["#b81e55", "#f283a9"], ["#0b6678", "#4bc3d6"], ["#7a4a1e", "#d09c6f"],
]
// Of these text is legible on the tint, and the colour itself stands out from the page
const LIGHT = [0.4, 0.48, 0.56, 0.64], DARK = [0.62, 0.7, 0.78, 0.86], CHROMA = [0.05, 0.12, 0.2], HUES = 36

const gamma = (c) => (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055)
const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)

// Between OKLab and linear sRGB (Ottosson, 2020)
function toRgb([L, a, b]) {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3, m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3, s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3
  return [4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s, -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s, -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s]
}
function toLab([r, g, b]) {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b), m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b), s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s]
}
const hex = (lab) => `#${toRgb(lab).map((c) => Math.round(gamma(Math.min(1, Math.max(0, c))) * 255).toString(16).padStart(2, "0")).join("")}`
const read = (text) => toLab([1, 3, 5].map((k) => linear(parseInt(text.slice(k, k + 2), 16) / 255)))

// With as much of the chroma as a screen can show
function shown(L, chroma, hue) {
  for (let c = chroma; c > 0; c -= 0.01) {
    const lab = [L, c * Math.cos(hue), c * Math.sin(hue)]
    if (toRgb(lab).every((part) => part >= 0 && part <= 1)) return lab
  }
  return [L, 0, 0]
}

const away = (a, b) => Math.min(...[0, 1].map((scheme) => Math.hypot(...a[scheme].map((part, k) => part - b[scheme][k]))))
let grid = null
const taken = [...CHOSEN]

function candidates() {
  const known = CHOSEN.map((pair) => pair.map(read))
  const found = LIGHT.flatMap((light, k) => CHROMA.flatMap((chroma) => Array.from({ length: HUES }, (_, j) => {
    const hue = (2 * Math.PI * j) / HUES
    return [shown(light, chroma, hue), shown(DARK[k], chroma, hue)]
  })))
  return found.map((pair) => ({ pair, near: Math.min(...known.map((one) => away(one, pair))) }))
}

// [light, dark] of a place, from 0; where there are more labels than the grid has colours they begin anew
function pairOf(place) {
  grid ??= candidates()
  while (taken.length <= place && grid.length) {
    const best = grid.reduce((a, b) => (b.near > a.near ? b : a))
    taken.push(best.pair.map(hex))
    grid = grid.filter((one) => one !== best)
    for (const one of grid) one.near = Math.min(one.near, away(one.pair, best.pair))
  }
  return taken[place % taken.length]
}

// The class of a place. Its rule is added to the page's own sheet, as the page's policy allows no style in an element
const ruled = new Set()
export function colourOf(place) {
  if (place < 0) return "c0"
  if (!ruled.has(place)) {
    ruled.add(place)
    const [light, dark] = pairOf(place), sheet = document.styleSheets[0]
    sheet.insertRule(`.c${place + 1} { --c: ${light} }`, sheet.cssRules.length)
    sheet.insertRule(`@media (prefers-color-scheme: dark) { .c${place + 1} { --c: ${dark} } }`, sheet.cssRules.length)
  }
  return `c${place + 1}`
}

/** Series and states are told apart by these; each is at least 3:1 on white and on black (WCAG 2.2, 1.4.11). */
export const COLORS = ['#3b7fc4', '#c96a12', '#2a9461', '#c2477a', '#8467d3', '#8a7a3c', '#1f8f99', '#7a828c'] as const
export const colorOf = (index: number): string => COLORS[index % COLORS.length] as string

/** Beside colours: lines are dashed differently. */
const DASHES = ['', '7 3', '2 3', '10 3 2 3', '5 5', '12 4', '1 4', '8 2 2 2 2 2'] as const
export const dashOf = (index: number): string => DASHES[index % DASHES.length] as string

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text of others inside XML: as it is, without what XML 1.0 cannot hold. */
export const escapeXml = (text: string): string =>
  text
    // eslint-disable-next-line no-control-regex -- XML has no place for them
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\uFFFE\uFFFF]|\p{Cs}/gu, '')
    .replace(/[&<>"']/g, (mark) => ENTITIES[mark] ?? '')

type Attributes = Readonly<Record<string, string | number | undefined>>

/** An element; `inside` is written as it is. */
export function element(name: string, attributes: Attributes, inside = ''): string {
  const written = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined || value === ''
      ? []
      : ` ${key}="${typeof value === 'number' ? round(value) : escapeXml(value)}"`,
  )
  return `<${name}${written.join('')}${inside === '' ? '/>' : `>${inside}</${name}>`}`
}

const round = (value: number): string => String(Math.round(value * 100) / 100)

export const textAt = (x: number, y: number, text: string, more: Attributes = {}): string =>
  element('text', { x, y, ...more }, escapeXml(text) || ' ')

/** What is shown when one points at a mark, and read out. */
export const hint = (text: string): string => element('title', {}, escapeXml(text) || ' ')

/** A text in so much room: where there is less it is cut at its end, and whole when one points at it. */
export function fitted(x: number, y: number, text: string, room: number, more: Attributes = {}): string {
  const size = Number(more['font-size'] ?? SIZE)
  if (widthOf(text, size) <= room) return textAt(x, y, text, more)
  let left = room - size
  const letters = Array.from(text)
  const end = letters.findIndex((letter) => (left -= widthOf(letter, size)) < 0)
  return element('text', { x, y, ...more }, escapeXml(`${letters.slice(0, end).join('')}…`) + hint(text))
}

const SIZE = 12

/** Texts about their places on an axis `width` wide, none over another: those for which there is no room are left out. */
export function axisTexts(
  texts: readonly { readonly x: number; readonly text: string }[],
  y: number,
  width: number,
  size: number,
): readonly string[] {
  let end = 0
  return texts.flatMap(({ x, text }) => {
    const half = widthOf(text, size) / 2
    const middle = Math.max(half, Math.min(width - half, x))
    if (middle - half < end) return []
    end = middle + half + size / 2
    return textAt(middle, y, text, { 'text-anchor': 'middle', 'font-size': size })
  })
}

/** About: fonts differ, so rather too wide. */
function widthOf(text: string, size = SIZE): number {
  let ems = 0
  for (const letter of text)
    ems += /[ !'()\-.,:;|Iijlt]/.test(letter) ? 0.38 : letter > '\u024f' ? 1.1 : /[%@A-Zmw]/.test(letter) ? 0.85 : 0.6
  return ems * size
}

export interface Drawing {
  readonly title: string
  /** What is to be seen, in words. */
  readonly description: string
  readonly width: number
  readonly height: number
  readonly body: string
}

/**
 * A whole document: as wide as there is room, with a title and a description for who does not see it. Lines and letters
 * have the colour of the text around them; where there is none, as in a file of its own, it goes by the colour scheme.
 */
export function drawing({ title, description, width, height, body }: Drawing): string {
  const style =
    'svg:root{color:#1f2328;background:#fff}@media(prefers-color-scheme:dark){svg:root{color:#e6edf3;background:#0d1117}}'
  const inside = [
    element('title', {}, escapeXml(title)),
    element('desc', {}, escapeXml(description)),
    element('style', {}, style),
    body,
  ]
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    fill: 'currentColor',
    'font-family': 'system-ui, sans-serif',
    'font-size': SIZE,
  }
  return element('svg', attributes, inside.join(''))
}

/** Names with their colours, in one line from the left. */
export function legend(names: readonly string[], x: number, y: number): string {
  let at = x
  const parts = names.map((name, index) => {
    const room = 160
    const part =
      element('rect', { x: at, y: y - 9, width: 10, height: 10, rx: 2, fill: colorOf(index) }) +
      fitted(at + 15, y, name, room)
    at += 15 + Math.min(room, widthOf(name)) + 16
    return part
  })
  return parts.join('')
}

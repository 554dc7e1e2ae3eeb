export type XmlValue =
  | string
  | number
  | boolean
  | undefined
  | readonly XmlValue[]
  | { readonly [name: string]: XmlValue }

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
const NAMESPACE = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'

function inner(value: XmlValue): string {
  if (value === undefined) return ''
  if (typeof value !== 'object') return escapeXml(String(value))
  return Object.entries(value)
    .map(([name, child]) => children(name, child))
    .join('')
}

function children(name: string, value: XmlValue): string {
  if (value === undefined) return ''
  if (Array.isArray(value)) return value.map((one) => children(name, one as XmlValue)).join('')
  return `<${name}>${inner(value)}</${name}>`
}

/** An XML element; an array becomes one element for each of its members. */
export function element(name: string, value: XmlValue): string {
  return `${DECLARATION}<${name}${name === 'Error' ? '' : NAMESPACE}>${inner(value)}</${name}>`
}

/** The content of every `<name>` in `text`; these elements must not be nested. */
export function elementsOf(text: string, name: string): readonly string[] {
  return [...text.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, 'g'))].map(
    ([, found = '']) => found,
  )
}

/** The text of the first `<name>`. */
export function textOf(text: string, name: string): string | undefined {
  const found = elementsOf(text, name)[0]
  return found === undefined ? undefined : unescapeXml(found)
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

function unescapeXml(text: string): string {
  return text
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}

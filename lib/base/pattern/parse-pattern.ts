import { appError } from '../app-error.ts'

/** One step of a pattern. Numbers are places in the program. */
export type Step =
  | { readonly kind: 'one'; readonly fits: (code: number) => boolean }
  | { readonly kind: 'either'; readonly first: number; readonly second: number }
  | { readonly kind: 'start' | 'end' | 'found' }

/** Most characters of a pattern, and most steps, to which counts such as `{3}` unfold. */
const MAX_LENGTH = 200
const MAX_STEPS = 256
const MAX_WRITTEN = 4096
const MAX_COUNT = 64
const MAX_DEPTH = 20

type Fits = (code: number) => boolean

type Node =
  | { readonly kind: 'one'; readonly fits: Fits }
  | { readonly kind: 'start' | 'end' }
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Node[] }
  | { readonly kind: 'times'; readonly part: Node; readonly least: number; readonly most: number }

const between = (from: string, to: string): Fits => {
  const [first, last] = [from.charCodeAt(0), to.charCodeAt(0)]
  return (code) => code >= first && code <= last
}
const either =
  (...all: readonly Fits[]): Fits =>
  (code) =>
    all.some((fits) => fits(code))
const not =
  (fits: Fits): Fits =>
  (code) =>
    !fits(code)
const exactly = (char: string): Fits => between(char, char)

const digit = between('0', '9')
const word = either(digit, between('a', 'z'), between('A', 'Z'), exactly('_'))
const lineEnd = either(exactly('\n'), exactly('\r'), between('\u2028', '\u2029'))
const classes: Readonly<Record<string, Fits>> = { d: digit, D: not(digit), w: word, W: not(word) }

/** Reads a pattern from left to right. */
class Reader {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  whole(): Node {
    const node = this.#alternatives()
    if (this.#at < this.#text.length) throw this.#fault('a ) closes nothing')
    return node
  }

  #fault(message: string) {
    return appError('CONFIG_INVALID', {
      message: `the pattern ${JSON.stringify(this.#text)} is wrong at character ${this.#at + 1}: ${message}`,
    })
  }

  #take(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }

  #next(): string {
    const char = this.#text[this.#at]
    if (char === undefined) throw this.#fault('it ends too early')
    this.#at += 1
    return char
  }

  #alternatives(): Node {
    const parts = [this.#sequence()]
    while (this.#take('|')) parts.push(this.#sequence())
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: 'any', parts }
  }

  #sequence(): Node {
    const parts: Node[] = []
    for (let char = this.#text[this.#at]; char !== undefined && char !== '|' && char !== ')'; ) {
      parts.push(this.#counted(this.#atom()))
      char = this.#text[this.#at]
    }
    return { kind: 'all', parts }
  }

  #counted(part: Node): Node {
    const count = this.#count()
    if (count === undefined) return part
    if (part.kind === 'start' || part.kind === 'end') throw this.#fault('^ and $ cannot be counted')
    if (/[*+?{]/.test(this.#text[this.#at] ?? '')) throw this.#fault('a count follows a count')
    return { kind: 'times', part, ...count }
  }

  #count(): { readonly least: number; readonly most: number } | undefined {
    if (this.#take('*')) return { least: 0, most: Number.POSITIVE_INFINITY }
    if (this.#take('+')) return { least: 1, most: Number.POSITIVE_INFINITY }
    if (this.#take('?')) return { least: 0, most: 1 }
    if (this.#text[this.#at] !== '{') return undefined
    const [found, first = '', comma, second = ''] = /^\{(\d{1,3})(,?)(\d{0,3})\}/.exec(this.#text.slice(this.#at)) ?? []
    if (found === undefined) throw this.#fault('a count is written {2}, {2,} or {2,5}')
    const least = Number(first)
    const most = comma === '' ? least : second === '' ? Number.POSITIVE_INFINITY : Number(second)
    if (least > MAX_COUNT || (most > MAX_COUNT && most !== Number.POSITIVE_INFINITY) || most < least)
      throw this.#fault(`a count is at most ${MAX_COUNT}, and its second number not below the first`)
    this.#at += found.length
    return { least, most }
  }

  #atom(): Node {
    const char = this.#next()
    if (char === '(') return this.#group()
    if (char === '[') return { kind: 'one', fits: this.#set() }
    if (char === '.') return { kind: 'one', fits: not(lineEnd) }
    if (char === '^') return { kind: 'start' }
    if (char === '$') return { kind: 'end' }
    if (char === '\\') return { kind: 'one', fits: this.#escaped() }
    if (/[*+?{}\]]/.test(char)) throw this.#fault(`write \\${char} for the character itself`)
    return { kind: 'one', fits: exactly(char) }
  }

  #group(): Node {
    if (!this.#take('?:') && this.#text[this.#at] === '?') throw this.#fault('of groups only ( and (?: are known')
    this.#depth += 1
    if (this.#depth > MAX_DEPTH) throw this.#fault('its groups are nested too deeply')
    const node = this.#alternatives()
    if (!this.#take(')')) throw this.#fault('a ( is not closed')
    this.#depth -= 1
    return node
  }

  #escaped(): Fits {
    const char = this.#next()
    const known = Object.hasOwn(classes, char) ? classes[char] : undefined
    if (known !== undefined) return known
    if (/[\w]/.test(char)) throw this.#fault('of escapes only \\d, \\D, \\w, \\W and those of signs are known')
    return exactly(char)
  }

  #set(): Fits {
    const isOther = this.#take('^')
    const members: Fits[] = []
    while (!this.#take(']')) members.push(this.#member())
    if (members.length === 0) throw this.#fault('a set has no member')
    const fits = either(...members)
    return isOther ? not(fits) : fits
  }

  #member(): Fits {
    const first = this.#next()
    if (first === '\\') return this.#escaped()
    if (this.#text[this.#at] !== '-' || this.#text[this.#at + 1] === ']') return exactly(first)
    this.#at += 1
    const last = this.#next()
    if (last === '\\' || last < first) throw this.#fault('a range of a set goes from a lower to a higher character')
    return between(first, last)
  }
}

/** Writes a tree as steps. A step leads to the next one, but for `either`, which leads to two. */
class Writer {
  readonly steps: Step[] = []
  /** Parts written, of which empty ones leave no step. */
  #written = 0

  write(node: Node): void {
    this.#written += 1
    if (this.steps.length > MAX_STEPS || this.#written > MAX_WRITTEN)
      throw appError('CONFIG_INVALID', { message: 'the pattern is too large' })
    switch (node.kind) {
      case 'one':
      case 'start':
      case 'end':
        this.steps.push(node)
        break
      case 'all':
        for (const part of node.parts) this.write(part)
        break
      case 'any':
        this.#any(node.parts)
        break
      case 'times':
        for (let i = 0; i < node.least; i += 1) this.write(node.part)
        if (node.most === Number.POSITIVE_INFINITY) this.#loop(node.part)
        else for (let i = node.least; i < node.most; i += 1) this.#fork(() => this.write(node.part))
        break
    }
  }

  /** What `first` writes, or what stands behind it. */
  #fork(first: () => void): void {
    const at = this.#reserve()
    first()
    this.#lead(at, at + 1, this.steps.length)
  }

  #loop(part: Node): void {
    this.#fork(() => {
      const at = this.steps.length - 1
      this.write(part)
      this.#lead(this.#reserve(), at, at)
    })
  }

  #any(parts: readonly Node[]): void {
    const [first, ...rest] = parts
    if (first === undefined) return
    if (rest.length === 0) {
      this.write(first)
      return
    }
    const at = this.#reserve()
    this.write(first)
    const leave = this.#reserve()
    this.#lead(at, at + 1, this.steps.length)
    this.#any(rest)
    this.#lead(leave, this.steps.length, this.steps.length)
  }

  #reserve(): number {
    return this.steps.push({ kind: 'found' }) - 1
  }

  #lead(at: number, first: number, second: number): void {
    this.steps[at] = { kind: 'either', first, second }
  }
}

/** @throws CONFIG_INVALID */
export function parsePattern(text: string): readonly Step[] {
  if (text.length > MAX_LENGTH)
    throw appError('CONFIG_INVALID', { message: `a pattern has at most ${MAX_LENGTH} characters` })
  const writer = new Writer()
  writer.write(new Reader(text).whole())
  writer.steps.push({ kind: 'found' })
  if (writer.steps.length > MAX_STEPS) throw appError('CONFIG_INVALID', { message: 'the pattern is too large' })
  return writer.steps
}

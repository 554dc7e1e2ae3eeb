import { parsePattern, type Step } from './parse-pattern.ts'

/** A pattern that strangers' texts are compared with. */
export interface LinearPattern {
  /** Whether it fits any part of the text, as `test` of a regular expression says. */
  fits(text: string): boolean
}

/**
 * A regular expression of a common, small kind: characters, `.`, sets, `\d`, `\w`, groups, `|`, counts, `^` and `$`. The time it
 * takes grows as the text does, whatever the pattern, since all ways through it are gone at once (Thompson's construction):
 * no text makes it go back. Its size is bounded. @throws CONFIG_INVALID
 */
export function linearPattern(text: string): LinearPattern {
  const steps = parsePattern(text)
  return {
    fits(subject) {
      const [now, then] = [new Front(steps), new Front(steps)]
      let [here, next] = [now, then]
      for (let at = 0; at <= subject.length; at += 1) {
        here.reach(0, at, subject.length)
        if (here.isFound) return true
        if (at === subject.length) break
        here.step(subject.charCodeAt(at), (place) => next.reach(place, at + 1, subject.length))
        here.clear()
        ;[here, next] = [next, here]
      }
      return false
    },
  }
}

/** The places in the program that have been reached at one place of the text. */
class Front {
  readonly #steps: readonly Step[]
  readonly #seen: Uint8Array
  #waiting: number[] = []
  isFound = false

  constructor(steps: readonly Step[]) {
    this.#steps = steps
    this.#seen = new Uint8Array(steps.length)
  }

  /** Goes on from a place as far as no character is needed. */
  reach(from: number, at: number, length: number): void {
    const open = [from]
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      const step = this.#steps[place]
      if (step === undefined || this.#seen[place] === 1) continue
      this.#seen[place] = 1
      if (step.kind === 'one') this.#waiting.push(place)
      else if (step.kind === 'either') open.push(step.first, step.second)
      else if (step.kind === 'found') this.isFound = true
      else if (step.kind === 'start' ? at === 0 : at === length) open.push(place + 1)
    }
  }

  step(code: number, onto: (place: number) => void): void {
    for (const place of this.#waiting) {
      const step = this.#steps[place]
      if (step?.kind === 'one' && step.fits(code)) onto(place + 1)
    }
  }

  clear(): void {
    this.#seen.fill(0)
    this.#waiting = []
    this.isFound = false
  }
}

import type { LinearPattern } from './linear-pattern.ts'

/**
 * Fits whole texts; `*` stands for any characters, or none, and everything else for itself. Each part between stars is looked
 * for once, from left to right, so no text makes it go back.
 */
export function starPattern(pattern: string): LinearPattern {
  const [head = '', ...parts] = pattern.split('*')
  const tail = parts.pop()
  if (tail === undefined) return { fits: (text) => text === pattern }
  return {
    fits(text) {
      const end = text.length - tail.length
      if (end < head.length || !text.startsWith(head) || !text.endsWith(tail)) return false
      let at = head.length
      for (const part of parts) {
        const found = text.indexOf(part, at)
        if (found < 0) return false
        at = found + part.length
      }
      return at <= end
    },
  }
}

/** One login method that a registry offers in `WWW-Authenticate`. */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string
  /** Parameter names are in lower case. */
  readonly params: Readonly<Record<string, string>>
}

/** Longest part of a header that is parsed; a realm, a service and a scope need a few hundred characters. */
const MAX_HEADER_CHARS = 8192

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const param = new RegExp(String.raw`[\s,]*(${token})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))`, 'y')
const scheme = new RegExp(String.raw`[\s,]*(${token})(?=[\s,]|$)`, 'y')

/** The challenges of a header, in order; parsing stops at the first malformed one. */
export function parseChallenges(header: string | undefined): readonly Challenge[] {
  const text = (header ?? '').slice(0, MAX_HEADER_CHARS)
  const challenges: { scheme: string; params: Record<string, string> }[] = []
  for (let at = 0; at < text.length; ) {
    const current = challenges.at(-1)
    const [part, name = '', quoted, plain = ''] = (current && matchAt(param, text, at)) ?? []
    if (current !== undefined && part !== undefined) {
      current.params[name.toLowerCase()] = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain
      at += part.length
      continue
    }
    const [start, word = ''] = matchAt(scheme, text, at) ?? []
    if (start === undefined) break
    challenges.push({ scheme: word.toLowerCase(), params: {} })
    at += start.length
  }
  return challenges
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at
  return pattern.exec(text) ?? undefined
}

import { appError } from '../../../lib/base/index.ts'
import { readJsonObject } from './daemon-json.ts'
import { commonEnds, linesOf } from './line-diff.ts'
import { readToml } from './toml.ts'

/** A file that setups have changed: its content before the first of them, and after the last. */
export interface Change {
  readonly path: string
  /** Undefined: there was no file. */
  readonly before: Buffer | undefined
  readonly after: Buffer
}

/** @throws CONFIG_INVALID */
function checkSyntax(text: string, path: string): void {
  if (path.endsWith('.json')) {
    if (text.trim() !== '') readJsonObject(text, path)
  } else readToml(text, path)
}

/** Where `lines` stand in `all`; undefined unless they do exactly once. */
function onlyPlace(lines: readonly string[], all: readonly string[]): number | undefined {
  const places = all.map((_, at) => at).filter((at) => lines.every((line, i) => all[at + i] === line))
  return places.length === 1 ? places[0] : undefined
}

/** Takes our lines out of a file that somebody has changed in other places; undefined when they are not whole there. */
function withoutOurs({ path, before, after }: Change, now: Buffer): Buffer | undefined {
  if (before === undefined) return undefined
  const [old, ours, all] = [before, after, now].map((bytes) => linesOf(bytes.toString('latin1')))
  if (old === undefined || ours === undefined || all === undefined) return undefined
  const { start, end } = commonEnds(old, ours)
  const inserted = ours.slice(start, ours.length - end)
  const at = inserted.length === 0 ? undefined : onlyPlace(inserted, all)
  if (at === undefined) return undefined
  const lines = [...all.slice(0, at), ...old.slice(start, old.length - end), ...all.slice(at + inserted.length)]
  const rest = Buffer.from(lines.join(''), 'latin1')
  try {
    checkSyntax(rest.toString('utf8'), path)
    return rest
  } catch {
    return undefined
  }
}

/**
 * What the file shall be when our change of it is taken back: what it was, to the byte, or when somebody has changed it in
 * other places, what it is now without our lines. Undefined: there shall be no file.
 * @throws CHANGED_MEANWHILE when our lines are not there any more as they were written
 */
export function takenBack(change: Change, now: Buffer | undefined): Buffer | undefined {
  const { path, before, after } = change
  if (now === undefined ? before === undefined : now.equals(after)) return before
  if (now !== undefined && before?.equals(now) === true) return before
  const rest = now === undefined ? undefined : withoutOurs(change, now)
  if (rest !== undefined) return rest
  throw appError('CHANGED_MEANWHILE', {
    message: `${path}: somebody has changed or removed what shoal wrote there; nothing was undone. Put that right by hand`,
  })
}

/** The record of a file after a further change of it. A change that nobody can take back becomes the state before. */
export function furtherChange(known: Change | undefined, now: Buffer | undefined, change: Change): Change {
  if (known === undefined) return change
  try {
    return { ...change, before: takenBack(known, now) }
  } catch {
    return change
  }
}

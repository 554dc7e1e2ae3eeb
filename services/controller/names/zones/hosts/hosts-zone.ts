import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  type AbortOptions,
  type AppError,
  appError,
  hasCode,
  readSmall,
  replaceFile,
  throwIfAborted,
} from '../../../../../lib/base/index.ts'
import { recordKey } from '../../record-key.ts'
import type { FoundRecord } from '../../rules/plan.ts'
import type { Zone } from '../../zone.ts'

export interface HostsZoneInit {
  /** The file that a DNS server reads: the plugin `hosts` of CoreDNS, or `addn-hosts` of dnsmasq. */
  readonly file: string
  /** Whose records they are: it is the comment of each line. */
  readonly mark: string
}

/** DNS servers run as users of their own. */
const FOR_ALL = 0o644
const MAX_BYTES = 1024 * 1024

interface Line {
  readonly text: string
  readonly address: string
  readonly names: readonly string[]
  readonly own: boolean
}

/**
 * A hosts file. Each record of ours is a line with our mark behind it; all other lines stay as they are, in their order.
 * Readers see the old file or the new one, never a part. The DNS server gives all its records one TTL.
 */
export function hostsZone({ file, mark }: HostsZoneInit): Zone {
  const lines = async (options: AbortOptions): Promise<readonly Line[]> => {
    throwIfAborted(options.signal)
    const bytes = await bytesOf(file).catch((err: unknown) => {
      throw failureOf(file, err)
    })
    if (bytes === undefined || bytes.length === 0) return []
    if (bytes.length > MAX_BYTES) throw appError('ZONE_REFUSED', { message: `${file} has more than 1 MiB` })
    const text = bytes.toString('utf8')
    return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n').map((line) => lineOf(line, mark))
  }

  const write = async (kept: readonly Line[], { signal }: AbortOptions): Promise<void> => {
    throwIfAborted(signal)
    try {
      await replaceFile(file, kept.map(({ text }) => `${text}\n`).join(''), { mode: FOR_ALL })
    } catch (err) {
      throw failureOf(file, err)
    }
  }

  return {
    async read(names, options = {}) {
      return (await lines(options)).flatMap((line) => recordsOf(line, names))
    },
    async put(records, options = {}) {
      const old = await lines(options)
      const there = new Set(old.flatMap((line) => line.names.map((name) => recordKey({ ...line, name }))))
      const fresh = records.filter((record) => !there.has(recordKey(record)))
      const added = fresh.map(({ name, address }) => lineOf(`${address} ${name} # ${mark}`, mark))
      if (added.length > 0) await write([...old, ...added], options)
    },
    async remove(records, options = {}) {
      const old = await lines(options)
      const going = new Set(records.map(recordKey))
      const stays = ({ own, address, names: [name = ''] }: Line) => !own || !going.has(recordKey({ name, address }))
      const kept = old.filter(stays)
      if (kept.length < old.length) await write(kept, options)
    },
  }
}

/** A file that is missing is an empty one; a folder that is missing is a fault. */
async function bytesOf(file: string): Promise<Buffer | undefined> {
  const bytes = await readSmall(file)
  if (bytes === undefined) await stat(dirname(file))
  return bytes
}

function lineOf(text: string, mark: string): Line {
  const at = text.indexOf('#')
  const [address = '', ...names] = (at < 0 ? text : text.slice(0, at)).trim().split(/\s+/)
  const comment = at < 0 ? '' : text.slice(at + 1).trim()
  return { text, address, names, own: comment === mark && names.length === 1 }
}

function recordsOf({ address, names, own }: Line, asked: readonly string[]): readonly FoundRecord[] {
  if (!/^\d+\.\d+\.\d+\.\d+$/.test(address)) return []
  const shown = own ? names : names.filter((name) => asked.includes(name))
  return shown.map((name) => ({ name, address, ttl: undefined, own }))
}

function failureOf(file: string, err: unknown): AppError {
  const init = { message: `the hosts file ${file} cannot be read or written`, cause: err }
  if (hasCode(err, 'EACCES', 'EPERM', 'EROFS')) return appError('ZONE_DENIED', init)
  if (hasCode(err, 'ENOENT', 'ENOTDIR', 'EISDIR')) return appError('ZONE_REFUSED', init)
  return appError('ZONE_UNAVAILABLE', init)
}

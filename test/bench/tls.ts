import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { TlsTexts } from '../../lib/base/index.ts'
import { issue, newAuthority } from '../../lib/certificates/index.ts'
import type { PeerTls } from '../../lib/swarm/peer/index.ts'
import { interruptible } from './interruptible.ts'
import { publish } from './measure.ts'
import { sizeOptions } from './options.ts'
import { peers, type Speed } from './wire.ts'

const MIB = 1024 * 1024
const BLOCK = 256 * 1024
/** Each way is measured so often, in turns: other work on the machine hits both. */
const TURNS = 3

/** A certificate for the loopback address, and its authority. */
function loopbackTls(): PeerTls {
  const lifetime = { fromMs: Date.now() - 60_000, toMs: Date.now() + 86_400_000 }
  const authority = newAuthority({ name: 'bench', ...lifetime })
  const signer = { certificate: new X509Certificate(authority.certificate), key: createPrivateKey(authority.key) }
  const own = issue(signer, { name: 'bench', hosts: ['127.0.0.1'], ...lifetime })
  const now: TlsTexts = { ...own, authorities: [authority.certificate] }
  return { material: { now }, plainToo: false }
}

const median = (figures: readonly number[]): number =>
  [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)] ?? 0

/**
 * One peer to another over loopback, without TLS and with it in turns. Hashing and disks are not included, so this is the
 * most that TLS can cost. Arguments: `--mib 512`.
 */
export async function tls(args: readonly string[]): Promise<void> {
  const { mib } = sizeOptions(args, { mib: 512 })
  const totalBytes = Math.ceil(mib * MIB)
  const peerTls = loopbackTls()
  const rows: (readonly (string | number)[])[] = []
  await interruptible(async (signal) => {
    for (const direction of ['dialled', 'accepted'] as const) {
      const course = { totalBytes, blockLength: BLOCK, direction }
      const found: { readonly plain: Speed; readonly secured: Speed }[] = []
      for (let turn = 0; turn < TURNS; turn += 1) {
        signal.throwIfAborted()
        found.push({ plain: await peers(course), secured: await peers(course, peerTls) })
      }
      const of = (pick: (pair: (typeof found)[number]) => number) => median(found.map(pick)).toFixed(2)
      rows.push([
        direction,
        ...[of(({ plain }) => plain.perSecond), of(({ secured }) => secured.perSecond)],
        ...[of(({ plain }) => plain.perCpuSecond), of(({ secured }) => secured.perCpuSecond)],
        ...[of(({ plain, secured }) => secured.perSecond / plain.perSecond)],
        ...[of(({ plain, secured }) => secured.perCpuSecond / plain.perCpuSecond)],
      ])
    }
  })
  await publish({
    name: 'tls',
    conditions: [
      `${mib} MiB from one peer to another over loopback, both in one process, in blocks of ${BLOCK / 1024} KiB; no hashing, no disk`,
      `median of ${TURNS} turns, each first without TLS and then with mutual TLS 1.3; certificates of P-256`,
      'GB are 10^9 bytes; CPU of both ends; other work shared the machine, so ratios count more than speeds',
    ],
    columns: [
      'the end that receives',
      'plain GB/s',
      'TLS GB/s',
      'plain GB per CPU-s',
      'TLS GB per CPU-s',
      'TLS / plain',
      'TLS / plain per CPU-s',
    ],
    rows,
  })
}

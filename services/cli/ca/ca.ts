import { createPrivateKey, X509Certificate } from 'node:crypto'
import { lstat, mkdir, readFile, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Command } from 'commander'
import { appError, codeOf, hasCode, ownerOnly, type ProcessHost, systemClock } from '../../../lib/base/index.ts'
import type { KeyedCertificate } from '../../../lib/certificates/index.ts'
import { hostName, parseDuration } from '../../../lib/config/index.ts'
import { exitCodes } from '../exit-codes.ts'
import { quietCommand, runCommand } from '../quiet-command.ts'

interface InitFlags {
  readonly out: string
  readonly name: string
  readonly valid: string
}

interface IssueFlags {
  readonly ca: string
  readonly out: string
  readonly host: readonly string[]
  readonly name?: string
  readonly valid: string
}

const DAY_MS = 24 * 60 * 60 * 1000
const MAX_AUTHORITY_DAYS = 3650
const MAX_LEAF_DAYS = 397
/** Clocks of machines differ: a new certificate counts from a little before now on. */
const EARLIER_MS = 5 * 60 * 1000
/** `shoal admin` and the doctor call services of their own machine. */
const LOOPBACK = ['localhost', '127.0.0.1', '::1']

/** Loaded only here: services, which this command starts as well, need no ASN.1, but for an agent that looks into TLS. */
const certificates = () => import('../../../lib/certificates/index.ts')

const invalid = (message: string, cause?: unknown) => appError('CONFIG_INVALID', { message, cause })

async function isThere(file: string): Promise<boolean> {
  try {
    await lstat(file)
    return true
  } catch (err) {
    if (hasCode(err, 'ENOENT')) return false
    throw err
  }
}

/** Both files are new, or neither is written. @throws CONFIG_INVALID when one of them is there */
async function writePair(folder: string, stem: string, { certificate, key }: KeyedCertificate): Promise<string> {
  const [certificateFile, keyFile] = [join(folder, `${stem}.crt`), join(folder, `${stem}.key`)]
  for (const file of [certificateFile, keyFile]) {
    if (await isThere(file)) throw invalid(`${file} is there already and is not overwritten; name another --out`)
  }
  await mkdir(folder, { recursive: true, mode: ownerOnly.folder })
  await writeFile(keyFile, key, { flag: 'wx', mode: ownerOnly.file })
  await writeFile(certificateFile, certificate, { flag: 'wx' })
  return `${certificateFile} ${keyFile}`
}

function lifetimeOf(text: string, maxDays: number): { readonly fromMs: number; readonly toMs: number } {
  const ms = parseDuration(text)
  if (ms <= 0 || ms > maxDays * DAY_MS) throw invalid(`--valid ${text}: it may be valid for at most ${maxDays}d`)
  const now = systemClock().now()
  return { fromMs: now - EARLIER_MS, toMs: now + ms }
}

async function init({ out, name, valid }: InitFlags): Promise<string> {
  const { newAuthority } = await certificates()
  const files = await writePair(out, 'ca', newAuthority({ name, ...lifetimeOf(valid, MAX_AUTHORITY_DAYS) }))
  return `${files}\nkeep ca.key away from the hosts; give every host ca.crt as tls.authorities`
}

const text = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((err: unknown) => Promise.reject(invalid(`cannot read ${file}; see shoal ca init`, err)))

/** @throws CONFIG_INVALID when the files are not those of an authority that is valid until `toMs` */
async function authorityIn(folder: string, toMs: number) {
  const [certificateText, keyText] = [await text(join(folder, 'ca.crt')), await text(join(folder, 'ca.key'))]
  let authority: { readonly certificate: X509Certificate; readonly key: ReturnType<typeof createPrivateKey> }
  try {
    authority = { certificate: new X509Certificate(certificateText), key: createPrivateKey(keyText) }
  } catch (err) {
    throw invalid(`${folder} holds no certificate and key in PEM`, err)
  }
  const { certificate, key } = authority
  if (!certificate.ca || !certificate.checkPrivateKey(key))
    throw invalid(`${folder}: ca.key is not the key of the authority in ca.crt`)
  if (Date.parse(certificate.validTo) < toMs)
    throw invalid(`the authority ends on ${certificate.validTo}, before the new certificate; make another one first`)
  return authority
}

async function issueFor({ ca, out, host: given, name, valid }: IssueFlags): Promise<string> {
  const lifetime = lifetimeOf(valid, MAX_LEAF_DAYS)
  const wrong = given.find((host) => isIP(host) === 0 && (!hostName.safeParse(host).success || host.includes(':')))
  if (wrong !== undefined) throw invalid(`--host ${wrong}: give a host name or an address, without a port`)
  const authority = await authorityIn(ca, lifetime.toMs)
  const { issue } = await certificates()
  const hosts = [...new Set([...given, ...LOOPBACK])]
  const files = await writePair(out, 'tls', issue(authority, { name: name ?? given[0] ?? 'shoal', hosts, ...lifetime }))
  return `${files}\nvalid until ${new Date(lifetime.toMs).toISOString()} for ${hosts.join(', ')}`
}

const gather = (value: string, before: readonly string[] = []) => [...before, value]

const initCommand = (host: ProcessHost): Command =>
  quietCommand('init', host)
    .summary('make an authority: ca.crt and ca.key')
    .description('Makes a certificate authority for a small cluster. Nothing is overwritten.')
    .requiredOption('--out <folder>', 'where ca.crt and ca.key are written')
    .option('--name <text>', 'what people call it', 'shoal')
    .option('--valid <duration>', 'for how long; at most 3650d', '1825d')

const issueCommand = (host: ProcessHost): Command =>
  quietCommand('issue', host)
    .summary('make the certificate of a host: tls.crt and tls.key')
    .description('Makes a key and a certificate for both sides of TLS. Nothing is overwritten.')
    .requiredOption('--ca <folder>', 'where ca.crt and ca.key are')
    .requiredOption('--out <folder>', 'where tls.crt and tls.key are written')
    .requiredOption('--host <host>', 'a name or address that others dial; may be repeated', gather)
    .option('--name <text>', 'what people call it; default: the first host')
    .option('--valid <duration>', 'for how long; at most 397d', '90d')

const messageOf = (err: unknown): string =>
  typeof err === 'object' && err !== null && 'message' in err ? String(err.message) : String(err)

/** `shoal ca init|issue`: certificates for a small cluster. Returns the exit code. */
export async function runCa(argv: readonly string[], host: ProcessHost): Promise<number> {
  let exitCode: number = exitCodes.done
  const perform = async (work: () => Promise<string>) => {
    try {
      host.say(await work())
    } catch (err) {
      host.complain(`shoal ca: ${codeOf(err) ?? 'UNKNOWN'}: ${messageOf(err)}`)
      exitCode = hasCode(err, 'CONFIG_INVALID') ? exitCodes.usage : exitCodes.failed
    }
  }
  const ca = quietCommand('shoal ca', host).description('Makes certificates for a small cluster.')
  const [making, issuing] = [initCommand(host), issueCommand(host)]
  making.action(() => perform(() => init(making.opts<InitFlags>())))
  issuing.action(() => perform(() => issueFor(issuing.opts<IssueFlags>())))
  ca.addCommand(making)
  ca.addCommand(issuing)
  return runCommand(ca, argv, () => exitCode)
}

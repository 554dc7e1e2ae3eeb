import { createPrivateKey, X509Certificate } from 'node:crypto'
import { type Clock, hasCode, type Random } from '../../../../lib/base/index.ts'
import { issue, newAuthority } from '../../../../lib/certificates/index.ts'
import { isJson, type KubeObject, resources } from '../../kubernetes/index.ts'
import type { ControlPlaneSpec } from '../resource/config.ts'
import { AUTHORITY_LIFE_MS, certificateTrouble, EARLY_MS, hostsOf, LEAF_LIFE_MS } from '../rules/certificates.ts'
import { type Component, componentFacts } from '../rules/component.ts'
import { type BackendKeys, type Tokens, tokenNames } from '../rules/configs.ts'
import { labelsOf } from '../rules/marks.ts'
import type { Certificate } from '../rules/objects.ts'
import { blocked } from '../rules/trouble.ts'
import type { AccountTurn } from './context.ts'

/** What is secret of an account. None of it is told in a status, an event or the log. */
export interface AccountSecrets {
  readonly tokens: Tokens
  readonly keys: BackendKeys
  readonly authority: Certificate
  readonly certificates: Readonly<Record<Component, Certificate>>
}

/** 256 bits. */
const TOKEN_BYTES = 32
const TOKENS = 'shoal-tokens'
const AUTHORITY = 'shoal-authority'

const decode = (object: KubeObject, field: string): string | undefined => {
  const { data } = object
  const value = isJson(data) ? data[field] : undefined
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString() : undefined
}

/** The texts of a Secret in a namespace; undefined: there is none. */
async function readSecret(turn: AccountTurn, namespace: string, name: string): Promise<KubeObject | undefined> {
  try {
    return await turn.reads.get(resources.secrets, { namespace, name }, { signal: turn.signal })
  } catch (err) {
    if (hasCode(err, 'KUBE_NOT_FOUND')) return undefined
    throw err
  }
}

/** A Secret of the account that is made once and stays as it is. */
async function onceMade(
  turn: AccountTurn,
  name: string,
  make: () => Readonly<Record<string, string>>,
): Promise<KubeObject> {
  const { namespace } = turn.place
  const found = await readSecret(turn, namespace, name)
  if (found !== undefined) return found
  const data = Object.fromEntries(
    Object.entries(make()).map(([field, text]) => [field, Buffer.from(text).toString('base64')]),
  )
  const metadata = { name, namespace, labels: labelsOf(turn.plane) }
  return turn.writes.create(resources.secrets, { metadata, type: 'Opaque', data }, { signal: turn.signal })
}

const malformed = (name: string) =>
  blocked(
    'SecretsMalformed',
    `the Secret ${name} in the namespace of the account has not what it had; restore it, or delete it to have a new one made`,
  )

async function tokensOf(turn: AccountTurn, random: Random): Promise<Tokens> {
  const made = await onceMade(turn, TOKENS, () =>
    Object.fromEntries(tokenNames.map((name) => [name, Buffer.from(random.bytes(TOKEN_BYTES)).toString('hex')])),
  )
  const tokens = Object.fromEntries(tokenNames.map((name) => [name, decode(made, name)]))
  const also = Object.fromEntries(
    tokenNames.flatMap((name) => {
      const second = decode(made, `also.${name}`)
      return second === undefined ? [] : [[name, second]]
    }),
  )
  const texts = [...Object.values(tokens), ...Object.values(also)]
  const isSound = texts.every((text) => text !== undefined && /^[\x21-\x7e]{16,256}$/.test(text))
  if (!isSound || new Set(texts).size !== texts.length) throw malformed(TOKENS)
  return { ...tokens, also } as unknown as Tokens
}

async function authorityOf(turn: AccountTurn, clock: Clock): Promise<Certificate> {
  const nowMs = clock.now()
  const made = await onceMade(turn, AUTHORITY, () => {
    const name = `shoal ${turn.plane.name}`.slice(0, 64)
    const { certificate, key } = newAuthority({ name, fromMs: nowMs - EARLY_MS, toMs: nowMs + AUTHORITY_LIFE_MS })
    return { 'tls.crt': certificate, 'tls.key': key }
  })
  const [certificate, key] = [decode(made, 'tls.crt'), decode(made, 'tls.key')]
  if (certificate === undefined || key === undefined || !fit(certificate, key)) throw malformed(AUTHORITY)
  return { certificate, key }
}

function fit(certificate: string, key: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

/** The certificate that a component has, or a new one when it has none that is good. */
async function certificateOf(
  turn: AccountTurn,
  component: Component,
  {
    authority,
    further,
    nowMs,
  }: { readonly authority: Certificate; readonly further: readonly string[]; readonly nowMs: number },
): Promise<Certificate> {
  const { name } = componentFacts[component]
  const hosts = hostsOf(component, turn.place, further)
  const found = await readSecret(turn, turn.place.namespace, `${name}-tls`)
  const [certificate, key] = found === undefined ? [] : [decode(found, 'tls.crt'), decode(found, 'tls.key')]
  if (certificate !== undefined && key !== undefined && fit(certificate, key)) {
    const trouble = certificateTrouble(certificate, { authority: authority.certificate, hosts, nowMs })
    if (trouble === undefined) return { certificate, key }
  }
  const signer = { certificate: new X509Certificate(authority.certificate), key: createPrivateKey(authority.key) }
  return issue(signer, { name, hosts, fromMs: nowMs - EARLY_MS, toMs: nowMs + LEAF_LIFE_MS })
}

/** What lets into the bucket: from a Secret beside the resource, in no other namespace. */
async function keysOf(turn: AccountTurn, { backend }: ControlPlaneSpec): Promise<BackendKeys> {
  const { secretName } = backend.credentials
  const { namespace } = turn.plane
  const found = await readSecret(turn, namespace, secretName)
  if (found === undefined)
    throw blocked('CredentialsMissing', `there is no Secret ${secretName} in the namespace ${namespace}`)
  const [accessKeyId, secretAccessKey] = [decode(found, 'accessKeyId'), decode(found, 'secretAccessKey')]
  const isKey = (text: string | undefined) => text !== undefined && /^\S+$/.test(text)
  if (!isKey(accessKeyId) || !isKey(secretAccessKey))
    throw blocked(
      'CredentialsMissing',
      `the Secret ${secretName} needs accessKeyId and secretAccessKey, without spaces`,
    )
  const sessionToken = decode(found, 'sessionToken')
  return {
    ...{ accessKeyId: accessKeyId ?? '', secretAccessKey: secretAccessKey ?? '' },
    ...(isKey(sessionToken) && { sessionToken }),
  }
}

/**
 * All secrets of an account; those that do not exist yet are made. `further`: names and addresses by which its components
 * are called from outside. @throws ACCOUNT_BLOCKED
 */
export async function accountSecrets(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  turn: AccountTurn,
  spec: ControlPlaneSpec,
  further: Readonly<Record<Component, readonly string[]>>,
): Promise<AccountSecrets> {
  const keys = await keysOf(turn, spec)
  const tokens = await tokensOf(turn, random)
  const authority = await authorityOf(turn, clock)
  const certificateFor = (component: Component) =>
    certificateOf(turn, component, { authority, further: further[component], nowMs: clock.now() })
  const certificates = {
    buildIndex: await certificateFor('buildIndex'),
    tracker: await certificateFor('tracker'),
    origin: await certificateFor('origin'),
  }
  return { tokens, keys, authority, certificates }
}

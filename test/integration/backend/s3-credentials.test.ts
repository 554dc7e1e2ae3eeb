import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { compiledScript } from '../../kit/compiled-script.ts'
import { containerCredentials } from '../../kit/container-credentials.ts'
import { instanceMetadata } from '../../kit/instance-metadata.ts'
import { type ResourceStack, resourceStack } from '../../kit/resource-stack.ts'
import { type Environment, run } from '../../kit/run.ts'
import type { RoundTrip } from '../../kit/s3-round-trip.ts'
import { type S3Keys, type S3Server, startS3Server } from '../../kit/s3-server/index.ts'
import { scriptedServer } from '../../kit/scripted-server.ts'
import { type StsRules, stsServer } from '../../kit/sts-server.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const program = join(import.meta.dirname, '../../kit/s3-round-trip.ts')

const keysNamed = (name: string): S3Keys => ({
  accessKeyId: `ASIA${name}`,
  secretAccessKey: `secret/of+${name}`,
  sessionToken: `token/of+${name}`,
})
const admitted = keysNamed('ADMITTED')
const expired = { ...keysNamed('EXPIRED'), expiresMs: Date.now() - 60_000 }
const wrongSecret = { ...admitted, secretAccessKey: 'secret/that+is+wrong' }
const wrongToken = { ...admitted, sessionToken: 'token/that+is+wrong' }
const unknown = keysNamed('UNKNOWN')

/** Text that must not appear in any error or line of the log. */
const secrets = /secret\/|token\/|identity-token/

let stack: ResourceStack
let server: S3Server
let home: string

beforeEach(async () => {
  stack = resourceStack()
  server = stack.own(await startS3Server({ keys: [admitted, expired] }))
  home = stack.own(await tempFolder('s3-credentials')).path
})
afterEach(async () => stack[Symbol.asyncDispose]())

interface Trip {
  readonly credentials?: unknown
  readonly times?: number
}

/** Uses the driver in a process without any other environment: no keys or metadata of this machine. */
async function roundTrip(env: Environment, { credentials = 'default', times = 1 }: Trip = {}): Promise<RoundTrip> {
  const { bucket, endpoint } = server
  const config = JSON.stringify({ driver: 's3', bucket, endpoint, pathStyle: true, credentials })
  const { stdout } = await run(process.execPath, [await compiledScript(program), config, String(times)], {
    env: { PATH: process.env['PATH'], HOME: home, AWS_EC2_METADATA_DISABLED: 'true', ...env },
  })
  return JSON.parse(stdout) as RoundTrip
}

/** A file in the home folder of that process. */
async function file(name: string, text: string): Promise<string> {
  const path = join(home, name)
  await writeFile(path, text, { mode: 0o600 })
  return path
}

/** Where `default` finds keys: each source returns the environment with which a process uses it. */
const sources: Readonly<Record<string, (keys: S3Keys) => Promise<Environment>>> = {
  'the environment': ({ accessKeyId, secretAccessKey, sessionToken }) =>
    Promise.resolve({
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    }),
  'a profile of the shared file': async (keys) => ({
    AWS_PROFILE: 'images',
    AWS_SHARED_CREDENTIALS_FILE: await file('shared', profileOf('images', keys)),
  }),
  'a web identity': (keys) => webIdentity(keys),
  'the metadata of the instance': async (keys) => ({
    AWS_EC2_METADATA_DISABLED: 'false',
    AWS_EC2_METADATA_SERVICE_ENDPOINT: stack.own(await instanceMetadata(() => keys)).url,
  }),
  'the metadata of the container': (keys) => container(keys),
}

function profileOf(name: string, { accessKeyId, secretAccessKey, sessionToken = '' }: S3Keys): string {
  return `[${name}]
aws_access_key_id = ${accessKeyId}
aws_secret_access_key = ${secretAccessKey}
aws_session_token = ${sessionToken}
`
}

const sts: StsRules = {
  roleArn: 'arn:aws:iam::123456789012:role/images',
  identityToken: 'identity-token-that-counts',
  expiredTokens: ['identity-token-of-yesterday'],
}

async function webIdentity(keys: S3Keys, token = sts.identityToken, roleArn = sts.roleArn): Promise<Environment> {
  return {
    AWS_ROLE_ARN: roleArn,
    AWS_WEB_IDENTITY_TOKEN_FILE: await file('identity', token),
    AWS_ENDPOINT_URL_STS: stack.own(await stsServer(() => keys, sts)).url,
  }
}

async function container(keys: S3Keys, authorization = 'token/of+the+container'): Promise<Environment> {
  const agent = stack.own(await containerCredentials(() => keys, 'token/of+the+container'))
  return {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: agent.url,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: await file('authorization', authorization),
  }
}

function expectDenied(end: RoundTrip, message: RegExp): void {
  expect(end).toMatchObject({ code: 'BACKEND_DENIED', message: expect.stringMatching(message) })
  expect(end.told).not.toMatch(secrets)
}

describe.each(Object.entries(sources))('keys of %s', (_, source) => {
  test('sign what is written and read', async () => {
    expect(await roundTrip(await source(admitted))).toMatchObject({ content: 'content 0' })
    expect(server.served.map(({ operation }) => operation)).toEqual(['PutObject', 'GetObject'])
  })

  test('that the backend does not know, or that have expired, are named', async () => {
    expectDenied(await roundTrip(await source(unknown)), /does not know the access key/)
    expectDenied(await roundTrip(await source(expired)), /session token has expired/)
    expect(server.served).toEqual([])
  })
})

test('a secret and a session token that are not those of the key are named', async () => {
  const env = sources['the environment']
  expectDenied(await roundTrip((await env?.(wrongSecret)) ?? {}), /signature wrong/)
  expectDenied(await roundTrip((await env?.(wrongToken)) ?? {}), /does not accept the session token/)
})

test('a profile that the config names is taken, whatever the environment says', async () => {
  const shared = await file('shared', profileOf('default', unknown) + profileOf('images', admitted))
  const env = { AWS_SHARED_CREDENTIALS_FILE: shared, AWS_PROFILE: 'default' }
  expect(await roundTrip(env, { credentials: { profile: 'images' } })).toMatchObject({ content: 'content 0' })
  expectDenied(await roundTrip(env, { credentials: { profile: 'absent' } }), /no credentials were found/)
})

test('keys are renewed before they end', async () => {
  const second = keysNamed('SECOND')
  server.admit(second)
  const turns = [{ ...admitted, expiresMs: Date.now() + 120_000 }, second]
  const metadata = stack.own(await instanceMetadata(() => turns.shift() ?? second))
  const env = { AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url }
  expect(await roundTrip(env, { times: 20 })).toMatchObject({ content: 'content 19' })
  expect(metadata.handedOut).toBe(2)
})

describe('a web identity', () => {
  test.each([
    ['whose token has expired', sts.expiredTokens?.[0], sts.roleArn, /token of the web identity has expired/],
    ['whose token is none', 'identity-token-of-nobody', sts.roleArn, /token of the web identity is not accepted/],
    ['that may not take the role', sts.identityToken, 'arn:aws:iam::123456789012:role/other', /refuses/],
  ])('%s is BACKEND_DENIED', async (_, token, roleArn, message) => {
    expectDenied(await roundTrip(await webIdentity(admitted, token, roleArn)), message)
    expect(server.served).toEqual([])
  })

  test('whose file is missing is BACKEND_DENIED, and the file is named', async () => {
    const env = { ...(await webIdentity(admitted)), AWS_WEB_IDENTITY_TOKEN_FILE: join(home, 'absent') }
    const end = await roundTrip(env)
    expectDenied(end, /file/)
    expect(end.told).toContain(join(home, 'absent'))
  })
})

test('a container whose authorization is wrong gets no keys', async () => {
  expectDenied(await roundTrip(await container(admitted, 'token/that+is+wrong')), /no credentials were found/)
})

test('metadata that breaks off is an outage, and nothing of it is told', async () => {
  const broken = stack.own(await scriptedServer((_, res) => void res.end('{"SecretAccessKey":secret/of+the+instance')))
  const end = await roundTrip({
    AWS_EC2_METADATA_DISABLED: 'false',
    AWS_EC2_METADATA_SERVICE_ENDPOINT: broken.url,
  })
  expect(end).toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: expect.stringMatching(/not JSON/) })
  expect(end.told).not.toMatch(/secret/)
})

describe('a machine without any keys', () => {
  test('is BACKEND_DENIED, and says where they were looked for', async () => {
    expectDenied(await roundTrip({}), /no credentials were found; set `credentials`, the environment/)
  })

  test('whose metadata service never answers is so within seconds', async () => {
    const silent = stack.own(await scriptedServer(() => undefined))
    const env = { AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: silent.url }
    const end = await roundTrip(env)
    expectDenied(end, /no credentials were found/)
    expect(silent.requests.length).toBeGreaterThan(0)
    expect(end.tookMs).toBeLessThan(10_000)
  })
})

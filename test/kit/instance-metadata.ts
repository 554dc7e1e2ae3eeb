import { randomUUID } from 'node:crypto'
import { type CredentialSource, credentialDocument } from './credential-source.ts'
import type { S3Keys } from './s3-server/index.ts'
import { answerJson, scriptedServer } from './scripted-server.ts'

const ROLE = 'role-of-the-instance'
const TOKEN_PATH = '/latest/api/token'
const ROLES_PATH = '/latest/meta-data/iam/security-credentials/'
const LONGEST_TTL_SECONDS = 21_600

/**
 * The metadata service of an instance, version 2: a request without its session token is refused. `keys` is called at
 * each request, so that the keys may change.
 */
export async function instanceMetadata(keys: () => S3Keys): Promise<CredentialSource> {
  const tokens = new Set<string>()
  let handedOut = 0
  const server = await scriptedServer(({ method, url, headers }, res) => {
    if (url === TOKEN_PATH) {
      const ttl = Number(headers['x-aws-ec2-metadata-token-ttl-seconds'])
      if (method !== 'PUT') return void res.writeHead(405).end()
      if (!(ttl >= 1 && ttl <= LONGEST_TTL_SECONDS)) return void res.writeHead(400).end()
      const token = randomUUID()
      tokens.add(token)
      return void res.writeHead(200, { 'content-type': 'text/plain' }).end(token)
    }
    if (!tokens.has(String(headers['x-aws-ec2-metadata-token']))) return void res.writeHead(401).end()
    if (url === ROLES_PATH) return void res.writeHead(200, { 'content-type': 'text/plain' }).end(ROLE)
    if (url !== ROLES_PATH + ROLE) return void res.writeHead(404).end()
    handedOut += 1
    answerJson(res, 200, credentialDocument(keys()))
  })
  return {
    url: server.url,
    get handedOut() {
      return handedOut
    },
    [Symbol.asyncDispose]: () => server.kill(),
  }
}

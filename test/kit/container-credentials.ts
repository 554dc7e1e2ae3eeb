import { type CredentialSource, credentialDocument } from './credential-source.ts'
import type { S3Keys } from './s3-server/index.ts'
import { answerJson, scriptedServer } from './scripted-server.ts'

/** The agent that gives keys to containers: to every request with this `authorization` header. */
export async function containerCredentials(keys: () => S3Keys, authorization: string): Promise<CredentialSource> {
  let handedOut = 0
  const server = await scriptedServer(({ headers, url }, res) => {
    if (url !== '/v1/credentials') return void res.writeHead(404).end()
    if (headers.authorization !== authorization) {
      answerJson(res, 401, { Code: 'AccessDenied', Message: 'the authorization is wrong' })
      return
    }
    handedOut += 1
    answerJson(res, 200, credentialDocument(keys()))
  })
  return {
    url: `${server.url}/v1/credentials`,
    get handedOut() {
      return handedOut
    },
    [Symbol.asyncDispose]: () => server.kill(),
  }
}

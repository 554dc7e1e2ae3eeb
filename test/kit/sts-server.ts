import { type CredentialSource, expirationOf } from './credential-source.ts'
import type { S3Keys } from './s3-server/index.ts'
import { scriptedServer } from './scripted-server.ts'

export interface StsRules {
  readonly roleArn: string
  /** The identity token that is accepted. */
  readonly identityToken: string
  /** Identity tokens that have expired. */
  readonly expiredTokens?: readonly string[]
}

/** An error in Amazon's format. */
interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: string
}

const XMLNS = 'https://sts.amazonaws.com/doc/2011-06-15/'

/** Amazon's token service (STS) with one role that a web identity can assume. */
export async function stsServer(keys: () => S3Keys, rules: StsRules): Promise<CredentialSource> {
  let handedOut = 0
  const server = await scriptedServer(({ body }, res) => {
    const form = new URLSearchParams(body.toString())
    const refusal = refusalOf(form, rules)
    if (refusal === undefined) handedOut += 1
    const xml = refusal === undefined ? grantXml(rules.roleArn, keys()) : refusalXml(refusal)
    res.writeHead(refusal?.status ?? 200, { 'content-type': 'text/xml' }).end(xml)
  })
  return {
    url: server.url,
    get handedOut() {
      return handedOut
    },
    [Symbol.asyncDispose]: () => server.kill(),
  }
}

function refusalOf(form: URLSearchParams, rules: StsRules): Refusal | undefined {
  const given = (name: string) => form.get(name) ?? ''
  if (given('Action') !== 'AssumeRoleWithWebIdentity' || given('Version') !== '2011-06-15') {
    return { status: 400, code: 'InvalidAction', message: 'Could not find operation' }
  }
  const token = given('WebIdentityToken')
  if (rules.expiredTokens?.includes(token) === true) {
    return { status: 400, code: 'ExpiredTokenException', message: 'Token expired' }
  }
  if (token !== rules.identityToken) {
    return { status: 400, code: 'InvalidIdentityToken', message: 'The ID Token provided is not a valid JWT' }
  }
  if (given('RoleArn') !== rules.roleArn || given('RoleSessionName') === '') {
    return { status: 403, code: 'AccessDenied', message: 'Not authorized to perform sts:AssumeRoleWithWebIdentity' }
  }
  return undefined
}

/** The values must need no escaping. */
function grantXml(roleArn: string, keys: S3Keys): string {
  return `<AssumeRoleWithWebIdentityResponse xmlns="${XMLNS}">
  <AssumeRoleWithWebIdentityResult>
    <AssumedRoleUser><AssumedRoleId>AROATEST:session</AssumedRoleId><Arn>${roleArn}/session</Arn></AssumedRoleUser>
    <Credentials>
      <AccessKeyId>${keys.accessKeyId}</AccessKeyId>
      <SecretAccessKey>${keys.secretAccessKey}</SecretAccessKey>
      <SessionToken>${keys.sessionToken ?? ''}</SessionToken>
      <Expiration>${expirationOf(keys)}</Expiration>
    </Credentials>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>request-of-the-test</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>`
}

function refusalXml({ code, message }: Refusal): string {
  return `<ErrorResponse xmlns="${XMLNS}">
  <Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>
  <RequestId>request-of-the-test</RequestId>
</ErrorResponse>`
}

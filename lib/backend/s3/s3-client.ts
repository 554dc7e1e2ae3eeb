import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { Logger } from '../../telemetry/index.ts'
import type { S3Bucket } from './config.ts'

/** Timeout for connecting; the governor limits the time of an answer. */
const CONNECT_MS = 5_000

/** Most connections to the backend; further requests wait for a free one. */
const MAX_CONNECTIONS = 256

/** The SDK's client: it signs requests and speaks the protocol, but neither retries nor waits. */
export function s3Client(config: S3Bucket, logger: Logger): S3Client {
  const { region, endpoint, pathStyle, checksums } = config
  return new S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    forcePathStyle: pathStyle,
    ...credentialsOf(config.credentials),
    maxAttempts: 1,
    requestChecksumCalculation: checksums === 'always' ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED',
    // Objects are read in ranges, which have no checksum; blobs are verified by their digest.
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Otherwise the SDK would open a new connection for each part.
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      httpAgent: { maxSockets: MAX_CONNECTIONS },
      httpsAgent: { maxSockets: MAX_CONNECTIONS },
    },
    logger: warningsTo(logger),
  })
}

function credentialsOf(credentials: S3Bucket['credentials']): Pick<S3ClientConfig, 'credentials' | 'profile'> {
  if (credentials === 'default') return {}
  if ('profile' in credentials) return { profile: credentials.profile }
  const { accessKeyId, secretAccessKey, sessionToken } = credentials
  return {
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
  }
}

/** At lower levels, the SDK logs every command with its input and output. */
function warningsTo(logger: Logger): NonNullable<S3ClientConfig['logger']> {
  const silent = () => undefined
  const warn = (...content: unknown[]) => {
    logger.warn('the S3 client warns', { text: content.filter((part) => typeof part === 'string').join(' ') })
  }
  return { trace: silent, debug: silent, info: silent, warn, error: warn }
}

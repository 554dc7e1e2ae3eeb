import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { MultipartApi, ObjectPart } from '../object-store/object-api.ts'
import type { S3Bucket } from './config.ts'
import {
  aborting,
  conditionFields,
  encryptionFields,
  etagOf,
  incomplete,
  quoted,
  type S3Components,
  s3Calls,
  sendingBody,
} from './s3-calls.ts'

/** Multipart uploads to one bucket, with a CRC32 for each part unless the config disables it. */
export function s3Multipart({ client, clock }: S3Components, config: S3Bucket): MultipartApi {
  const { answered, written } = s3Calls({ clock })
  const Bucket = config.bucket
  // S3 accepts checksums of parts only when the upload was created with them, and then requires all of them at the end.
  const checksums = config.checksums === 'always' ? { ChecksumAlgorithm: 'CRC32' as const } : {}

  return {
    async create(key, options) {
      const command = new CreateMultipartUploadCommand({
        Bucket,
        Key: key,
        ...checksums,
        ...encryptionFields(config),
      })
      const answer = await answered(client.send(command, aborting(options)))
      if (answer?.UploadId === undefined) throw incomplete('UploadId')
      return answer.UploadId
    },
    async part(key, bytes, options) {
      const { uploadId, number } = options
      const answer = await sendingBody(bytes, { ...config, ...options }, (body) => {
        const fields = { Bucket, Key: key, UploadId: uploadId, PartNumber: number, ...body }
        return answered(client.send(new UploadPartCommand(fields), aborting(options)))
      })
      const checksum = answer?.ChecksumCRC32
      return { number, etag: etagOf(answer?.ETag), ...(checksum === undefined ? {} : { checksum }) }
    },
    async complete(key, parts, options) {
      const command = new CompleteMultipartUploadCommand({
        Bucket,
        Key: key,
        UploadId: options.uploadId,
        MultipartUpload: { Parts: parts.map(completedPart) },
        ...conditionFields(options),
      })
      const { ETag } = await written(client.send(command, aborting(options)))
      return { size: options.size, etag: etagOf(ETag) }
    },
    async abort(key, uploadId, options) {
      const command = new AbortMultipartUploadCommand({ Bucket, Key: key, UploadId: uploadId })
      await answered(client.send(command, aborting(options)), ['NoSuchUpload'])
    },
  }
}

function completedPart({ number, etag, checksum }: ObjectPart) {
  return { PartNumber: number, ETag: quoted(etag), ...(checksum === undefined ? {} : { ChecksumCRC32: checksum }) }
}

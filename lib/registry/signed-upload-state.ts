import { createHmac, timingSafeEqual } from 'node:crypto'
import { appError } from '../base/index.ts'
import { type Repository, repositoryText } from '../core/index.ts'
import type { UploadSession } from './storage.ts'

/** Signs and checks the `_state` in upload Locations, so that any front with the same secret can continue a session. */
export interface UploadStates {
  sign(repository: Repository, session: UploadSession): string
  /**
   * The session as it was when the Location was issued.
   * @throws BLOB_UPLOAD_UNKNOWN when the state is forged, or belongs to another repository or session
   */
  verify(repository: Repository, id: string, state: string): UploadSession
}

/** Far longer than any valid state; longer texts are not even hashed. */
const MAX_STATE = 2048

export function uploadStates(secret: string | Uint8Array): UploadStates {
  const mac = (text: string) => createHmac('sha256', secret).update(text).digest()
  return {
    sign(repository, { id, member, size }) {
      const fields = [repositoryText(repository), id, member, size]
      const text = Buffer.from(JSON.stringify(fields)).toString('base64url')
      return `${text}.${mac(text).toString('base64url')}`
    },
    verify(repository, id, state) {
      const [signed = '', tag = ''] = state.length > MAX_STATE ? [] : state.split('.')
      const given = Buffer.from(tag, 'base64url')
      const expected = mac(signed)
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw unknownUpload(id)
      const [text, session, member, size] = JSON.parse(Buffer.from(signed, 'base64url').toString('utf8')) as readonly [
        string,
        string,
        string,
        number,
      ]
      if (text !== repositoryText(repository) || session !== id) throw unknownUpload(id)
      return { id, member, size }
    },
  }
}

function unknownUpload(id: string) {
  return appError('BLOB_UPLOAD_UNKNOWN', { detail: { session: id.slice(0, 64) } })
}

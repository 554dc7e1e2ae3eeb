/** Why a request failed, as the API says it. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: number
  readonly reason: string
  readonly details: object | undefined

  constructor(code: number, reason: string, message: string, details?: object) {
    super(message)
    this.code = code
    this.reason = reason
    this.details = details
  }
}

/** The body of a failed request, or the object of an ERROR event. */
export const statusOf = ({ code, reason, message, details }: Refusal): object => ({
  ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code },
  ...(details !== undefined && { details }),
})

export const conflict = (what: string) =>
  new Refusal(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${what}: the object has been modified; please apply your changes to the latest version and try again`,
  )

export const notFound = (what: string, name: string) =>
  new Refusal(404, 'NotFound', `${what} "${name}" not found`, { name, kind: what })

export const expired = (version: string) =>
  new Refusal(410, 'Expired', `The resourceVersion for the provided watch or list is too old: ${version}`)

export const invalid = (message: string) => new Refusal(422, 'Invalid', message)
export const badRequest = (message: string) => new Refusal(400, 'BadRequest', message)

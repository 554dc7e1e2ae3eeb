import { signal } from '@preact/signals'

/** A call that failed, with all that somebody needs to go on. */
export interface Fault {
  /** 0: no answer came. */
  readonly status: number
  readonly code: string
  readonly message: string
  readonly requestId: string | undefined
  /** More of what is wrong, as the code has it. */
  readonly detail?: unknown
}

/** Nobody is signed in any more. */
export const signedOut = signal(false)

export const isFault = (err: unknown): err is Fault => typeof err === 'object' && err !== null && 'requestId' in err

interface Sent {
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: unknown
  /** Entity tag of what the change is based on. */
  readonly seen?: string | undefined
  readonly signal?: AbortSignal
}

export interface Answer<T> {
  readonly value: T
  readonly tag: string | undefined
}

interface ErrorBody {
  readonly error?: { readonly code?: string; readonly message?: string; readonly detail?: unknown }
  readonly code?: string
  readonly detail?: unknown
}

function urlOf(path: string, query: Sent['query'] = {}): string {
  const asked = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  )
  return asked.length === 0 ? path : `${path}?${new URLSearchParams(asked).toString()}`
}

async function faultOf(response: Response): Promise<Fault> {
  const body = (await response.json().catch(() => ({}))) as ErrorBody
  const detail = typeof body.detail === 'string' ? body.detail : undefined
  return {
    status: response.status,
    code: body.error?.code ?? body.code ?? `HTTP_${response.status}`,
    message: body.error?.message ?? detail ?? response.statusText,
    detail: body.error?.detail,
    requestId: response.headers.get('x-request-id') ?? undefined,
  }
}

const failed = (fault: Fault): Error => Object.assign(new Error(fault.message), fault)

/** One call of the API. @throws Fault */
export async function send<T>(method: string, path: string, sent: Sent = {}): Promise<Answer<T>> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (sent.body !== undefined) headers['content-type'] = 'application/json'
  if (sent.seen !== undefined) headers['if-match'] = sent.seen
  const init: RequestInit = { method, headers, credentials: 'same-origin', cache: 'no-store' }
  if (sent.body !== undefined) init.body = JSON.stringify(sent.body)
  if (sent.signal !== undefined) init.signal = sent.signal
  const response = await fetch(urlOf(path, sent.query), init).catch((err: unknown) => {
    if ((err as { readonly name?: string }).name === 'AbortError') throw err
    const fault: Fault = { status: 0, code: 'NO_ANSWER', message: '', requestId: undefined }
    throw failed(fault)
  })
  if (!response.ok) {
    const fault = await faultOf(response)
    if (fault.status === 401 && !path.endsWith('/sign-in')) signedOut.value = true
    throw failed(fault)
  }
  const value = (response.status === 204 ? undefined : await response.json()) as T
  return { value, tag: response.headers.get('etag') ?? undefined }
}

export const get = async <T>(path: string, query?: Sent['query'], signal?: AbortSignal): Promise<T> =>
  (await send<T>('GET', path, { ...(query && { query }), ...(signal && { signal }) })).value

/** A part of a path, as the API takes it. */
export const part = (text: string): string => encodeURIComponent(text)

import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'

/** What is used here of undici's parser of answers, one for each connection. */
interface AnswerParser {
  /** Its reader has enough for now. */
  paused: boolean
  /** The parser in WebAssembly, and its state there; null when the connection is over. */
  readonly llhttp: { llhttp_resume(state: unknown): void }
  readonly ptr: unknown
  resume(): void
}

/** undici keeps it at the socket, under a symbol that it does not export. */
function parserOf(socket: Socket): AnswerParser | undefined {
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'parser')
  return key === undefined ? undefined : ((Reflect.get(socket, key) ?? undefined) as AnswerParser | undefined)
}

function goOn(socket: Socket): void {
  const parser = parserOf(socket)
  parser?.resume()
  // An answer that is complete is over now. Of any other one undici finds out what its end means, once it is not paused.
  if (parser?.paused !== true || socket.destroyed) return
  parser.llhttp.llhttp_resume(parser.ptr)
  parser.paused = false
}

/**
 * The same connections, whose end does not end the process. When a server closes the connection behind an answer
 * (`Connection: close`, or no length) while a slow reader has paused the parser, undici 7 throws an assertion out of the
 * event `end`, where nobody can catch it: https://github.com/nodejs/undici/issues/5360. Version 8 is mended as it is
 * here, but needs Node 22: a parser that is paused at the end goes on first. All bytes have been parsed then, so that
 * nothing more comes into memory.
 */
export const withPausedAnswers =
  (connect: buildConnector.connector): buildConnector.connector =>
  (options, callback) =>
    connect(options, (...[err, socket]: buildConnector.CallbackArgs) => {
      if (err !== null) {
        callback(err, null)
        return
      }
      // Before undici listens.
      socket.on('end', () => goOn(socket))
      callback(null, socket)
    })

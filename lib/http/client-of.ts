import { remoteAddressOf } from '../base/index.ts'
import { callerAt } from '../identity/index.ts'

/** The client that sends a request; one behind a proxy of others shares its name with them. */
export const clientOf = ({ socket }: { readonly socket: { readonly remoteAddress?: string | undefined } }): string =>
  callerAt(remoteAddressOf(socket))

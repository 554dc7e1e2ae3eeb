/** The used part of the library's documented interface; the library has no types of its own. */
declare module 'bittorrent-protocol' {
  interface ProtocolEvents {
    handshake: (
      infoHash: string,
      peerId: string,
      extensions: { readonly extended: boolean; readonly fast: boolean },
    ) => void
    extended: (name: string, handshake: Readonly<Record<string, unknown>>) => void
    readable: () => void
    error: (err: unknown) => void
  }

  export default class Protocol {
    extendedHandshake: Record<string, unknown>
    on<E extends keyof ProtocolEvents>(event: E, listener: ProtocolEvents[E]): this
    handshake(infoHash: string, peerId: string, extensions: { readonly fast: boolean }): void
    write(bytes: Uint8Array): boolean
    read(): Uint8Array | null
    destroy(): void
  }
}

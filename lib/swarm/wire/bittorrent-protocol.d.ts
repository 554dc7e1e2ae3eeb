/** The part of the library's documented interface that is used here; it comes without types. */
declare module 'bittorrent-protocol' {
  interface ProtocolEvents {
    handshake: (
      infoHash: string,
      peerId: string,
      extensions: { readonly extended: boolean; readonly fast: boolean },
    ) => void
    extended: (name: string, handshake: Readonly<Record<string, unknown>>) => void
    choke: () => void
    unchoke: () => void
    interested: () => void
    uninterested: () => void
    have: (piece: number) => void
    bitfield: () => void
    'have-all': () => void
    'have-none': () => void
    suggest: (piece: number) => void
    readable: () => void
    error: (err: unknown) => void
  }

  export default class Protocol {
    extendedHandshake: Record<string, unknown>
    /** Both sides speak BEP 6; have-all, have-none and suggest throw otherwise. */
    readonly hasFast: boolean
    on<E extends keyof ProtocolEvents>(event: E, listener: ProtocolEvents[E]): this
    handshake(infoHash: string, peerId: string, extensions: { readonly fast: boolean }): void
    choke(): void
    unchoke(): void
    interested(): void
    uninterested(): void
    have(piece: number): void
    bitfield(bitfield: Uint8Array): void
    haveAll(): void
    haveNone(): void
    suggest(piece: number): void
    keepAlive(): void
    write(bytes: Uint8Array): boolean
    read(): Uint8Array | null
    destroy(): void
  }
}

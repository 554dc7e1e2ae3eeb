/** The used part of the library's documented interface; the library has no types of its own. */
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
    /** True when both sides support BEP 6; if not, have-all, have-none and suggest throw. */
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

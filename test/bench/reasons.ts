/** For each bench, why rows have not met their bounds; `npm run bench -- report` prints them below the table. */
export type Reasons = Readonly<Record<string, readonly string[]>>

/** Write here what a measurement has shown, and take it away when it is no longer true. */
export const reasons: Reasons = {
  memory: [
    'an agent that runs from its TypeScript sources has 145 to 150 MiB before the first pull; 250 MiB leaves 100 MiB for 64 MiB of pieces, 32 MiB of slices and the sockets',
    'glibc keeps large memory that was freed, which is what remains at rest; `MALLOC_MMAP_THRESHOLD_` gives it back and makes pulls a fifth slower (decision 0023)',
  ],
  'swarm-processes': [
    'twenty agents, an origin and the clients share two cores, so the total is the CPU of a delivered byte: it passes JavaScript for each block and is hashed twice, as a piece and as a part of the whole (decision 0022)',
    'the first pull also pays for code that V8 has not optimised yet, in each of the processes',
    'copies: what an agent waits for and no peer has yet, the origin gives again; over HTTP too, when the wire did not bring it in time',
  ],
  'transfer-warm': [
    'first byte: the first piece is fetched, hashed and verified before the client gets any of it, by a process that has pulled once before',
    'total and CPU: each byte goes through the event loop of two Node processes, and is hashed as a piece and, with `whole`, once more (decision 0022); a registry in proxy mode hands it on as it comes',
  ],
}

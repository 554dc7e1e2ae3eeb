/** For each bench, why rows have not met their bounds; `npm run bench -- report` prints them below the table. */
export type Reasons = Readonly<Record<string, readonly string[]>>

/** Write here what a measurement has shown, and take it away when it is no longer true. */
export const reasons: Reasons = {
  memory: [
    'an agent that runs from its TypeScript sources has 145 to 150 MiB before the first pull; 250 MiB leaves 100 MiB for 80 MiB of pieces, 16 MiB of slices and the sockets',
    'glibc keeps large memory that was freed, which is what remains at rest; `MALLOC_MMAP_THRESHOLD_` gives it back and makes pulls a fifth slower (decision 0023)',
  ],
  'push-layers': [
    'the PUT: the origin makes the blob durable in its backend and in its own store, then the build-index links it, one after the other (decision 0059), about 30 file calls in three processes; HEAD, POST and PATCH take about as long as there',
    'before the version of decision 0060 the ratios were 1.68 to 1.88',
  ],
  'swarm-processes': [
    'twenty agents, an origin and the clients share two cores, so the total is the CPU of a delivered byte: each block passes JavaScript at both ends, and is hashed twice, as a part of a piece and of the whole (decision 0022)',
    'the first pull also pays for code that no process has compiled yet; later pulls still run mostly code that V8 has not optimised',
    'waste of the first pull in 4 layers: where twenty processes share two cores each block is late, so readers ask twice within the budget of repeats (decision 0031), whose 2 MiB are an eighth of a layer of 16 MiB',
  ],
  swarm: [
    'copies with 100 agents and 4 layers: at 0.6 MB/s an agent needs longer for a piece of each layer than the 8 to 16 s after which an origin gives it once more',
    '200 and 500 agents were not measured: with both cores busy an agent is too late for its own timers there',
  ],
  loop: [
    'agents in a swarm share two cores with each other and with their clients: a process that waits for a core is late',
  ],
  small: [
    'a manifest by tag asks two services one after the other, the build-index for the tag and the origin for the manifest, each a process of its own; an agent that has pulled little runs code that is not compiled yet',
    'blob of 1 MiB: tracker, handshakes of a new connection or lane, four pieces that are hashed in another thread, and the disk, each a turn of the event loop',
  ],
  ranges: [
    'twenty agents, their clients, an origin, a tracker and the store share two cores, and each of the agents has each piece sent, hashed and stored: a profile of their processors is flat, and the times are those of work that waits for one. With four clients, on the same machine and day, the p99 was 212 ms for the mount, 162 beside a stream of the whole and 161 for small units (met); 352 and 499 beside prefetches and 308 for chunks (not met)',
    'the first range of a cold blob also waits for a look-up of the link, the length and the first records, a connection to the origin, and a unit of 4 MiB: 150 ms for one agent alone (decision 0081)',
    'chunks: at first the client waits for whatever is 8, 16 and 25 MB further on, beside three others',
  ],
  pods: [
    "the store's peak: an origin reads an image once and as fast as the store gives it, which is what makes the first byte early; `limits.read` of the backend bounds it. The published peaks are of charts that do not tell over how long they average: the published sums, spread over a minute, are about as large",
    'lazy: a place that is read costs a whole piece and, at the store, a whole unit, which are not scaled: at this factor a piece stands for 64 MB, and 6 % of an image touch up to half of it',
  ],
  'transfer-warm': [
    'first byte: the first piece is fetched, hashed and verified before the client gets any of it, by a process that has pulled once before',
    'total and CPU: each byte goes through the event loop of two Node processes, and is hashed as a piece and, with `whole`, once more (decision 0022); a registry in proxy mode hands it on as it comes',
  ],
  wire: [
    'to the end that dialled: each payload is copied once from the buffer of the socket into its piece, which raw TCP does not do into shared memory',
  ],
}

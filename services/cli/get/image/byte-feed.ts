/** Bytes that come in chunks, taken in lengths that the reader chooses. */
export class ByteFeed implements AsyncDisposable {
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest: Buffer = Buffer.alloc(0)

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** The next `count` bytes; fewer only at the end. Keep `count` small: they are one buffer. */
  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = []
    let missing = count
    while (missing > 0) {
      const part = await this.some(missing)
      if (part.length === 0) break
      parts.push(part)
      missing -= part.length
    }
    const [first] = parts
    return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts)
  }

  /** What `take` would give; it is given again. */
  async peek(count: number): Promise<Buffer> {
    const bytes = await this.take(count)
    this.#rest = Buffer.concat([bytes, this.#rest])
    return bytes
  }

  /** At least one byte and at most `most`; none only at the end. */
  async some(most: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next()
      if (next.done === true) return this.#rest
      const { value } = next
      this.#rest = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    }
    const part = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(part.length)
    return part
  }

  /** What the chunks still have, from here on. */
  async *remaining(): AsyncGenerator<Buffer> {
    for (let part = await this.some(Infinity); part.length > 0; part = await this.some(Infinity)) yield part
  }

  /** Whoever makes the chunks ends. Not while something is being taken. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chunks.return?.()
  }
}

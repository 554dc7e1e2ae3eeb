// node http-inside.js METHOD URL [FILE]: sends one request, with the file as its body and with the secret TOKEN of the
// environment, from wherever it is started, and
// prints what was answered: status, Location, the SHA-256 of the body, and the body itself where it is short.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'

const [method = 'GET', url = '', file] = process.argv.slice(2)
const body = file === undefined ? undefined : await readFile(file)
const { TOKEN } = process.env
const headers = TOKEN === undefined ? {} : { authorization: `Bearer ${TOKEN}` }
const answer = await fetch(url, { method, headers, ...(body !== undefined && { body }) })
const bytes = Buffer.from(await answer.arrayBuffer())
const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
const text = bytes.length < 1_000_000 ? bytes.toString('utf8') : undefined
process.stdout.write(JSON.stringify({ status: answer.status, location: answer.headers.get('location'), digest, text }))

/** A program for tests of shared folders: increments the number under `counter` several times by conditional writes. */
import { buffer } from 'node:stream/consumers'
import { fileBackend } from '../../lib/backend/index.ts'
import { hasCode, systemClock, systemRandom } from '../../lib/base/index.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'

const [folder = '', times = '0'] = process.argv.slice(2)
const components = { clock: systemClock(), random: systemRandom(), logger: silentLogger() }
const backend = fileBackend(components, { folder })
await backend.start()

for (let done = 0; done < Number(times); ) {
  const found = await backend.read('counter')
  const before = found === undefined ? 0 : Number((await buffer(found.body)).toString())
  const next = Buffer.from(String(before + 1))
  const condition = found === undefined ? { ifAbsent: true } : { ifMatch: found.etag }
  try {
    await backend.write('counter', next, { size: next.length, ...condition })
    done += 1
    process.stdout.write('.')
  } catch (err) {
    if (!hasCode(err, 'BACKEND_PRECONDITION_FAILED')) throw err
  }
}
await backend.stop()

import { blobFixture, descriptorOf, manifestFixture } from '../../../kit/image-fixture.ts'
import type { Attacker } from '../attacker.ts'
import { doorsTo } from '../battlefield.ts'
import { bearer } from '../bearer.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const NAMES = 400

/** Pushes ever new manifests, each under a name and a tag of its own. */
export const manyManifests: Attacker = {
  name: 'many manifests',
  from: 'elsewhere',
  attack: (attack, options) => {
    const [proxy] = doorsTo(attack.field, 'proxy', 'registry')
    const authorization = bearer(attack.field.secrets.push)
    const config = blobFixture('{"architecture":"amd64","os":"linux"}')
    const layers = [] as const
    return attack.keepOn(
      250,
      async () => {
        const number = Math.floor(attack.random.next() * NAMES)
        const name = `many/app${number}`
        const upload = `/v2/${name}/blobs/uploads/?digest=${config.digest}`
        await attack.ask(proxy!, 'POST', upload, { headers: { authorization }, body: config.bytes })
        const nonce = Buffer.from(attack.random.bytes(8)).toString('hex')
        const fields = { config: descriptorOf(config, CONFIG), layers, annotations: { nonce } }
        const { bytes } = manifestFixture(MANIFEST, fields)
        const headers = { authorization, 'content-type': MANIFEST }
        await attack.ask(proxy!, 'PUT', `/v2/${name}/manifests/t${nonce}`, { headers, body: bytes })
      },
      options,
    )
  },
}

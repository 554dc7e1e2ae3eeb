import { blobFixture, descriptorOf, manifestFixture } from '../../../kit/image-fixture.ts'
import type { Attacker } from '../attacker.ts'
import { doorsTo, registries } from '../battlefield.ts'
import { bearer } from '../bearer.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'

/** Moves one tag to and fro, deletes it, and has everybody look where it stands. */
export const tagChurn: Attacker = {
  name: 'tag churn',
  from: 'elsewhere',
  attack: (attack, options) => {
    const { field } = attack
    const [proxy] = doorsTo(field, 'proxy', 'registry')
    const authorization = bearer(field.secrets.push)
    const config = blobFixture('{"architecture":"arm64","os":"linux"}')
    const tag = '/v2/churn/app/manifests/latest'
    const put = async (variant: number) => {
      const fields = { config: descriptorOf(config, CONFIG), layers: [], annotations: { variant: String(variant) } }
      const { bytes } = manifestFixture(MANIFEST, fields)
      await attack.ask(proxy!, 'PUT', tag, { headers: { authorization, 'content-type': MANIFEST }, body: bytes })
    }
    const ways = [
      () => put(Math.floor(attack.random.next() * 5)),
      () => attack.ask(proxy!, 'DELETE', tag, { headers: { authorization } }),
      () =>
        attack.ask(attack.pick(registries(field)), 'GET', tag, {
          headers: { authorization: bearer(field.secrets.read) },
        }),
      () =>
        attack.ask(proxy!, 'POST', `/v2/churn/app/blobs/uploads/?digest=${config.digest}`, {
          ...{ headers: { authorization }, body: config.bytes },
        }),
    ]
    return attack.keepOn(150, () => attack.pick(ways)(), options)
  },
}

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { fakeClock, isAppError } from '../../../lib/base/index.ts'
import { kubernetesSchema, openKube } from '../../../services/controller/kubernetes/index.ts'
import { kubeClient, kubeParts, pump, testKinds } from '../../kit/kube-lab.ts'
import { kubeServer } from '../../kit/kube-server/kube-server.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { testAuthority } from '../../kit/tls-authority.ts'

const lab = () =>
  buildResource(async (stack) => {
    const authority = testAuthority()
    const server = stack.own(
      await kubeServer({ tls: { own: authority.issue(), authorities: [authority.certificate] } }),
    )
    const folder = stack.own(await tempFolder('service-account'))
    return { authority, server, folder: folder.path, stack }
  })

const base64 = (text: string) => Buffer.from(text).toString('base64')

test('a pod calls as its service account; a token that is replaced counts, and one that makes no sense does not', async () => {
  await using it = await lab()
  const write = (name: string, text: string) => writeFile(join(it.folder, name), text)
  await write('token', 'first\n')
  await write('ca.crt', it.authority.certificate)
  await write('namespace', 'own')
  it.server.tokens.clear()
  it.server.tokens.set('first', 'pod')
  const clock = fakeClock()
  const config = kubernetesSchema.parse({ access: 'cluster', server: it.server.url, serviceAccount: it.folder })
  const kube = openKube({ ...kubeParts(), clock }, config)
  await kube.start()
  it.stack.own({ [Symbol.asyncDispose]: () => kube.stop() })
  expect(kube.namespace).toBe('own')
  const users = async () => {
    await kube.reads.page(testKinds.configMaps, { limit: 1 })
    return it.server.asked.at(-1)?.user
  }
  expect(await users()).toBe('pod')
  it.server.tokens.clear()
  it.server.tokens.set('second', 'the same pod')
  await expect(users()).rejects.toMatchObject({ code: 'KUBE_UNAUTHORIZED' })
  await write('token', 'second')
  let user: string | undefined
  let asking = false
  const ask = async () => {
    asking = true
    user = await users().catch((err: unknown) => (isAppError(err) ? undefined : String(err)))
    asking = false
  }
  await pump(clock, () => {
    if (user === undefined && !asking) void ask()
    return user !== undefined
  })
  expect(user).toBe('the same pod')
  await write('token', '')
  await clock.advance(20_000)
  expect(await users()).toBe('the same pod')
})

test('a client certificate shows who is calling, and a server that nobody vouches for gets nothing', async () => {
  await using it = await lab()
  const { certificate, key } = it.authority.issue({ hosts: ['the-controller'] })
  const user = { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) }
  const init = { server: it.server.url, user }
  const kube = await kubeClient(it.stack, { ...init, authority: it.authority.certificate })
  await kube.reads.page(testKinds.configMaps, { limit: 1 })
  expect(it.server.asked.at(-1)).toMatchObject({ user: 'the-controller' })
  const wary = await kubeClient(it.stack, { ...init, authority: testAuthority('another').certificate })
  await expect(wary.reads.page(testKinds.configMaps, { limit: 1 })).rejects.toMatchObject({ code: 'TLS_UNTRUSTED' })
})

test('a key that is not that of the certificate is told at the start', async () => {
  await using it = await lab()
  const { certificate } = it.authority.issue()
  const user = { 'client-certificate-data': base64(certificate), 'client-key-data': base64(it.authority.issue().key) }
  const opened = kubeClient(it.stack, { server: it.server.url, user, authority: it.authority.certificate })
  await expect(opened).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

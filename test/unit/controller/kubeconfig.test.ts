import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { kubeconfigAccess } from '../../../services/controller/kubernetes/kubeconfig.ts'
import { writeKubeconfig } from '../../kit/kube-lab.ts'
import { type TempFolder, tempFolder } from '../../kit/temp-folder.ts'

let folder: TempFolder
let file: string

beforeAll(async () => {
  folder = await tempFolder('kubeconfig')
  file = join(folder.path, 'config')
})
afterAll(async () => folder[Symbol.asyncDispose]())

const server = 'https://10.0.0.1:6443/'
const read = (init: { context?: string; namespace?: string } = {}) => kubeconfigAccess({ kubeconfig: file, ...init })()
const refused = (message: RegExp) => ({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) as unknown })

describe('a kubeconfig', () => {
  test('says where the server is, and who is calling', async () => {
    await writeKubeconfig(file, { server, authority: 'PEM', user: { token: 'secret' }, namespace: 'own' })
    expect(await read()).toEqual({
      ...{ server: 'https://10.0.0.1:6443', namespace: 'own', token: 'secret' },
      tls: { certificate: undefined, key: undefined, authorities: ['PEM'] },
    })
    expect(await read({ namespace: 'given' })).toMatchObject({ namespace: 'given' })
  })

  test('names files from its own folder', async () => {
    await writeFile(join(folder.path, 'token'), 'from-a-file\n')
    await writeFile(join(folder.path, 'key.pem'), 'KEY')
    const certificate = Buffer.from('CERTIFICATE').toString('base64')
    const user = { tokenFile: 'token', 'client-certificate-data': certificate, 'client-key': 'key.pem' }
    await writeKubeconfig(file, { server, user })
    expect(await read()).toMatchObject({
      ...{ token: 'from-a-file', namespace: 'default' },
      tls: { certificate: 'CERTIFICATE', key: 'KEY', authorities: [] },
    })
  })

  test.each([
    [{ exec: { command: 'aws' } }, /exec is not supported: .*kubectl create token/],
    [{ 'auth-provider': { name: 'gcp' } }, /auth-provider is not supported/],
    [{ username: 'admin', password: 'x' }, /username is not supported/],
    [{ as: 'other' }, /as is not supported/],
    [{ 'client-certificate-data': 'QQ==' }, /client-certificate and client-key belong together/],
    [{ token: 'a b' }, /holds no token/],
    [{ tokenFile: 'missing' }, /cannot read the token/],
  ])('with a user of %j is refused', async (user, message) => {
    await writeKubeconfig(file, { server, user })
    await expect(read()).rejects.toMatchObject(refused(message))
  })

  test.each([
    [{ 'insecure-skip-tls-verify': true }, /insecure-skip-tls-verify is not supported/],
    [{ 'tls-server-name': 'other' }, /tls-server-name is not supported/],
    [{ 'proxy-url': 'http://proxy' }, /proxy-url is not supported/],
    [{ server: 'http://10.0.0.1' }, /must be called by https/],
  ])('with a cluster of %j is refused', async (cluster, message) => {
    const config = {
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      clusters: [{ name: 'c', cluster: { server, ...cluster } }],
      users: [{ name: 'u', user: { token: 'x' } }],
    }
    await writeFile(file, JSON.stringify(config))
    await chmod(file, 0o600)
    await expect(read()).rejects.toMatchObject(refused(message))
  })

  test('that is no kubeconfig, names nobody, or is open to every user, is refused', async () => {
    await writeKubeconfig(file, { server })
    await expect(read({ context: 'other' })).rejects.toMatchObject(refused(/no context "other"/))
    await writeFile(file, 'users: [')
    await chmod(file, 0o600)
    await expect(read()).rejects.toMatchObject(refused(/no YAML/))
    await chmod(file, 0o644)
    await expect(read()).rejects.toMatchObject(refused(/every user of this machine/))
    await chmod(file, 0o600)
  })
})

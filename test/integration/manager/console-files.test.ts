import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { startStage } from '../../kit/console/console-stage.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const INDEX = '<!doctype html><title>console</title>'

/** A manager with a console of two files. */
async function served() {
  const stack = resourceStack()
  const folder = stack.own(await tempFolder()).path
  const built = join(folder, 'console')
  const build = async () => {
    await mkdir(join(built, 'assets'), { recursive: true })
    await writeFile(join(built, 'assets', 'main-1a2b.js'), 'const a = 1\n'.repeat(100))
    await writeFile(join(built, 'index.html'), INDEX)
  }
  const { url } = stack.own(await startStage({ console: built }))
  return { url, build, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() }
}

describe('the files of the console', () => {
  test.each(['/', '/nodes', '/swarms/east/sha256%3Aab', '/images/team%2Fapp', '/welcome'])(
    'a page is the application, under a policy that lets nothing else in: %s',
    async (path) => {
      await using manager = await served()
      await manager.build()
      const answer = await fetch(manager.url + path)
      expect(answer.status).toBe(200)
      await expect(answer.text()).resolves.toBe(INDEX)
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'cache-control': 'no-cache',
        'content-type': 'text/html; charset=utf-8',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
      })
      const policy = answer.headers.get('content-security-policy')?.split('; ')
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).toContain("base-uri 'none'")
      expect(policy).toContain("form-action 'self'")
      expect(policy?.join()).not.toMatch(/unsafe|http:|https:|\*/)
    },
  )

  test.each([
    '/nowhere',
    '/swarms/a/b/c',
    '/api/v1/nothing',
    '/oapi/v1/jobs',
    '/assets/none.js',
    '/index.html',
    '/assets/..%2findex.html',
  ])('%s is as unknown as ever', async (path) => {
    await using manager = await served()
    await manager.build()
    const answer = await fetch(manager.url + path)
    expect(answer.status).toBe(404)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox")
  })

  test('what has a hash in its name is kept for ever, and sent small', async () => {
    await using manager = await served()
    await manager.build()
    const target = `${manager.url}/assets/main-1a2b.js`
    const answer = await fetch(target)
    expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(answer.headers.get('content-encoding')).toBe('gzip')
    expect(Number(answer.headers.get('content-length'))).toBeLessThan(200)
    expect((await answer.text()).length).toBe(1200)
    const plain = await fetch(target, { headers: { 'accept-encoding': 'identity' } })
    expect(plain.headers.get('content-encoding')).toBeNull()
    const again = await fetch(target, { headers: { 'if-none-match': answer.headers.get('etag') ?? '' } })
    expect(again.status).toBe(304)
  })

  test('pages that were not built say so, until they are', async () => {
    await using manager = await served()
    const answer = await fetch(`${manager.url}/`)
    expect(answer.status).toBe(503)
    await expect(answer.text()).resolves.toContain('The console is not built')
    await manager.build()
    expect((await fetch(`${manager.url}/`)).status).toBe(200)
  })
})

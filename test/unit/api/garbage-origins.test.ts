import { expect, test } from '@jest/globals'
import { garbageOrigins } from '../../../lib/api/index.ts'
import { fakeClock } from '../../../lib/base/index.ts'
import { changingCluster } from '../../../lib/cluster/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { disposableHttp } from '../../kit/scripted-server.ts'

test('as long as no origin is known, nobody is taken to hold nothing', async () => {
  await using http = disposableHttp()
  const health = { failures: 3, windowMs: 10_000, outMs: 5_000 }
  const cluster = changingCluster({ clock: fakeClock(), logger: silentLogger() }, { members: [], replicas: 2, health })
  const origins = garbageOrigins({ http, cluster })
  const digests = [digestOf(Buffer.from('a blob'))]
  await expect(origins.held(digests)).rejects.toMatchObject({ code: 'NO_HEALTHY_MEMBER' })
  await expect(origins.held(digests, { everywhere: true })).rejects.toMatchObject({ code: 'NO_HEALTHY_MEMBER' })
  await expect(origins.drop(digests)).rejects.toMatchObject({ code: 'NO_HEALTHY_MEMBER' })
})

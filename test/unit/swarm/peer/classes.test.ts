import { expect, test } from '@jest/globals'
import { extendedBytes, handshakeBytes, hostileScene, message, messagesIn } from '../../../kit/hostile-peer.ts'
import { blobFixture } from '../../../kit/metainfo-fixture.ts'
import { peerPair, recorder } from '../../../kit/peer-pair.ts'

test('a peer knows at which class the other side asks, normal until that says another one', async () => {
  await using pair = await peerPair({ blob: blobFixture(2_250_000) })
  const { left, right, clock } = pair
  for (const connection of [left, right]) connection.attach(recorder())
  const before = right.pullClass
  left.sendClass('high')
  await clock.advance(100)
  expect([before, right.pullClass, left.pullClass]).toEqual(['normal', 'high', 'normal'])
})

test.each([
  ['does not serve by class is told of none', {}, []],
  ['does is told', { classes: 1 }, ['140702']],
])('a peer that %s', async (_, shoal, told) => {
  await using scene = await hostileScene()
  scene.send(handshakeBytes(scene.swarmId), extendedBytes(scene.blob.header, shoal))
  const connection = await scene.victim
  connection.sendClass('low')
  await scene.settle()
  const classes = messagesIn(scene.received()).filter((one) => one[0] === 20 && one[1] === 7)
  expect(classes.map((one) => one.toString('hex'))).toEqual(told)
})

test('a peer that says a class and nothing else of it asks at that class from then on', async () => {
  await using scene = await hostileScene()
  const connection = await scene.shakeHands()
  scene.send(message(20, Buffer.from([7, 0])))
  await scene.settle()
  expect(connection.pullClass).toBe('high')
})

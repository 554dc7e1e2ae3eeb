import { describe, expect, test } from '@jest/globals'
import { News } from '../../../bench/simulation/news.ts'

/** Torrents 0 to 3; what each learned, and what each was told at once. */
function room() {
  const learned: string[] = []
  const alerts: string[] = []
  const takeIn = (hearer: number) => news.take(hearer, (slot, piece) => learned.push(`${hearer}: ${slot} has ${piece}`))
  const news: News = new News(
    { torrents: 4, peers: 3 },
    { onFull: takeIn, onAlert: (hearer, slot, pieces) => alerts.push(`${hearer}: ${slot} has ${pieces.join()}`) },
  )
  return { news, learned, alerts, takeIn }
}

describe('news of pieces', () => {
  test('wait, in order, for who hears of them, and for nobody else', () => {
    const { news, learned, alerts, takeIn } = room()
    news.hear(0, 1, 2)
    news.hear(3, 1, 0)
    news.hear(0, 2, 1)
    news.tell(0, [7, 9])
    news.tell(3, [8])
    expect(learned).toEqual([])
    for (const hearer of [0, 1, 2, 3, 1]) takeIn(hearer)
    expect(learned).toEqual(['1: 2 has 7', '1: 2 has 9', '1: 0 has 8', '2: 1 has 7', '2: 1 has 9'])
    expect(alerts).toEqual([])
  })

  test('come at once to who asked for that', () => {
    const { news, alerts, learned, takeIn } = room()
    news.hear(0, 1, 2)
    news.hearAtOnce(0, 3, 0)
    news.setAlert(1, 2, true)
    expect([news.isAlert(1, 2), news.isAlert(1, 0)]).toEqual([true, false])
    news.tell(0, [5])
    news.setAlert(1, 2, false)
    news.tell(0, [6])
    expect(alerts).toEqual(['1: 2 has 5', '3: 0 has 5', '3: 0 has 6'])
    for (const hearer of [1, 3]) takeIn(hearer)
    expect(learned).toEqual(['1: 2 has 5', '1: 2 has 6'])
  })

  test('end for who ignores them', () => {
    const { news, learned, takeIn } = room()
    for (const hearer of [1, 2, 3]) news.hear(0, hearer, 0)
    news.ignore(0, 1, 0)
    news.ignore(0, 1, 0)
    news.tell(0, [4])
    for (const hearer of [1, 2, 3]) takeIn(hearer)
    expect(learned.toSorted()).toEqual(['2: 0 has 4', '3: 0 has 4'])
  })

  test('are taken in before any is lost', () => {
    const { news, learned, takeIn } = room()
    news.hear(0, 1, 0)
    for (let piece = 0; piece < 500; piece += 1) news.tell(0, [piece])
    takeIn(1)
    expect(learned).toEqual(Array.from({ length: 500 }, (_, piece) => `1: 0 has ${piece}`))
  })
})

import { expect, test } from '@jest/globals'
import { sentPeak } from '../../bench/sent-peak.ts'

test('the peak is the most within a second, wherever it begins', () => {
  const peak = sentPeak()
  expect(peak.most).toBe(0)
  peak.add(0, 100)
  peak.add(900, 10)
  peak.add(1_050, 30)
  expect(peak.most).toBe(110)
  peak.add(1_850, 80)
  expect(peak.most).toBe(120)
  peak.add(9_000, 119)
  expect(peak.most).toBe(120)
})

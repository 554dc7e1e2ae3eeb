import { Agent, request } from 'node:http'
import { ORDERS_PATH, type OrderAnswer, type OrderPoll } from '../../lib/api/index.ts'
import { everySecret } from '../kit/secrets.ts'

/** Asks one tracker for orders, at less cost than an agent does: a machine that simulates thousands has the trackers, too. */
export type Questions = (poll: OrderPoll) => Promise<OrderAnswer>

const agent = new Agent({ keepAlive: true, scheduling: 'lifo' })

/** `url` is the tracker's base URL. */
export function questionsTo(url: string): Questions {
  const { hostname, port } = new URL(url)
  return async (poll) => {
    const body = Buffer.from(JSON.stringify(poll))
    const headers = {
      ...{ authorization: `Bearer ${everySecret.node}`, 'content-type': 'application/json' },
      'content-length': String(body.length),
    }
    return new Promise((resolve, reject) => {
      const asked = request({ agent, hostname, port, method: 'POST', path: ORDERS_PATH, headers }, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject)
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          if (answer.statusCode === 200) resolve(JSON.parse(text) as OrderAnswer)
          else reject(new Error(`${String(answer.statusCode)} ${text}`))
        })
      })
      asked.on('error', reject).end(body)
    })
  }
}

/** Ends all connections, and with them the questions that are open. */
export const endQuestions = (): void => agent.destroy()

import { z } from 'zod'
import { baseUrl, secretText } from '../../../lib/config/index.ts'
import { isSafe } from '../../../lib/joining/index.ts'

/** Most managers that are asked one after the other. */
const MOST_MANAGERS = 8

/** The config key `manager` of an agent: who says to which cluster it belongs; absent: its config alone does. */
export const assignmentKey = z
  .strictObject({
    /** Managers, at their listener `http`; the first that answers counts. */
    assignment: z
      .union([baseUrl, z.array(baseUrl).min(1).max(MOST_MANAGERS)])
      .transform((given) => (typeof given === 'string' ? [given] : given)),
    /** A join token of any cluster. */
    token: secretText.transform((value) => () => value).exactOptional(),
    /** The file that holds it; read whenever it is needed. */
    tokenFile: z.string().min(1).exactOptional(),
    /** Lets the token go over plain HTTP to another machine. */
    insecure: z.boolean().exactOptional(),
  })
  .superRefine(({ assignment, token, tokenFile, insecure }, context) => {
    const refuse = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message })
    if (token !== undefined && tokenFile !== undefined) refuse('tokenFile', 'give the token or its file, not both')
    if (insecure === true || assignment.every(isSafe)) return
    refuse('assignment', 'plain HTTP would show the token to the network; use https, or set insecure: true')
  })
  .exactOptional()

export type AssignmentConfig = NonNullable<z.output<typeof assignmentKey>>

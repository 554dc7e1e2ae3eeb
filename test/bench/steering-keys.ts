/** By which the simulated agent of that number is known to trackers. */
export const keyOf = (at: number): string => `the key of the simulated host ${at}`

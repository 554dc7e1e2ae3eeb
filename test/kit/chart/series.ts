/** Series as `promtool test rules` writes them, one value for each minute; the values go on for hours. */
export type Series = Readonly<Record<string, string>>

export const pod = 'namespace="shoal", pod="p"'
export const grows = '0+60x400'
export const stays = (value: number) => `${value}+0x400`
/** A counter that is 0 for ten minutes, and then has grown once. */
export const growsOnce = (by: number) => `0+0x10 ${by}+0x390`

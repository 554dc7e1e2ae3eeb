import type { Tx } from '../database/index.ts'

const ID = 'settings'

/** Lets changes of settings happen one after another, also those of several managers. First in each transaction. */
export async function inTurn(tx: Tx): Promise<void> {
  await tx
    .updateTable('settingCounter')
    .set((eb) => ({ value: eb.ref('value') }))
    .where('id', '=', ID)
    .execute()
}

/** The next number for a version or a generation; each is greater than all before. First in its transaction. */
export async function nextNumber(tx: Tx): Promise<number> {
  await tx
    .updateTable('settingCounter')
    .set(({ eb }) => ({ value: eb('value', '+', 1) }))
    .where('id', '=', ID)
    .execute()
  const { value } = await tx.selectFrom('settingCounter').select('value').where('id', '=', ID).executeTakeFirstOrThrow()
  return value
}

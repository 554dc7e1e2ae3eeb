/** Pictures of every page in every state, for people to look at: `npm run screenshots -- FOLDER [part of a name]`. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { consoleFolder } from '../../../services/manager/console-files.ts'
import { chromiumPath, startBrowser } from './browser.ts'
import { everyAct, startStage } from './console-stage.ts'

const [folder = 'data/screenshots', wanted = ''] = process.argv.slice(2)
const program = chromiumPath()
if (program === undefined) throw new Error('there is no chromium on the PATH')
await mkdir(folder, { recursive: true })
await using stage = await startStage({ console: consoleFolder() })
const browser = await startBrowser(program)
const looks = [
  { look: 'light', language: 'en', width: 1360 },
  { look: 'dark', language: 'zh', width: 1360 },
  { look: 'light', language: 'en', width: 360 },
] as const
for (const { look, language, width } of looks) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: look })
  await context.addInitScript(`localStorage.setItem('shoal.language', '${language}')`)
  for (const act of await everyAct()) {
    if (!act.name.includes(wanted)) continue
    stage.show(act)
    const page = await context.newPage()
    await page.goto(stage.url + act.page)
    await page.waitForTimeout(700)
    await page.screenshot({ path: join(folder, `${act.name}.${look}.${language}.${width}.png`), fullPage: true })
    await page.close()
  }
  await context.close()
}
await browser.close()

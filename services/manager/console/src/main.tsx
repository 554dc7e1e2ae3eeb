import { render } from 'preact'
import { App } from './app.tsx'
import { followLinks } from './state/here.ts'
import { whoAmI } from './state/session.ts'

document.addEventListener('click', followLinks)
const root = document.getElementById('app')
if (root !== null) render(<App />, root)
void whoAmI()

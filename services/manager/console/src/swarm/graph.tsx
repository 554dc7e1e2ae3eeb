import { type ReadonlySignal, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { t } from '../i18n/index.ts'
import type { SwarmState } from '../pure/swarm-state.ts'
import { format, language, theme } from '../state/here.ts'
import { put } from '../state/put.ts'
import { type Dot, swarmLayout } from './layout.ts'
import { type Colours, dotAt, paint } from './painter.ts'

const names = ['text', 'muted', 'line', 'surface', 'accent', 'good', 'warn', 'bad'] as const

/** The colours of the page as the canvas takes them. */
function coloursOf(probe: HTMLElement): Colours {
  const read = (name: string) => {
    probe.style.color = `var(--${name})`
    return getComputedStyle(probe).color
  }
  return Object.fromEntries(names.map((name) => [name, read(name)])) as unknown as Colours
}

interface GraphProps {
  readonly state: ReadonlySignal<SwarmState | undefined>
  readonly chosen: string | undefined
  readonly choose: (peerId: string | undefined) => void
}

interface Tip {
  readonly dot: Dot
  readonly x: number
  readonly y: number
}

const still = () => matchMedia('(prefers-reduced-motion: reduce)').matches

interface Parts {
  readonly canvas: HTMLCanvasElement
  readonly probe: HTMLElement
  readonly state: GraphProps['state']
  readonly chosen: () => string | undefined
}

/** Paints while the canvas is seen and something moves; ends with the function that it returns. */
function painting({ canvas, probe, state, chosen }: Parts, layout: ReturnType<typeof swarmLayout>): () => void {
  const context = canvas.getContext('2d')
  let frame = 0
  let shown = true
  let known: SwarmState | undefined
  let colours: Colours | undefined
  let colouredAtMs = 0
  const paintNow = (atMs: number) => {
    frame = 0
    const now = state.peek()
    if (context === null || now === undefined || !shown || document.hidden) return
    if (now !== known) layout.update(now.peers.values(), now.feeds.values())
    known = now
    const { clientWidth: width, clientHeight: height } = canvas
    const ratio = Math.min(2, devicePixelRatio)
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio)
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio)
    const moved = layout.tick()
    if (colours === undefined || atMs - colouredAtMs > 1000) [colours, colouredAtMs] = [coloursOf(probe), atMs]
    const moves = !still()
    paint(context, {
      ...{ state: now, layout, colours, width, height, chosen: chosen() },
      ...{ atMs: moves ? atMs : undefined, noZone: t('swarm.noZone') },
    })
    if (moved || (moves && now.feeds.size > 0)) ask()
  }
  const ask = () => {
    if (frame === 0) frame = requestAnimationFrame(paintNow)
  }
  const sight = new IntersectionObserver(([entry]) => {
    shown = entry?.isIntersecting ?? true
    ask()
  })
  const size = new ResizeObserver(ask)
  sight.observe(canvas)
  size.observe(canvas)
  document.addEventListener('visibilitychange', ask)
  canvas.addEventListener('repaint', ask)
  const forget = [state, theme, language].map((each) => each.subscribe(ask))
  return () => {
    cancelAnimationFrame(frame)
    sight.disconnect()
    size.disconnect()
    document.removeEventListener('visibilitychange', ask)
    for (const each of forget) each()
  }
}

/** Who feeds whom, as a picture. The table beside it says the same to those who cannot see it. */
export function Graph({ state, chosen, choose }: GraphProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const probe = useRef<HTMLSpanElement>(null)
  const layout = useRef(swarmLayout())
  const choice = useRef(chosen)
  const tip = useSignal<Tip | undefined>(undefined)
  choice.current = chosen
  useEffect(() => {
    if (canvas.current === null || probe.current === null) return undefined
    const parts = { canvas: canvas.current, probe: probe.current, state, chosen: () => choice.current }
    return painting(parts, layout.current)
  }, [])
  useEffect(() => void canvas.current?.dispatchEvent(new Event('repaint')), [chosen])
  const under = ({ offsetX, offsetY, currentTarget }: MouseEvent): Tip | undefined => {
    const { clientWidth: width, clientHeight: height } = currentTarget as HTMLCanvasElement
    const dot = dotAt({ layout: layout.current, width, height }, offsetX, offsetY)
    return dot && { dot, x: offsetX, y: offsetY }
  }
  const { dot, x = 0, y = 0 } = tip.value ?? {}
  return (
    <div class="stage">
      <canvas
        ref={canvas}
        role="img"
        aria-label={t('swarm.graphLabel')}
        onMouseMove={(event) => put(tip, under(event))}
        onMouseLeave={() => put(tip, undefined)}
        onClick={(event) => choose(under(event)?.dot.id)}
      />
      <span class="probe" ref={probe} aria-hidden="true" />
      {dot !== undefined && (
        <div class="tip" style={{ left: `${x + 12}px`, top: `${y + 12}px` }}>
          {dot.peer.host}:{dot.peer.port} · {t(`role.${dot.peer.role === 'origin' ? 'origin' : 'agent'}`)}
          {dot.peer.leftBytes !== undefined &&
            !dot.peer.complete &&
            ` · ${t('swarm.lacks', { size: format().size(dot.peer.leftBytes) })}`}
        </div>
      )}
    </div>
  )
}

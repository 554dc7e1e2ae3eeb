import { feedKey, type SwarmState, shareOf } from '../pure/swarm-state.ts'
import type { Feed } from '../state/views.ts'
import type { Dot, Layout } from './layout.ts'

export interface Colours {
  readonly text: string
  readonly muted: string
  readonly line: string
  readonly surface: string
  readonly accent: string
  readonly good: string
  readonly warn: string
  readonly bad: string
}

interface View {
  readonly scale: number
  readonly x: number
  readonly y: number
}

export interface Scene {
  readonly state: SwarmState
  readonly layout: Layout
  readonly colours: Colours
  readonly width: number
  readonly height: number
  readonly chosen: string | undefined
  /** Milliseconds; undefined when nothing may move. */
  readonly atMs: number | undefined
  readonly noZone: string
}

const MARGIN = 28
const SIZE = 6
const FULL = Math.PI * 2

/** How the plane of the layout is seen: all of it, in the middle. */
export function viewOf({ layout, width, height }: Pick<Scene, 'layout' | 'width' | 'height'>): View {
  const { rings } = layout
  if (rings.length === 0) return { scale: 1, x: width / 2, y: height / 2 }
  const [left, right] = [Math.min(...rings.map((r) => r.x - r.radius)), Math.max(...rings.map((r) => r.x + r.radius))]
  const [top, bottom] = [Math.min(...rings.map((r) => r.y - r.radius)), Math.max(...rings.map((r) => r.y + r.radius))]
  const scale = Math.min((width - 2 * MARGIN) / (right - left), (height - 2 * MARGIN) / (bottom - top), 2.4)
  return { scale, x: width / 2 - (scale * (left + right)) / 2, y: height / 2 - (scale * (top + bottom)) / 2 }
}

/** The node at a place of the picture. */
export function dotAt(scene: Pick<Scene, 'layout' | 'width' | 'height'>, x: number, y: number): Dot | undefined {
  const view = viewOf(scene)
  const [px, py] = [(x - view.x) / view.scale, (y - view.y) / view.scale]
  let best: Dot | undefined
  let nearest = Math.max(SIZE * 1.8, 10 / view.scale) ** 2
  for (const dot of scene.layout.dots.values()) {
    const away = (dot.x - px) ** 2 + (dot.y - py) ** 2
    if (away < nearest) [best, nearest] = [dot, away]
  }
  return best
}

function paintRings(context: CanvasRenderingContext2D, { layout, colours, noZone }: Scene, { scale }: View): void {
  context.lineWidth = 1 / scale
  context.font = `600 ${12 / scale}px system-ui, sans-serif`
  context.textAlign = 'center'
  for (const { zone, x, y, radius, count } of layout.rings) {
    context.beginPath()
    context.arc(x, y, radius, 0, FULL)
    context.globalAlpha = 0.35
    context.fillStyle = colours.line
    context.fill()
    context.globalAlpha = 1
    context.strokeStyle = colours.line
    context.stroke()
    context.fillStyle = colours.muted
    context.fillText(`${zone === '' ? noZone : zone} · ${count}`, x, y - radius - 5 / scale)
  }
}

/** 0 to 1, as the eye judges rates that differ a thousandfold. */
const strength = (bytesPerSecond: number) => Math.min(1, Math.log10(1 + bytesPerSecond / 10_000) / 4)

function paintFeed(context: CanvasRenderingContext2D, scene: Scene, feed: Feed): void {
  const [from, to] = [scene.layout.dots.get(feed.from), scene.layout.dots.get(feed.to)]
  if (from === undefined || to === undefined) return
  const { colours, chosen, atMs } = scene
  const power = strength(feed.bytesPerSecond)
  const mine = chosen === undefined || chosen === feed.from || chosen === feed.to
  if (power === 0 && chosen === undefined) return
  context.globalAlpha = mine ? 0.16 + 0.5 * power : 0.04
  context.strokeStyle = feed.failures > 0 ? colours.bad : from.peer.role === 'origin' ? colours.warn : colours.accent
  context.lineWidth = 0.6 + 1.4 * power
  const [midX, midY] = [(from.x + to.x) / 2 + (to.y - from.y) * 0.12, (from.y + to.y) / 2 - (to.x - from.x) * 0.12]
  context.beginPath()
  context.moveTo(from.x, from.y)
  context.quadraticCurveTo(midX, midY, to.x, to.y)
  context.stroke()
  if (atMs === undefined || power === 0 || !mine) return
  const offset =
    (feedKey(feed.from, feed.to).length * 131 + feed.from.charCodeAt(3) * 53 + feed.to.charCodeAt(5) * 17) % 100
  const t = (atMs / (2600 - 1800 * power) + offset / 100) % 1
  const [x, y] = [
    (1 - t) ** 2 * from.x + 2 * t * (1 - t) * midX + t ** 2 * to.x,
    (1 - t) ** 2 * from.y + 2 * t * (1 - t) * midY + t ** 2 * to.y,
  ]
  context.globalAlpha = 0.9
  context.fillStyle = context.strokeStyle
  context.fillRect(x - 1.3, y - 1.3, 2.6, 2.6)
}

function paintDot(context: CanvasRenderingContext2D, { state, colours, chosen }: Scene, dot: Dot): void {
  const { peer, x, y } = dot
  const ill = peer.health !== undefined && peer.health.state !== 'good'
  const share = shareOf(peer, state)
  context.fillStyle = colours.surface
  context.strokeStyle = ill ? colours.bad : peer.complete ? colours.good : colours.accent
  context.lineWidth = 1.6
  context.beginPath()
  if (peer.role === 'origin') {
    context.fillStyle = colours.warn
    context.strokeStyle = ill ? colours.bad : colours.warn
    context.rect(x - SIZE, y - SIZE, 2 * SIZE, 2 * SIZE)
  } else {
    if (peer.complete) context.fillStyle = colours.good
    context.arc(x, y, SIZE, 0, FULL)
  }
  context.fill()
  context.stroke()
  if (!peer.complete && share !== undefined && share > 0) {
    context.beginPath()
    context.moveTo(x, y)
    context.arc(x, y, SIZE - 1.6, -Math.PI / 2, -Math.PI / 2 + FULL * share)
    context.closePath()
    context.fillStyle = colours.accent
    context.fill()
  }
  if (chosen !== dot.id) return
  context.beginPath()
  context.arc(x, y, SIZE + 5, 0, FULL)
  context.strokeStyle = colours.text
  context.stroke()
}

/** Paints one picture of the swarm. */
export function paint(context: CanvasRenderingContext2D, scene: Scene): void {
  const { layout, state, width, height } = scene
  const ratio = context.canvas.width / width
  const view = viewOf(scene)
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, width, height)
  context.setTransform(ratio * view.scale, 0, 0, ratio * view.scale, ratio * view.x, ratio * view.y)
  paintRings(context, scene, view)
  for (const feed of state.feeds.values()) paintFeed(context, scene, feed)
  context.globalAlpha = 1
  for (const dot of layout.dots.values()) paintDot(context, scene, dot)
}

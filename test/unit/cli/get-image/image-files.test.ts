import { describe, expect, test } from '@jest/globals'
import { imageLab } from '../../../kit/image-lab.ts'
import { file, folder, hardlink, opaque, symlink, whiteout } from '../../../kit/layer-files.ts'

const text = async (lab: ReturnType<typeof imageLab>, path: string) => (await lab.bytes(path)).toString()
const unknown = expect.objectContaining({ code: 'FILE_UNKNOWN' })

describe('a file of an image', () => {
  test('is the one of the uppermost layer that has it, and no layer below is read', async () => {
    const lab = imageLab([[file('b', 'other')], [file('a', 'new')], [file('a', 'old')]])
    expect(await text(lab, '/a')).toBe('new')
    expect(lab.read[2]).toBe(0)
    expect(await text(lab, 'b')).toBe('other')
  })

  test('is the last of its name within a layer', async () => {
    const lab = imageLab([[file('a', 'first'), file('b', 'between'), file('./a', 'last one')]])
    expect(await text(lab, '/a')).toBe('last one')
  })

  test('is gone when a layer above has a whiteout of it, and there again above that', async () => {
    const layers = [[file('etc/x', 'x')], [whiteout('etc/conf')], [file('etc/conf', 'old')]]
    await expect(imageLab(layers).find('/etc/conf')).rejects.toEqual(unknown)
    expect(await text(imageLab([[file('etc/conf', 'new')], ...layers]), '/etc/conf')).toBe('new')
  })

  test('of its own layer is not hidden by a whiteout there', async () => {
    const lab = imageLab([
      [whiteout('a'), file('a/new', '1')],
      [file('a/old', '2'), file('b', '3')],
    ])
    expect(await text(lab, '/a/new')).toBe('1')
    await expect(lab.find('/a/old')).rejects.toEqual(unknown)
    expect(await text(lab, '/b')).toBe('3')
  })

  test('is hidden in a folder that is opaque above, or that is no folder above', async () => {
    const below = [file('d/old', '1'), file('e/old', '2')]
    const lab = imageLab([[folder('d')], [opaque('d'), file('d/new', '3'), file('e', 'a file')], below])
    expect(await text(lab, '/d/new')).toBe('3')
    await expect(lab.find('/d/old')).rejects.toEqual(unknown)
    await expect(lab.find('/e/old')).rejects.toEqual(unknown)
    await expect(imageLab([[file('x')], [folder('e')], [file('e')], below]).find('/e/old')).rejects.toEqual(unknown)
  })

  test('is hidden below the root when that is opaque', async () => {
    const lab = imageLab([[file('.wh..wh..opq'), file('new')], [file('old')]])
    await expect(lab.find('/old')).rejects.toEqual(unknown)
    expect(await lab.list('/')).toEqual(['file 0 new'])
    expect(lab.read[1]).toBe(0)
  })

  test('names of whiteouts are no files, nor are those of aufs', async () => {
    const lab = imageLab([[whiteout('a'), opaque('d'), file('.wh..wh.plnk/x'), file('.wh..wh.aufs')]])
    for (const name of ['.wh.a', 'd/.wh..wh..opq', '.wh..wh.aufs'])
      await expect(lab.find(name)).rejects.toEqual(unknown)
  })
})

describe('links', () => {
  test('are followed through all layers, within the image alone', async () => {
    const lab = imageLab([
      [
        symlink('opt/now', 'v2'),
        symlink('way/out', '../../../../etc/passwd'),
        symlink('abs', '/opt/now/f'),
        symlink('way/abs', '/opt/v2/f'),
      ],
      [file('opt/v2/f', 'of v2'), file('etc/passwd', 'of the image')],
    ])
    expect(await text(lab, '/opt/now/f')).toBe('of v2')
    expect(await text(lab, '/abs')).toBe('of v2')
    expect(await text(lab, '/way/abs')).toBe('of v2')
    expect(await text(lab, '/way/out')).toBe('of the image')
    expect(await text(lab, '/way/../../../opt/now/../v2/f')).toBe('of v2')
  })

  test('and names that climb above the root begin at the root', async () => {
    const lab = imageLab([[hardlink('d/hard', '../../low')], [file('../low', 'below'), file('d/../../up', 'too')]])
    expect(await text(lab, '/d/hard')).toBe('below')
    expect(await text(lab, '/up')).toBe('too')
    expect(await lab.list('/')).toEqual(['folder 0 d', 'file 5 low', 'file 3 up'])
  })

  test('that lead in a circle are told as such', async () => {
    const lab = imageLab([[symlink('a', 'b'), symlink('b', '/a'), symlink('s', 's/x')]])
    for (const path of ['/a', '/s']) await expect(lab.find(path)).rejects.toMatchObject({ code: 'LINK_LOOP' })
  })

  test('to nothing, and paths through a file, are unknown', async () => {
    const lab = imageLab([[symlink('a', 'nowhere'), file('f', '1')]])
    await expect(lab.find('/a')).rejects.toEqual(unknown)
    await expect(lab.find('/f/x')).rejects.toEqual(unknown)
  })

  test('that are hard stand for what their target was then, of their layer or below', async () => {
    const lab = imageLab([
      [file('a', 'one'), hardlink('b', './a'), file('a', 'two'), hardlink('c', 'low')],
      [file('low', 'below')],
    ])
    expect(await Promise.all(['/a', '/b'].map((path) => text(lab, path)))).toEqual(['two', 'one'])
    expect(await text(lab, '/c')).toBe('below')
    const loop = imageLab([[hardlink('x', 'y'), hardlink('y', 'x')]])
    await expect(loop.find('/x')).rejects.toMatchObject({ code: 'LINK_LOOP' })
  })
})

test('a folder is listed as a container sees it, and a file as itself', async () => {
  const lab = imageLab([
    [file('d/new', '12'), whiteout('d/gone'), symlink('d/l', 'new'), { name: 'd/pipe', type: 'FIFO' }],
    [file('d/gone', '1'), file('d/new', '1'), file('d/sub/deep', '1')],
    [file('d/old', '123'), file('dd/no', '1')],
  ])
  const rows = ['symlink 0 d/l', 'file 2 d/new', 'file 3 d/old', 'special 0 d/pipe', 'folder 0 d/sub']
  expect(await lab.list('/d/')).toEqual(rows)
  expect(await lab.list('/d/new')).toEqual(['file 2 d/new'])
  expect(await lab.list('/')).toEqual(['folder 0 d', 'folder 0 dd'])
})

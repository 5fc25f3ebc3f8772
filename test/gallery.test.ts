import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { galleryFiles } from '../scripts/pictures.js'

const root = join(import.meta.dirname, '..')

it('shows every report and strategy as it is now: npm run pictures', async () => {
  const files = await galleryFiles()
  for (const [path, content] of files) expect(await readFile(join(root, path), 'utf8'), path).toBe(content)
  const drawn = [...files.keys()].filter((path) => path.endsWith('.svg'))
  expect((await readdir(join(root, 'docs', 'pictures'))).map((name) => join('docs', 'pictures', name)).sort()).toEqual(
    drawn.sort(),
  )
})

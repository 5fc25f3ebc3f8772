// Draws docs/report-gallery.md and docs/pictures: npm run pictures.
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { type Exhibit, reportExhibits, strategyExhibits } from './gallery.js'

const ROOT = join(import.meta.dirname, '..')

/** The files, by their paths in the repository. */
export async function galleryFiles(): Promise<ReadonlyMap<string, string>> {
  const [reports, strategies] = [await reportExhibits(), await strategyExhibits()]
  const path = join('docs', 'report-gallery.md')
  const config = await resolveConfig(join(ROOT, path))
  const page = await format([HEAD, ...reports.map(section), STRATEGIES, ...strategies.map(section)].join('\n\n'), {
    ...config,
    parser: 'markdown',
  })
  const pictures = [...reports, ...strategies].flatMap(({ picture }) => picture ?? [])
  return new Map([
    [path, page],
    ...pictures.map(({ name, svg }) => [join('docs', 'pictures', `${name}.svg`), sized(svg)] as const),
  ])
}

/** As large as it is drawn, where a page does not say. */
const sized = (svg: string): string => `${svg.replace(/viewBox="0 0 (\d+) (\d+)"/, 'width="$1" height="$2" $&')}\n`

const HEAD = `# Gallery

Every report and every strategy, with what it makes. The pictures are what \`toSVG()\` answers, and read in light and in dark. This page is made by \`npm run pictures\`, and a test holds it to what the code makes.

## Reports

Of a week of a small crew, [examples/sample/week.ts](../examples/sample/week.ts). How each figure is reckoned: [reports](reports.md).`

const STRATEGIES = `## Strategies

Asked about the same board: three members with room for two tasks each, six tasks that are ready, and one that waits for two of them. Nobody knows the law. Below each picture is what \`plan.explain()\` says. How to use them: [assignment](assignment.md).`

function section({ title, code, says, example, picture, text }: Exhibit): string {
  return [
    `### \`${title}\``.replace('`One of your own`', 'One of your own'),
    `${says} \`${code}\`, as in [examples/${example}](../examples/${example}).`,
    ...(picture ? [`![${picture.alt}](pictures/${picture.name}.svg)`] : []),
    ...(text === undefined ? [] : [text]),
  ].join('\n\n')
}

if (process.argv[1] === import.meta.filename) {
  await rm(join(ROOT, 'docs', 'pictures'), { recursive: true, force: true })
  for (const [path, content] of await galleryFiles()) {
    await mkdir(dirname(join(ROOT, path)), { recursive: true })
    await writeFile(join(ROOT, path), content)
  }
}

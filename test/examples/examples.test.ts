import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const read = (file: string): string => readFileSync(join(root, 'examples', file), 'utf8')
const examples = readdirSync(join(root, 'examples')).filter((file) => file.endsWith('.ts'))

/** Runs an example as the README says; rejects when it fails, or does not end. */
const run = async (file: string): Promise<string> => {
  const options = { cwd: root, timeout: 25_000 }
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', `examples/${file}`],
    options,
  )
  expect(stderr).toBe('')
  return stdout
}

describe.concurrent('Examples', () => {
  it.each(examples)('%s ends and prints what its first line says', async (file) => {
    const promised = [
      ...read(file)
        .split('\n', 1)[0]!
        .matchAll(/`(.+?)`/g),
    ].map(([, text]) => text)
    expect(promised).not.toEqual([])
    const printed = await run(file)
    for (const text of promised) expect(printed).toContain(text)
  })

  it('are all listed in their README, with the command', () => {
    const commands = read('README.md').match(/(?<=`npx tsx examples\/).+(?=`)/g)
    expect(commands?.sort()).toEqual(examples)
  })
})

import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { htmlDocument } from 'crewlog/reports'
import { InputError } from '../demo/input-error.js'
import { readAgentLog } from './agent-log.js'
import { actions, assignments, cycleTimes, handOvers, leadTimes, reassignments } from './figures.js'
import { assigneeOf, figuresOf } from './log-figures.js'
import { replay } from './replay.js'

const USAGE = `npm run report -- FOLDER [--json | --html FILE]

Does again what a crew of agents did, as FOLDER tells (issues.jsonl and, where they are
there, events, dependencies, comments and labels, also as .jsonl.gz), with its own times,
and reports on it.

  --json       one JSON object with the figures
  --html FILE  a page with pictures
`

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  // A mistake of the user's; anything else is ours, and shows its stack.
  if (!(error instanceof InputError)) throw error
  process.stderr.write(`${error.message}\n`)
  return 2
})

async function main(args: readonly string[]): Promise<number> {
  const { folder, isJson, html } = readArguments(args)
  if (folder === undefined) {
    process.stderr.write(USAGE)
    return 2
  }
  const log = await readAgentLog(folder)
  for (const note of log.notes) process.stderr.write(`${note}\n`)
  const crew = await replay(log)
  const reports = [
    crew.reports.generate('summary'),
    crew.reports.generate(leadTimes(assigneeOf)),
    crew.reports.generate(cycleTimes),
    ...[assignments, reassignments, handOvers, actions].map((report) => crew.reports.generate(report)),
    crew.reports.generate('health'),
  ]
  if (isJson) process.stdout.write(`${JSON.stringify(figuresOf(crew, log))}\n`)
  else if (html === undefined) process.stdout.write(`${reports.map((report) => report.toMarkdown()).join('\n\n')}\n`)
  else await writeFile(html, htmlDocument({ title: 'What the agents did', reports }))
  await crew.close()
  return 0
}

function readArguments(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean' }, html: { type: 'string' } },
    })
    return { folder: positionals[0], isJson: values.json === true, html: values.html }
  } catch (error) {
    throw new InputError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`)
  }
}

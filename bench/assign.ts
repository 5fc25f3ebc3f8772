// Lets strategies solve recorded problems, and checks what they answer by the file alone:
//   npm run assign -- FILE|FOLDER… [--members 4] [--json]
import { run } from './assign/run.js'

process.exitCode = await run(process.argv.slice(2), {
  out: (line) => process.stdout.write(`${line}\n`),
  error: (line) => process.stderr.write(`${line}\n`),
})

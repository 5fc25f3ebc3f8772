import { runDemo } from './demo.js'

const stop = new AbortController()
process.once('SIGINT', () => {
  stop.abort()
})

process.exitCode = await runDemo(process.argv.slice(2), {
  out: process.stdout,
  err: process.stderr,
  signal: stop.signal,
})

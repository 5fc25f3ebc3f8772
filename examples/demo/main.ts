import { runDemo } from './demo.js'

const stop = new AbortController()
process.once('SIGINT', () => {
  stop.abort()
})

// Nobody reads on, as in `npm run demo | head`.
process.stdout.on('error', () => {
  stop.abort()
})

process.exitCode = await runDemo(process.argv.slice(2), {
  out: process.stdout,
  err: process.stderr,
  signal: stop.signal,
})

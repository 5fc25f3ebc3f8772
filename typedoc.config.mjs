import { entries } from './scripts/entries.mjs'

export default {
  entryPoints: entries.map(({ source }) => source),
  projectDocuments: ['docs/*.md'],
  out: 'docs/api',
  treatWarningsAsErrors: true,
  validation: { notExported: true, invalidLink: true, invalidPath: true, rewrittenLink: true },
  // Parts of what is exported, which nobody names.
  intentionallyNotExported: [
    'AttemptWrites',
    'CrewOwnEvents',
    'CrewErrors',
    'InputOf',
    'Known',
    'Returned',
    'Payload',
    'Arguments',
    'NumberKey',
    'Measures',
    'Counts',
  ],
  excludeInternal: true,
  excludePrivate: true,
  // The same links from a clone whatever its remote is called.
  gitRevision: 'main',
  sourceLinkTemplate: 'https://github.com/crewlog/crewlog/blob/{gitRevision}/{path}#L{line}',
}

import { encodedName } from '../names/encoded-name.js'

/** A stream and what it takes. */
export interface StreamName {
  readonly stream: string
  readonly subjects: readonly string[]
  /** Of each subject it keeps only the newest message. */
  readonly isSmall?: boolean
}

/** What of a server belongs to one journal. The 1 in subjects is the version of what is stored, and how. */
export interface JournalNames {
  readonly commits: StreamName & { readonly subject: string }
  readonly checkpoints: StreamName & { readonly index: string }
  /** Nothing is stored of what goes here. */
  readonly news: string
  /** The subject of one part, or of all. */
  part(token: string, number: number | '*'): string
}

export function namesOf(prefix: string, journal: string): JournalNames {
  const tag = tagOf(journal)
  const crew = `${prefix}.${tag}`
  const subject = `${crew}.commits.1`
  const index = `${crew}.checkpoints.1`
  return {
    commits: { stream: `${prefix}-commits-${tag}`, subject, subjects: [subject] },
    checkpoints: {
      stream: `${prefix}-checkpoints-${tag}`,
      index,
      subjects: [index, `${crew}.checkpoint.>`],
      isSmall: true,
    },
    news: `${crew}.news`,
    part: (token, number) => `${crew}.checkpoint.${token}.${number}`,
  }
}

/** A stream's name has at most 255 characters, and is a folder on the server. */
const tagOf = (journal: string): string =>
  encodedName(journal, { plain: /[a-z0-9-]/, escape: '_', longest: 150, mark: '__' })

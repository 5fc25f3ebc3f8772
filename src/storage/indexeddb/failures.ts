import { CrewError, invalid, wordsOf } from '../../core/errors.js'

// What a browser says when it fails, as a CrewError that names the remedy.

export const isNamed = (error: unknown, name: string): boolean => (error as Partial<Error> | undefined)?.name === name

const said = (error: unknown): string => {
  const { name = 'Error' } = error as Partial<Error>
  const words = wordsOf(error)
  return words === undefined || words === name ? name : `${name}: ${words}`
}

/** There is no IndexedDB on this platform. */
export const missing = (what: string): CrewError =>
  invalid(
    `There is no ${what} here: this storage is for browsers and their workers. On a server, use another storage; in tests, pass { indexedDB, IDBKeyRange } of fake-indexeddb`,
  )

/** The database could not be opened. */
export const refused = (database: string, error: unknown): CrewError =>
  isNamed(error, 'VersionError')
    ? new CrewError(
        'unsupported_version',
        `Database ${database} was upgraded by a newer release of crewlog, in another tab; reload this page`,
        { database },
        error,
      )
    : new CrewError(
        'storage_unavailable',
        `The browser does not open database ${database} (${said(error)}). Private windows, sandboxed frames, blocked site data and a full disk do that: allow this site to keep data, or use another storage`,
        { database },
        error,
      )

/** Older tabs were asked to close the database, and did not. */
export const blocked = (database: string): CrewError =>
  new CrewError(
    'storage_unavailable',
    `Another tab holds database ${database} open in an older version; close or reload the other tabs of this site`,
    { database },
  )

/** The database has other object stores. */
export const foreign = (database: string): CrewError =>
  invalid(`Database ${database} keeps something else; give crewlog a name of its own`, { database })

/** There is no room for a write, so that nothing of it was kept. */
export const full = (database: string, error: unknown): CrewError =>
  new CrewError(
    'limit_exceeded',
    `No room for database ${database} (${said(error)}); nothing was stored. Delete data of this site, let crewlog trim (keepHistory), or make room on the disk`,
    { database },
    error,
  )

/** Anything else. */
export const failed = (database: string, error: unknown): CrewError =>
  new CrewError(
    'storage_unavailable',
    `IndexedDB failed at database ${database} (${said(error)}); it is opened anew at the next call`,
    { database },
    error,
  )

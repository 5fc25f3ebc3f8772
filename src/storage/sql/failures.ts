import { CrewError, wordsOf } from '../../core/errors.js'

/**
 * What a failure of a database means. `contended`: others were in the way, nothing was changed, and the same may succeed
 * at once. `duplicate`: it is there already.
 */
type Cause =
  | 'contended'
  | 'duplicate'
  | 'missing'
  | 'denied'
  | 'read only'
  | 'full'
  | 'too large'
  | 'unreachable'
  | 'closed'
  | 'unknown'

/** SQLSTATE of Postgres, numbers of MySQL and MariaDB, names of SQLite. */
const CODES: Readonly<Record<Exclude<Cause, 'closed' | 'unknown'>, readonly (string | number)[]>> = {
  contended: ['40001', '40P01', '55P03', 1213, 1205, 'SQLITE_BUSY', 'SQLITE_LOCKED'],
  duplicate: ['23505', '42P07', '42710', 1050, 1062, 'SQLITE_CONSTRAINT'],
  missing: ['42P01', '3F000', 1146, 1049],
  denied: ['42501', '28P01', '28000', 1044, 1045, 1142, 'SQLITE_PERM', 'SQLITE_AUTH', 'SQLITE_CANTOPEN'],
  'read only': ['25006', 1290, 1792, 1836, 'SQLITE_READONLY'],
  full: ['53100', 1021, 1114, 'SQLITE_FULL'],
  'too large': ['54000', 1153, 'SQLITE_TOOBIG'],
  unreachable: [
    ...['57P01', '57P02', '57P03', '53300', 1040, 1053, 1927],
    ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'],
    ...['PROTOCOL_CONNECTION_LOST', 'CONNECTION_CLOSED', 'CONNECTION_ENDED', 'CONNECTION_DESTROYED', 'CONNECT_TIMEOUT'],
  ],
}

const CAUSES = new Map(Object.entries(CODES).flatMap(([cause, codes]) => codes.map((code) => [code, cause as Cause])))

/** Of failures that drivers give no code, or the same one as others. */
const WORDS: readonly (readonly [RegExp, Cause])[] = [
  [/no such table/i, 'missing'],
  // Told by whoever is asked for a connection, before anything is sent.
  [/already been destroyed|pool (is closed|after calling end)/i, 'closed'],
  [/connection terminated|timeout exceeded when trying to connect/i, 'unreachable'],
]

/** The codes of node:sqlite, which has numbers only. */
const SQLITE_NAMES: Readonly<Record<number, string>> = {
  ...{ 3: 'SQLITE_PERM', 5: 'SQLITE_BUSY', 6: 'SQLITE_LOCKED', 8: 'SQLITE_READONLY', 13: 'SQLITE_FULL' },
  ...{ 14: 'SQLITE_CANTOPEN', 18: 'SQLITE_TOOBIG', 19: 'SQLITE_CONSTRAINT', 23: 'SQLITE_AUTH' },
}

export function causeOf(error: unknown): Cause {
  const { code, errno, errcode } = (error ?? {}) as { code?: unknown; errno?: unknown; errcode?: unknown }
  // SQLite's extended codes are its codes with more behind them.
  const name = typeof code === 'string' ? code.replace(/^(SQLITE_[A-Z]+)_.*/, '$1') : ''
  const known =
    CAUSES.get(name) ??
    CAUSES.get(typeof errno === 'number' ? errno : '') ??
    CAUSES.get(typeof errcode === 'number' ? (SQLITE_NAMES[errcode & 0xff] ?? '') : '')
  if (known) return known
  if (/^08/.test(name)) return 'unreachable'
  const words = wordsOf(error) ?? ''
  return WORDS.find(([pattern]) => pattern.test(words))?.[1] ?? 'unknown'
}

/** What is to be done about it. */
const REMEDIES: Readonly<Record<Cause, string>> = {
  contended: 'Other writers were in the way all the time; it is tried again',
  duplicate: 'The database has it already',
  missing:
    'A table of crewlog is missing, or its schema; check prefix and schema, create schema, or run the statements of sqlTables()',
  denied: 'The database refused this user; check its name, password and rights',
  'read only': 'The database is read-only; connect to the primary server, or make the file writable',
  full: 'The database has no room left; make room on its disk',
  'too large': 'The database takes no statement of this size; raise its limit, or lower maxCommitBytes',
  unreachable: 'The database cannot be reached; check that it runs, its address, and how many connections it takes',
  closed: 'Kysely was destroyed; close the crew before you destroy Kysely',
  unknown: 'The database failed',
}

/** As this library tells it. */
export function toCrewError(error: unknown): CrewError {
  if (CrewError.is(error)) return error
  const words = wordsOf(error) ?? 'without words'
  const cause = causeOf(error)
  const code = cause === 'closed' ? 'closed' : 'storage_unavailable'
  return new CrewError(code, `${REMEDIES[cause]} (${words})`, {}, error)
}

import { NAME_BYTES } from './names.js'
import { quoted, type SqlDialect } from './dialect.js'

/** Of the tables that this release writes and reads. */
export const SCHEMA_VERSION = 1

export interface Tables {
  /** One row: the version of the tables. */
  readonly schema: string
  /** The last commit of each journal; SQLite has none, as it lets one writer in at a time. */
  readonly heads: string
  readonly commits: string
  /** A row for each checkpoint that is kept (`kept` is its number) or being saved (it is null). */
  readonly checkpoints: string
  readonly parts: string
}

export function tablesOf(prefix: string, schema: string | undefined, dialect: SqlDialect): Tables {
  const named = (name: string): string =>
    [...(schema === undefined ? [] : [schema]), `${prefix}${name}`].map((part) => quoted(part, dialect)).join('.')
  return {
    schema: named('schema'),
    heads: named('heads'),
    commits: named('commits'),
    checkpoints: named('checkpoints'),
    parts: named('parts'),
  }
}

/** What makes the tables, statement by statement: each changes nothing where it has been done, the last one tells that all are there. */
export function ddl(tables: Tables, dialect: SqlDialect): readonly string[] {
  const { name, body, tail } = TYPES[dialect]
  const { schema, heads, commits, checkpoints, parts } = tables
  const table = (title: string, ...columns: readonly string[]): string =>
    `create table if not exists ${title} (\n  ${columns.join(',\n  ')}\n)${tail}`
  const journal = `journal ${name} not null`
  const isAlone = dialect === 'sqlite'
  return [
    ...(isAlone ? [] : [table(heads, `${journal} primary key`, 'seq bigint not null', `id ${name} not null`)]),
    table(
      commits,
      journal,
      'seq bigint not null',
      ...(isAlone ? [`id ${name} not null`] : []),
      `body ${body} not null`,
      'primary key (journal, seq)',
    ),
    table(
      checkpoints,
      `save ${name} not null primary key`,
      journal,
      'seq bigint not null',
      `id ${name} not null`,
      'format bigint not null',
      'parts bigint not null',
      'kept bigint',
      'unique (journal, kept)',
    ),
    table(
      parts,
      journal,
      `save ${name} not null`,
      'part bigint not null',
      `body ${body} not null`,
      'primary key (journal, save, part)',
    ),
    table(schema, 'version bigint not null primary key', 'opened bigint not null'),
    insertOnce(schema, dialect),
  ]
}

function insertOnce(schema: string, dialect: SqlDialect): string {
  const insert = `into ${schema} (version, opened) values (${SCHEMA_VERSION}, 0)`
  return dialect === 'mysql' ? `insert ignore ${insert}` : `insert ${insert} on conflict do nothing`
}

/** Names are compared byte by byte; a text is kept as it is, not as JSON, which engines rewrite. */
const TYPES = {
  sqlite: { name: 'text', body: 'text', tail: '' },
  postgres: { name: 'text collate "C"', body: 'text', tail: '' },
  mysql: {
    name: `varbinary(${NAME_BYTES})`,
    body: 'longtext character set utf8mb4 collate utf8mb4_bin',
    tail: ' engine=InnoDB row_format=dynamic',
  },
} as const

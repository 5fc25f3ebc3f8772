import type { DialectAdapter } from 'kysely'
import { invalid } from '../../core/errors.js'

/** `postgres` is PGlite too, `mysql` is MariaDB too. */
export type SqlDialect = 'sqlite' | 'postgres' | 'mysql'
export const DIALECTS: readonly SqlDialect[] = ['sqlite', 'postgres', 'mysql']

/** Which of them Kysely talks, by what its adapter says that it can. */
export function dialectOf(adapter: DialectAdapter): SqlDialect {
  const { supportsReturning, supportsTransactionalDdl, supportsCreateIfNotExists, supportsOutput } = adapter
  if (supportsReturning) return supportsTransactionalDdl ? 'postgres' : 'sqlite'
  if (supportsCreateIfNotExists && !supportsOutput) return 'mysql'
  throw invalid('This dialect of Kysely is none that journals can be kept in: sqlite, postgres, mysql')
}

export const quoted = (name: string, dialect: SqlDialect): string =>
  dialect === 'mysql' ? `\`${name.replaceAll('`', '``')}\`` : `"${name.replaceAll('"', '""')}"`

/** A statement written with `?` for each parameter, as the dialect marks them. */
export function marked(statement: string, dialect: SqlDialect): string {
  let count = 0
  return dialect === 'postgres' ? statement.replace(/\?/g, () => `$${++count}`) : statement
}

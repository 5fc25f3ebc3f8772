import { openCrew } from 'crewlog'
import { sqlStorage, sqlTables } from 'crewlog/storage/sql'
import { CamelCasePlugin, ParseJSONResultsPlugin } from 'kysely'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkpoint, commit, commits, partsAt, partsOf } from '../../../src/testing/storage-contract/samples.js'
import { mariadbAt } from '../../support/engines/mariadb.js'
import { inPostgres, postgresAt } from '../../support/engines/postgres.js'
import { refusalOf } from '../../support/refusing.js'
import { addressOf } from '../../support/services.js'
import { atEnd, placeOf, type SqlEngine, sqlEngines, storageAt, usePlaces } from '../../support/sql-places.js'

usePlaces()

/** How the guide removes the crew `shop`. */
function removalOfShop({ dialect }: SqlEngine): readonly string[] {
  const guide = readFileSync('docs/storage-sqlite.md', 'utf8')
  const [, statements = ''] = /```text\n(delete .*?)```/s.exec(guide) ?? []
  const lines = statements.trim().split('\n')
  return lines
    .filter((line) => dialect !== 'sqlite' || !line.endsWith('-- not with SQLite'))
    .map((line) => line.replace(/;.*/, ''))
}

describe.each(sqlEngines)('tables in $engine.name', (sql) => {
  it('are made once by ten processes that start at once', async () => {
    for (let round = 0; round < 3; round++) {
      const place = await placeOf(sql)
      const storages = Array.from({ length: 10 }, () => storageAt(sql, place))
      await Promise.all(storages.map(async (storage) => storage.open?.('crew')))
      const answers = await Promise.all(
        storages.map((storage, at) => storage.append('crew', commit(1, { id: `${at}` }))),
      )
      expect(answers.filter(({ appended }) => appended)).toHaveLength(1)
      expect(await sql.run(place, 'select version from crewlog_schema')).toHaveLength(1)
    }
  })

  it('are made to the end by whoever comes after one that was killed on the way (SA-15)', async () => {
    const statements = sqlTables(sql.dialect)
    for (let done = 0; done <= statements.length; done++) {
      const place = await placeOf(sql)
      await sql.run(place, ...statements.slice(0, done), 'select 1')
      const storage = storageAt(sql, place)
      expect(await storage.read('crew', 0, 10)).toEqual({ commits: [] })
      await storage.open?.('crew')
      expect(await storage.append('crew', commit(1))).toEqual({ appended: true })
    }
  })

  it('can be made by somebody else, who may run the statements twice', async () => {
    const place = await placeOf(sql)
    const storage = storageAt(sql, place, { createTables: false, prefix: 'board_' })
    for (const refused of [
      () => storage.open?.('crew'),
      () => storage.append('crew', commit(1)),
      () => storage.read('crew', 0, 10),
      () => storage.loadCheckpoint('crew'),
    ]) {
      const error = await refusalOf(refused())
      expect([error.code, error.retryable]).toEqual(['storage_unavailable', true])
      expect(error.message).toMatch(/board_schema.* is missing\); run the statements of sqlTables\(\)/)
    }
    const statements = sqlTables(sql.dialect, { prefix: 'board_' })
    await sql.run(place, ...statements, ...statements)
    await storage.open?.('crew')
    await storage.append('crew', commit(1))
    expect(await storageAt(sql, place).read('crew', 0, 10)).toEqual({ commits: [] })
    expect(await storageAt(sql, place, { prefix: 'board_' }).read('crew', 0, 10)).toEqual({ commits: [commit(1)] })
  })

  it('of a newer release are left alone, also by readers (SA-16)', async () => {
    const place = await placeOf(sql)
    await storageAt(sql, place).append('crew', commit(1))
    await sql.run(place, 'insert into crewlog_schema (version, opened) values (2, 0)')
    const storage = storageAt(sql, place)
    for (const refused of [
      () => storage.open?.('crew'),
      () => storage.append('crew', commit(2)),
      () => storage.read('crew', 0, 10),
      () => storage.loadCheckpoint('crew'),
      () => storage.saveCheckpoint('crew', checkpoint(1)),
      () => storage.trim('crew', 1),
      () => openCrew({ storage }),
    ]) {
      const error = await refusalOf(refused())
      expect(error.code).toBe('unsupported_version')
      expect(error.message).toContain('have version 2, this release knows 1; update crewlog')
    }
    expect(await sql.run(place, 'select seq from crewlog_commits')).toHaveLength(1)
  })

  it('that are dropped under a crew are an error that says so', async () => {
    const place = await placeOf(sql)
    const storage = storageAt(sql, place)
    await storage.append('crew', commit(1))
    await sql.run(place, 'drop table crewlog_commits')
    const error = await refusalOf(storage.append('crew', commit(2)))
    expect(error.code).toBe('storage_unavailable')
    expect(error.message).toContain('A table of crewlog is missing')
  })

  it('let go of one crew by the statements of the guide, and keep the others', async () => {
    const place = await placeOf(sql)
    for (const name of ['shop', 'plant']) {
      const crew = await openCrew({ name, storage: storageAt(sql, place) })
      await crew.tracker.create({ description: 'Tides' })
      await crew.checkpoint()
      await crew.close()
    }
    await sql.run(place, ...removalOfShop(sql))
    for (const table of sqlTables(sql.dialect)
      .join()
      .match(/crewlog_(?!schema)\w+/g) ?? []) {
      const kept = await sql.run(place, `select distinct journal from ${table}`)
      expect(kept.map(({ journal }) => String(journal))).toEqual(['plant'])
    }
    const crews = ['shop', 'plant'].map((name) => openCrew({ name, storage: storageAt(sql, place) }))
    const [shop, plant] = await Promise.all(crews)
    expect([shop?.tracker.list().length, plant?.tracker.list().length]).toEqual([0, 1])
    await Promise.all([shop?.close(), plant?.close()])
  })

  it('from which a crew is removed while it is open are a log that went back', async () => {
    const place = await placeOf(sql)
    const crew = await openCrew({ name: 'shop', storage: storageAt(sql, place) })
    let hasDiverged = false
    crew.on('diverged', () => (hasDiverged = true))
    await crew.tracker.create({ description: 'Tides' })
    await sql.run(place, ...removalOfShop(sql))
    await crew.sync()
    expect([hasDiverged, crew.tracker.list()]).toEqual([true, []])
    await crew.tracker.create({ description: 'Ebb' })
    await crew.close()
  })

  it('are read as they are, whatever plugins Kysely has', async () => {
    const place = await placeOf(sql)
    const { db, options } = sql.connect(place)
    atEnd(() => db.destroy())
    const storage = sqlStorage(db.withPlugin(new CamelCasePlugin()).withPlugin(new ParseJSONResultsPlugin()), options)
    await storage.append('crew', commit(1))
    await storage.saveCheckpoint('crew', checkpoint(1))
    expect(await storage.read('crew', 0, 10)).toEqual({ commits: [commit(1)] })
    expect(await partsOf(await storage.loadCheckpoint('crew'))).toEqual(partsAt(1))
  })

  it('keep names apart byte by byte: quotes, wildcards, case, space, U+0000, half characters, long ones', async () => {
    const place = await placeOf(sql)
    const storage = storageAt(sql, place)
    const names = [
      ...['a', 'A', 'a ', ' a', 'á', 'a\u0301', "a'", 'a"', 'a`', 'a%', 'a_', 'a\\', 'a\\\\', 'a?', 'a$1', 'a\n'],
      ...['\u0000', 'a\u0000', '\\u0000', '\ud800', '\udfff', '\ufffd', '\u{1f600}', 'ß', 'ss', "'; drop table x; --"],
      ...['x'.repeat(1024), `${'x'.repeat(1023)}y`, '\u{1f600}'.repeat(85), '\u{1f600}'.repeat(84)],
    ]
    for (const [at, name] of names.entries()) {
      expect(await storage.append(name, commit(1, { id: name }))).toEqual({ appended: true })
      await storage.saveCheckpoint(name, checkpoint(at + 1, undefined, { id: name }))
    }
    for (const [at, name] of names.entries()) {
      expect(await storage.read(name, 0, 10)).toEqual({ commits: [commit(1, { id: name })] })
      expect(await storage.loadCheckpoint(name)).toMatchObject({ seq: at + 1, id: name })
      expect((await storage.append(name, commit(2, { prev: `${name.slice(0, 99)} ` }))).appended).toBe(false)
      expect((await storage.append(name, commit(2, { prev: name }))).appended).toBe(true)
    }
    const error = await refusalOf(storage.open?.('\u{1f600}'.repeat(86)))
    expect(error.message).toContain('The name of a journal is too long: it takes 1032 of 1024 bytes')
  })

  it('hold numbers beyond 2^31 (SA-32)', async () => {
    const place = await placeOf(sql)
    const storage = storageAt(sql, place)
    await storage.append('crew', commit(1))
    const far = 5_000_000_000
    const body = JSON.stringify(commit(far)).replaceAll("'", "''")
    const id = sql.dialect === 'sqlite' ? `, id = 'c${far}'` : ''
    await sql.run(place, `update crewlog_commits set seq = ${far}, body = '${body}'${id}`)
    if (!id) await sql.run(place, `update crewlog_heads set seq = ${far}, id = 'c${far}'`)
    expect(await storage.append('crew', commit(far + 1))).toEqual({ appended: true })
    expect(await storage.read('crew', 0, 10)).toEqual({ trimmedTo: far - 1 })
    expect(await storage.read('crew', far - 1, 10)).toEqual({ commits: commits(far, far + 1) })
    await storage.saveCheckpoint('crew', checkpoint(far))
    expect(await storage.loadCheckpoint('crew')).toMatchObject({ seq: far })
  })

  it('lose the oldest commits in pieces, however many there are', async () => {
    const place = await placeOf(sql)
    const storage = storageAt(sql, place)
    await storage.append('crew', commit(1))
    const rows = commits(2, 2500).map((next) => [next.seq, `c${next.seq}`, JSON.stringify(next)] as const)
    const isAlone = sql.dialect === 'sqlite'
    for (let from = 0; from < rows.length; from += 500) {
      const values = rows
        .slice(from, from + 500)
        .map(([seq, id, body]) => `('crew', ${seq}, ${isAlone ? `'${id}', ` : ''}'${body}')`)
      await sql.run(
        place,
        `insert into crewlog_commits (journal, seq, ${isAlone ? 'id, ' : ''}body) values ${values.join()}`,
      )
    }
    if (!isAlone) await sql.run(place, "update crewlog_heads set seq = 2500, id = 'c2500'")
    await storage.trim('crew', 2400)
    expect(await storage.read('crew', 0, 10)).toEqual({ trimmedTo: 2400 })
    expect(await storage.read('crew', 2400, 1000)).toEqual({ commits: commits(2401, 2500) })
    expect(await storage.append('crew', commit(2501))).toEqual({ appended: true })
  })

  it('keep no parts of checkpoints that came to nothing', async () => {
    const place = await placeOf(sql)
    const storage = storageAt(sql, place)
    await storage.open?.('crew')
    // As of one that was killed, and of one that still saves what is out of date when it is done.
    const insert = 'insert into crewlog_checkpoints (save, journal, seq, id, format, parts, kept)'
    await sql.run(place, `${insert} values ('dead', 'crew', 5, 'c5', 1, 0, null)`)
    await sql.run(place, "insert into crewlog_parts (journal, save, part, body) values ('crew', 'dead', 0, '1')")
    await sql.run(place, "insert into crewlog_parts (journal, save, part, body) values ('other', 'dead', 0, '1')")
    let goOn = (): void => undefined
    async function* slow(): AsyncGenerator<string> {
      for (let count = 0; count < 60; count++) yield '"slow"'
      await new Promise<void>((resolve) => {
        goOn = resolve
      })
      yield '"end"'
    }
    const saving = storageAt(sql, place).saveCheckpoint('crew', { ...checkpoint(6), parts: slow() })
    await expect.poll(() => sql.run(place, 'select 1 from crewlog_parts where body = \'"slow"\'')).toHaveLength(50)
    await storage.saveCheckpoint('crew', checkpoint(7))
    goOn()
    await saving
    expect(await storage.loadCheckpoint('crew')).toMatchObject({ seq: 7 })
    expect(await storage.loadCheckpoint('crew', 7)).toBeUndefined()
    expect(await sql.run(place, "select 1 from crewlog_checkpoints where journal = 'crew'")).toHaveLength(1)
    expect(await sql.run(place, "select 1 from crewlog_parts where journal = 'crew'")).toHaveLength(2)
    expect(await sql.run(place, "select 1 from crewlog_parts where journal = 'other'")).toHaveLength(1)
  })

  it('tell a reader whose checkpoint was replaced twice meanwhile', async () => {
    const storage = storageAt(sql, await placeOf(sql))
    const many = Array.from({ length: 20 }, (_, at) => String(at))
    await storage.saveCheckpoint('crew', checkpoint(1, many))
    const kept = await storage.loadCheckpoint('crew')
    const parts = kept!.parts[Symbol.asyncIterator]()
    await parts.next()
    for (const seq of [2, 3]) await storage.saveCheckpoint('crew', checkpoint(seq))
    const rest = (async () => {
      while (!(await parts.next()).done);
    })()
    expect((await refusalOf(rest)).message).toBe('Checkpoint 1 was replaced while it was read; load the newest')
  })
})

describe.runIf(sqlEngines.some(({ dialect }) => dialect === 'postgres'))('a user of Postgres without rights', () => {
  it('is told which, and can use tables that somebody else made', async () => {
    const sql = sqlEngines.find(({ dialect }) => dialect === 'postgres')!
    const place = await placeOf(sql)
    const role = `role_${place.replaceAll('-', '_')}`
    await inPostgres(`create role "${role}" login`, `grant usage on schema "${place}" to "${role}"`)
    atEnd(() => inPostgres(`drop owned by "${role}"`, `drop role "${role}"`))
    const address = new URL(addressOf('PostgreSQL'))
    address.username = role
    const db = postgresAt(address.href)
    atEnd(() => db.destroy())
    const error = await refusalOf(sqlStorage(db, { schema: place }).open?.('crew'))
    expect(error.code).toBe('storage_unavailable')
    expect(error.message).toMatch(/^The database refused this user; .*\(permission denied for schema/)
    await inPostgres(
      ...sqlTables('postgres', { schema: place }),
      `grant select, insert, update, delete on all tables in schema "${place}" to "${role}"`,
    )
    const storage = sqlStorage(db, { schema: place })
    await storage.open?.('crew')
    await storage.append('crew', commit(1))
    await storage.saveCheckpoint('crew', checkpoint(1))
    await storage.trim('crew', 1)
    expect(await storage.read('crew', 0, 1)).toEqual({ commits: [commit(1)] })
  })
})

describe.runIf(sqlEngines.some(({ dialect }) => dialect === 'mysql'))('MariaDB', () => {
  const sql = sqlEngines.find(({ dialect }) => dialect === 'mysql')!

  it.each([['FOUND_ROWS'], ['-FOUND_ROWS']])('may count rows with %s', async (flag) => {
    const place = await placeOf(sql)
    const db = mariadbAt(addressOf('MariaDB'), { flags: [flag] })
    atEnd(() => db.destroy())
    const storage = sqlStorage(db, { schema: place })
    await storage.open?.('crew')
    for (const seq of [1, 2, 3]) expect((await storage.append('crew', commit(seq))).appended).toBe(true)
    for (const seq of [1, 2, 3]) expect((await storage.append('crew', commit(seq))).appended).toBe(false)
  })

  it('is refused when it takes no statement as long as a commit may be', async () => {
    const error = await refusalOf(
      storageAt(sql, await placeOf(sql), { maxCommitBytes: 16 * 1024 * 1024 }).open?.('crew'),
    )
    expect(error.code).toBe('invalid_input')
    expect(error.message).toMatch(/takes statements of \d+ bytes; set max_allowed_packet to 33619968 or more, or/)
  })

  it('is refused through a connection that speaks no UTF-8', async () => {
    const db = mariadbAt(addressOf('MariaDB'), { charset: 'latin1' })
    atEnd(() => db.destroy())
    const error = await refusalOf(sqlStorage(db, { schema: await placeOf(sql) }).open?.('crew'))
    expect(error.message).toContain('brings texts back as others')
  })
})

import { describe, expect, it } from 'vitest'
import { openTeam } from '../support/team.js'
import { escapeLine, escapeMarkdown } from '../../src/core/markdown.js'

const kinds = (reports: Awaited<ReturnType<typeof openTeam>>['reports']) =>
  reports.generate('health').data.findings.map(({ kind, taskId, member }) => [kind, taskId ?? member])

describe('health', () => {
  it('says that nothing needs a person, when nothing does', async () => {
    const { crew, tracker, reports } = await openTeam()
    await tracker.create({ description: 'Ready' })
    await tracker.create({ description: 'Scheduled', notBefore: '2027-01-01T00:00:00Z', requires: { magic: 1 } })
    await crew.as('ana').claim()
    expect(reports.generate('health').data.findings).toEqual([])
    expect(reports.generate('health').toMarkdown()).toBe('## Health\n\nNothing needs a person now.')
  })

  it('finds what needs one, the oldest first, since when, and what helps', async () => {
    const { crew, tracker, reports, environment, communications } = await openTeam(['ana', 'bo'], {
      limits: { deliveries: 1 },
    })
    for (const { id } of crew.members) await crew.join(id, { kind: 'human' })
    const start = environment.now()
    await tracker.create({ id: 'late', description: 'Late', title: 'Late one', assignees: 'bo', dueAt: start + 5000 })
    await tracker.create({ id: 'magic', description: 'Magic', requires: { magic: 0.5, code: 1 } })
    const sent = await crew.as('ana').send('bo', 'poison')
    await environment.advance('1s')
    await tracker.create({ id: 'broken', description: 'Broken' })
    await tracker.create({ id: 'fallen', description: 'Fallen', dependsOn: ['broken'] })
    await tracker.create({
      id: 'stuck',
      description: 'Stuck',
      dependsOn: [{ id: 'broken', onFailure: 'block' }],
    })
    await tracker.start('broken', { by: 'ana' })
    await environment.advance('1s')
    await tracker.fail('broken', { error: 'no such file', retryable: false })
    await tracker.create({ id: 'asked', description: 'Asked' })
    const attempt = await crew.as('ana').claim({ taskId: 'asked' })
    await environment.advance('1s')
    await attempt!.wait({ for: 'approval', question: 'Accept?', of: ['ana', 'bo'] })
    const deliveries = await crew.as('bo').receive()
    await crew.as('bo').giveBack(
      deliveries.find(({ message }) => message.id === sent.id)!,
      { reason: 'cannot read' },
    )
    await environment.advance('1h')

    const { findings } = reports.generate('health').data
    const now = environment.now()
    expect(
      findings.map(({ kind, taskId, member, since, agoMs }) => [kind, taskId ?? member, since - start, agoMs]),
    ).toEqual([
      ['nobody', 'magic', 0, now - start],
      ['dead', 'bo', 0, now - start],
      ['failed', 'broken', 2000, now - start - 2000],
      ['stuck', 'stuck', 2000, now - start - 2000],
      ['waiting', 'asked', 3000, 3_600_000],
      ['overdue', 'late', 5000, now - start - 5000],
    ])
    expect(findings.map(({ text }) => text)).toEqual([
      'Nobody available has magic 0.5, code 1: Magic',
      `Message ${sent.id!} was handed out 1 times in vain: cannot read`,
      'Failed: Broken: no such file',
      'Blocked for good by broken, which is failed: Stuck',
      'Waits for approval: Asked: Accept?',
      'Overdue and pending: Late one',
    ])
    expect(findings.map(({ help }) => help)).toEqual([
      'Let somebody join who can, or assign it with `{ force: true }`',
      `\`resend('${sent.id!}', 'bo')\` once the cause is mended`,
      "`retry('broken', { cascade: true })` once the cause is mended, or leave it",
      "`retry('broken')`, or `removeDependency('stuck', 'broken')`",
      "`answer('asked')` by `ana`, `bo`",
      'Raise its priority, give it to somebody, or change dueAt',
    ])
    const lines = reports.generate('health').toMarkdown().split('\n')
    expect(lines).toContain(
      '| overdue | late | 1 h 0 min | Overdue and pending: Late one | Raise its priority, give it to somebody, or change dueAt |',
    )
    expect(lines).toContain(
      "| failed | broken | 1 h 0 min | Failed: Broken: no such file | `retry('broken', { cascade: true })` once the cause is mended, or leave it |",
    )
    expect(lines).toHaveLength(4 + 6)

    await communications.resend(sent.id!)
    await tracker.retry('broken', { cascade: true })
    await tracker.resume('asked', { by: 'bo', answer: 'yes' })
    await tracker.update('late', { dueAt: null })
    await crew.join('bo', { skills: { magic: 1, code: 1 } })
    expect(kinds(reports)).toEqual([])
  })

  it('does not call stuck what goes on after a failure and waits for something else', async () => {
    const { tracker, reports } = await openTeam()
    await tracker.create({ id: 'broken', description: 'Broken' })
    await tracker.create({ id: 'open', description: 'Open' })
    await tracker.create({
      id: 'waits',
      description: 'Waits',
      dependsOn: [{ id: 'broken', onFailure: 'continue' }, 'open'],
    })
    await tracker.start('broken', { by: 'ana' })
    await tracker.fail('broken', { error: 'no', retryable: false })
    expect(kinds(reports)).toEqual([['failed', 'broken']])
  })

  it.each<[string, object, object, readonly (readonly string[])[]]>([
    ['its assignee is away', { assignees: 'bo' }, { available: false }, [['nobody', 'task']]],
    ['its assignee is there without the skills', { assignees: 'bo' }, {}, []],
    [
      'all who have the skills are away',
      { requires: { code: 1 } },
      { skills: { code: 1 }, available: false },
      [['nobody', 'task']],
    ],
    ['one has the skills, and is busy', { requires: { code: 1 } }, { skills: { code: 1 } }, []],
  ])('looks who can do it: %s', async (_, draft, options, expected) => {
    const { crew, tracker, reports } = await openTeam()
    await crew.join('bo', { skills: { code: 1 } })
    await tracker.create({ id: 'task', description: 'x', ...draft })
    await crew.join('bo', options)
    expect(kinds(reports)).toEqual(expected)
  })

  it('finds what nobody takes though somebody is free: no handler, or a misspelt kind', async () => {
    const { crew, tracker, reports, environment } = await openTeam(['ana', 'bo'])
    const bo = await crew.join('bo', { kind: 'human', skills: { paint: 1 } })
    const work = crew.as('ana').work({ article: () => undefined })
    const start = environment.now()
    await tracker.createMany([
      { id: 'a', description: 'Tides', kind: 'artcle' },
      { id: 'b', description: 'Ebb', kind: 'artcle', notBefore: start + 60_000 },
      { id: 'none', description: 'Flow' },
      { id: 'people', description: 'x', requires: { paint: 1 } },
      { id: 'done', description: 'x', kind: 'article' },
    ])
    await environment.advance('299s')
    expect(kinds(reports)).toEqual([])
    await environment.advance('61s')
    const { findings } = reports.generate('health').data
    expect(findings.map(({ kind, taskId, since, text }) => [kind, taskId, since - start, text])).toEqual([
      ['untaken', 'a', 0, 'Nobody takes it and 1 more, of kind artcle, though ana is free: Tides'],
      ['untaken', 'none', 0, 'Nobody takes it, without a kind, though ana is free: Flow'],
    ])
    expect(reports.generate('health', { redact: true }).data.findings.map(({ text }) => text)).toEqual([
      'Nobody takes it and 1 more, of kind artcle, though ana is free',
      'Nobody takes it, without a kind, though ana is free',
    ])

    // One of its kind is taken, so the rest will be; and ana has something to do.
    await bo.claim({ taskId: 'a' })
    await tracker.start('none', { by: 'ana' })
    expect(kinds(reports)).toEqual([])
    await environment.advance('5m')
    expect(kinds(reports)).toEqual([])
    await tracker.complete('none')
    await environment.advance('299s')
    expect(kinds(reports)).toEqual([])
    await environment.advance('1s')
    expect(kinds(reports)).toEqual([['untaken', 'b']])
    await tracker.assign('b', 'ana')
    expect(kinds(reports)).toEqual([])
    await work.stop()
  })

  it('tells outsiders who is past a budget and what falls, without words of others', async () => {
    const { crew, tracker, reports } = await openTeam([])
    const ana = await crew.join('ana', { budget: { cost: 1 } })
    await tracker.createMany([
      { id: 'root', description: 'Secret tides' },
      ...Array.from({ length: 1500 }, (_, at) => ({ description: `${at}`, dependsOn: ['root'] })),
    ])
    const attempt = (await ana.claim())!
    const findings: string[][] = []
    crew.on('crew.cascading', ({ isOpen }) => {
      if (!isOpen) return
      for (const redact of [false, true])
        findings.push(reports.generate('health', { redact }).data.findings.map(({ text }) => text))
    })
    await attempt.fail({ error: 'Secret error', retryable: false, usage: { cost: 2 } })
    expect(findings).toEqual([
      [
        'Failed: Secret tides: Secret error',
        'Is past its budget: ana',
        'Others have yet to fall with it: Secret tides',
      ],
      ['Failed', 'Is past its budget: ana', 'Others have yet to fall with it'],
    ])
  })

  it('finds what is asked and sent back in circles, before that fails it', async () => {
    const { crew, tracker, reports, environment } = await openTeam(['ana', 'rita'])
    await tracker.create({ id: 'circle', description: 'Circle', title: 'The circle', reviewers: ['rita'] })
    const round = async () => {
      await (await crew.as('ana').claim())!.complete({ result: 1 })
      await environment.advance('1s')
      await crew.as('rita').review('circle', { passed: false, remarks: 'no' })
    }
    for (let n = 0; n < 10; n++) await round()
    expect(kinds(reports)).toEqual([])
    const first = tracker.get('circle')!.answers[0]!.at
    await round()
    expect(reports.generate('health').data.findings).toMatchObject([
      {
        kind: 'rounds',
        taskId: 'circle',
        since: first,
        text: 'Asked or sent back 11 times in a row: The circle: no',
      },
    ])
    expect(reports.generate('health', { redact: true }).data.findings).toMatchObject([
      { kind: 'rounds', text: 'Asked or sent back 11 times in a row' },
    ])
  })

  it('names who must review', async () => {
    const { crew, tracker, reports } = await openTeam()
    await tracker.create({ id: 'article', description: 'Tides', reviewers: ['bo'] })
    const attempt = await crew.as('ana').claim()
    await attempt!.complete({ result: 1 })
    expect(reports.generate('health').data.findings).toMatchObject([
      { kind: 'waiting', text: 'Waits for review: Tides', help: "`review('article')` by `bo`" },
    ])
  })
})

describe('text of others in Markdown (RP-07)', () => {
  it('stays in its cell of its row', async () => {
    const { tracker, reports } = await openTeam([])
    await tracker.create({
      id: 'evil',
      description: 'a | b\n| c | d |\n# Heading\u001b[2J <script>alert(1)</script> [x](javascript:alert(1))',
    })
    expect(reports.generate('health').toMarkdown().split('\n').slice(4)).toEqual([
      '| nobody | evil | 0 ms | Nobody available has time: a \\| b \\| c \\| d \\| \\# Heading\\[2J &#60;script&#62;alert\\(1\\)&#60;/script&#62; \\[x\\]\\(javascript:alert\\(1\\)\\) | Let somebody join who can, or assign it with `{ force: true }` |',
    ])
  })

  it.each([
    ['<b>&amp;', '&#60;b&#62;&#38;amp;'],
    ['> quoted', '&#62; quoted'],
    ['# heading', '\\# heading'],
    ['heading\n===', 'heading\n\\==='],
    ['heading\n---', 'heading\n\\-\\-\\-'],
    ['1. one\n2) two', '1\\. one\n2\\) two'],
    ['version 1.5', 'version 1.5'],
    ['- + * item', '\\- \\+ \\* item'],
    ['\tcode\n    code', '&#9;code\n&#32;   code'],
    ['__init__ and _this_', '\\_\\_init\\_\\_ and \\_this\\_'],
    ['snake_case_name', 'snake_case_name'],
    ['**bold** `code` ~~gone~~', '\\*\\*bold\\*\\* \\`code\\` \\~\\~gone\\~\\~'],
    ['[a](b) ![c](d)', '\\[a\\]\\(b\\) \\!\\[c\\]\\(d\\)'],
    ['a | b \\| c', 'a \\| b \\\\\\| c'],
    ['\u001b[31mred\u0007\u009b0m\u0000', '\\[31mred0m'],
  ])('%j is shown as it is', (text, escaped) => {
    expect(escapeMarkdown(text)).toBe(escaped)
  })

  it('is one line where it must be', () => {
    expect(escapeLine('  one \r\n\n  two\n')).toBe('one two')
  })
})

import { Message, type MessageDraft } from 'crewlog'
import { describe, expect, it } from 'vitest'

const draft = (change: object = {}): MessageDraft => ({ sender: 'ana', recipient: 'bo', content: 'hi', ...change })
const nested = (levels: number): unknown => (levels === 0 ? 'core' : [nested(levels - 1)])

describe('a draft', () => {
  it('has what it was made of, and nothing yet of what the journal adds', () => {
    const given = {
      sender: 'LLM 1',
      recipient: ['bo', 'cy'],
      content: { file: 'tides.md', lines: [1, 2] },
      kind: 'note',
      metadata: { urgent: true },
      replyTo: 'question-1',
      taskId: 'tides',
    }
    const message = new Message(given)
    expect(message).toMatchObject({ ...given, hops: 0, late: false })
    expect([message.id, message.seq, message.sentAt, message.threadId]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })

  it('is a value: equal to another of the same fields, and different in any field', () => {
    expect(new Message(draft())).toEqual(new Message(draft()))
    expect(new Message(draft())).not.toEqual(new Message(draft({ content: 'ho' })))
  })

  it('does not change: neither by itself, nor when what it was made of does', () => {
    const content = { lines: [1] }
    const recipient = ['bo']
    const message = new Message(draft({ content, recipient }))
    content.lines.push(2)
    recipient.push('cy')
    expect(message).toMatchObject({ content: { lines: [1] }, recipient: ['bo'] })
    expect(() => Object.assign(message, { sender: 'eve' })).toThrow(TypeError)
    expect(() => (message.content as { lines: number[] }).lines.push(3)).toThrow(TypeError)
  })

  it('makes another draft by with(), and stays as it is', () => {
    const message = new Message(draft({ metadata: { n: 1 } }))
    expect(message.with({ content: 'ho' })).toEqual(new Message(draft({ metadata: { n: 1 }, content: 'ho' })))
    expect(message.content).toBe('hi')
    expect(() => message.with({ recipient: [] })).toThrow(/recipient is empty/)
  })

  it('names each recipient once, in the order of first mention (MS-27)', () => {
    expect(new Message(draft({ recipient: ['cy', 'bo', 'cy', 'bo'] })).recipient).toEqual(['cy', 'bo'])
  })

  it('becomes plain JSON, and a message again', () => {
    const message = new Message(draft({ metadata: { n: 1 } }))
    const copy = JSON.parse(JSON.stringify(message)) as MessageDraft & { hops: number; late: boolean }
    expect(copy).toEqual({ ...draft({ metadata: { n: 1 } }), priority: 1, hops: 0, late: false, refused: [] })
  })

  it.each<[string, unknown]>([
    ['null', null],
    ['false', false],
    ['0', 0],
    ['an empty text', ''],
    ['an empty list', []],
    ['text of other scripts', 'שלום 👋🏽'],
    ['nesting of 32 levels', nested(32)],
  ])('takes %s as content', (_, content) => {
    expect(new Message(draft({ content })).content).toEqual(content)
  })
})

describe('the door', () => {
  const circular: unknown[] = []
  circular.push(circular)

  it.each<[string, object, RegExp]>([
    ['no sender', { sender: undefined }, /message\.sender is missing/],
    ['a recipient and a topic', { topic: 'tides' }, /give one of the two/],
    ['a topic that is no id', { recipient: undefined, topic: ' ' }, /topic must be an id/],
    ['no recipients', { recipient: [] }, /recipient is empty/],
    ['no content', { content: undefined }, /message\.content is missing/],
    ['an empty id', { recipient: '' }, /must be an id/],
    ['an id with a line break', { sender: 'ana\n' }, /must be an id/],
    ['an id of 129 characters', { recipient: ['bo', 'x'.repeat(129)] }, /recipient\[1\] must be an id/],
    ['a number as an id', { recipient: 7 }, /must be an id/],
    ['an unknown field', { reciever: 'bo' }, /no field "reciever"/],
    ['what only the journal writes', { sentAt: 1 }, /no field "sentAt"/],
    ['a cycle', { content: circular }, /contains itself/],
    ['a function', { content: () => 1 }, /holds a function/],
    ['a BigInt', { content: [1n] }, /holds a bigint/],
    ['NaN', { content: { n: NaN } }, /not a JSON number/],
    ['a Date', { content: new Date(0) }, /instance of a class/],
    ['a Map', { metadata: new Map() }, /instance of a class/],
    ['the key __proto__', { content: JSON.parse('{"__proto__":{"admin":true}}') as unknown }, /__proto__/],
    ['a list as metadata', { metadata: [] }, /metadata must be an object/],
  ])('refuses %s', (_, change, why) => {
    expect(() => new Message(draft(change))).toThrow(
      expect.objectContaining({ code: 'invalid_input', message: expect.stringMatching(why) as string }),
    )
  })

  it.each<[string, object]>([
    ['256 KiB and a byte of text', { content: 'x'.repeat(256 * 1024 - 2) }],
    ['wide characters, by bytes', { content: '€'.repeat(100_000) }],
    ['nesting of 33 levels', { content: nested(33) }],
    ['1,001 recipients', { recipient: Array.from({ length: 1001 }, (_each, n) => `m${n}`) }],
  ])('refuses %s as over a limit', (_, change) => {
    expect(() => new Message(draft(change))).toThrow(expect.objectContaining({ code: 'limit_exceeded' }))
  })

  it('refuses what throws while it is read', () => {
    const trap = new Proxy({}, { ownKeys: () => { throw new Error('trap') } }) // prettier-ignore
    expect(() => new Message(draft({ content: trap }))).toThrow(expect.objectContaining({ code: 'invalid_input' }))
    expect(() => new Message(null as never)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  })
})

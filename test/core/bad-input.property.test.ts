import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CrewError } from 'crewlog'
import { stateOf } from '../support/crew-state.js'
import { type Door, doors, makeWorld } from '../support/doors.js'

const fail = (): never => {
  throw new Error('read')
}
const hostile = { get: fail, has: fail, ownKeys: fail, getPrototypeOf: fail, getOwnPropertyDescriptor: fail }

/** Each made anew, so that no call meets what another has left. */
const STRANGE: Readonly<Record<string, () => unknown>> = {
  'a proxy that throws': () => new Proxy({}, hostile),
  'a revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  },
  'a getter that throws': () => Object.defineProperty({}, 'id', { get: fail, enumerable: true }),
  'a getter that throws what cannot be looked at': () =>
    Object.defineProperty({}, 'id', {
      enumerable: true,
      get: () => {
        throw new Proxy({}, hostile) as unknown
      },
    }),
  'a cyclic object': () => {
    const cyclic: Record<string, unknown> = { id: 'x' }
    return Object.assign(cyclic, { metadata: cyclic })
  },
  'a cyclic list': () => {
    const cyclic: unknown[] = []
    cyclic.push(cyclic)
    return cyclic
  },
  'a toJSON that throws': () => ({ toJSON: fail }),
  'a valueOf that throws': () => ({ valueOf: fail, toString: fail }),
  __proto__: () => JSON.parse('{"__proto__": {"by": "ana"}, "constructor": {"prototype": {"by": "ana"}}}') as unknown,
  'a list of a billion holes': (): unknown => new Array<unknown>(1e9),
  'a huge text': () => 'x'.repeat(300_000),
  'a lone surrogate': () => '\ud800',
  'an invalid date': () => new Date(NaN),
  '-0': () => -0,
  NaN: () => NaN,
  Infinity: () => Infinity,
  'a negative number': () => -1,
  'a BigInt': () => 2n ** 64n,
  'a symbol': () => Symbol('id'),
  'a function': () => () => undefined,
  'a promise': () => Promise.resolve('id'),
  'a deep list': () => Array.from({ length: 5000 }).reduce((inner) => [inner], []),
  'an empty text': () => '',
  'control characters': () => 'a\u0000\u001b[31m\n',
  'an error whose message throws': () => Object.defineProperty(new Error(), 'message', { get: fail }),
}

const aValue = fc.oneof(
  fc.constantFrom(...Object.entries(STRANGE)).map(([name, make]) => ({ name, make })),
  fc
    .anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
    })
    .map((value) => ({ name: fc.stringify(value), make: () => value })),
)

/** Passes a value through every door in turn, in one world. */
async function knock(name: string, make: () => unknown, through: readonly (readonly [string, Door])[]): Promise<void> {
  const world = await makeWorld()
  const { crew, environment } = world
  const left: Promise<void>[] = []
  let before = stateOf(crew)
  for (const [index, [door, open]] of through.entries()) {
    const where = `${door} with ${name.slice(0, 200)}`
    const { head } = crew.journal
    let isRefused = false
    const refuse = (error: unknown): void => {
      isRefused = true
      if (!CrewError.is(error)) throw new Error(where, { cause: error })
    }
    try {
      const answer = open(make() as never, world)
      if (answer instanceof Promise) left.push(answer.then(() => undefined, refuse))
    } catch (error) {
      refuse(error)
    }
    await environment.settle()
    if (crew.journal.head === head) {
      // Without a commit nothing has changed; looking each time would take long.
      if (index % 16 === 0) expect(stateOf(crew), where).toEqual(before)
      continue
    }
    expect(isRefused, `${where} was refused, and changed something`).toBe(false)
    // What a good value changed, and is due then by the clock, is settled before the next.
    await environment.advance(1)
    before = stateOf(crew)
  }
  await environment.advance('2m')
  await crew.close()
  await Promise.all(left)
}

describe('every public method', () => {
  it.each(Object.entries(STRANGE))(
    'takes %s or refuses it with a CrewError, and a refusal changes nothing (IN-02, IN-03, IN-12)',
    (name, make) => knock(name, make, doors),
  )

  it('takes any value or refuses it with a CrewError, and a refusal changes nothing (IN-08, IN-10)', () =>
    fc.assert(
      fc.asyncProperty(
        aValue,
        fc.shuffledSubarray([...doors], { minLength: 30, maxLength: 30 }),
        ({ name, make }, through) => knock(name, make, through),
      ),
      { numRuns: Number(process.env['CREWLOG_RUNS'] ?? 8) },
    ))
})

import { InputError } from '../../examples/demo/input-error.js'
import type { Instance } from './instance.js'

/**
 * Reads assignment problems that are written as numbers, whatever the lines: a square matrix of costs, perhaps after its
 * size; or generalised assignment problems as in the OR-library: how many, and of each the members m, the tasks n, m × n
 * values, m × n needs, and m capacities.
 */
export function readNumbers(name: string, text: string): readonly Instance[] {
  const lines = linesOf(text)
  const numbers = lines.flat()
  if (numbers.length === 0) throw new InputError('holds no numbers')
  // What is written as problems with capacities could have the length of a matrix, but hardly the other way round.
  const { problems, fault } = new Problems(name, numbers).read()
  if (fault === undefined) return problems
  const matrix = matrixOf(name, lines)
  if (matrix) return [matrix]
  const { length } = numbers
  throw new InputError(
    `has ${length} numbers, which are no square matrix of costs; read as problems with capacities, ${fault}`,
  )
}

/** Of each line that has any. */
function linesOf(text: string): readonly (readonly number[])[] {
  const lines = text.split('\n').map((line, index) =>
    line.split(/\s+/).flatMap((word) => {
      const number = Number(word)
      if (!Number.isFinite(number)) throw new InputError(`line ${index + 1}: ${JSON.stringify(word)} is no number`)
      return word === '' ? [] : number
    }),
  )
  return lines.filter(({ length }) => length > 0)
}

function matrixOf(name: string, lines: readonly (readonly number[])[]): Instance | undefined {
  const [first = 0, ...others] = lines.flat()
  const isSized = others.length === first * first
  // A number alone at the head is a size or a count, of which the rest must be as many.
  const isHeaded = lines[0]?.length === 1 && lines.some(({ length }) => length > 1)
  const costs = isSized ? others : [first, ...others]
  const size = Math.sqrt(costs.length)
  return Number.isInteger(size) && (isSized || !isHeaded)
    ? { name, goal: 'cost', amounts: rowsOf(costs, size) }
    : undefined
}

function rowsOf(numbers: readonly number[], width: number): readonly (readonly number[])[] {
  return Array.from({ length: numbers.length / width }, (_, row) => numbers.slice(row * width, (row + 1) * width))
}

/** Reads on from number to number. */
class Problems {
  readonly #name: string
  readonly #numbers: readonly number[]
  #next = 0
  #where = 'their count'

  constructor(name: string, numbers: readonly number[]) {
    this.#name = name
    this.#numbers = numbers
  }

  /** What is wrong, else undefined, and the problems before that. */
  read(): { readonly problems: readonly Instance[]; readonly fault?: string } {
    const problems: Instance[] = []
    try {
      const count = this.#count()
      for (let index = 1; index <= count; index++) problems.push(this.#problem(index, count))
      const over = this.#numbers.length - this.#next
      if (over > 0) throw new InputError(`${over} numbers are left over after the last of ${count}`)
      return { problems }
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      return { problems, fault: error.message }
    }
  }

  #problem(index: number, count: number): Instance {
    const within = (part: string): void => {
      this.#where = `problem ${index} of ${count}, ${part}`
    }
    within('members')
    const members = this.#count()
    within('tasks')
    const tasks = this.#count()
    within('values')
    const amounts = rowsOf(this.#take(members * tasks), tasks)
    within('needs')
    const needs = rowsOf(this.#amounts(members * tasks), tasks)
    within('capacities')
    const capacities = this.#amounts(members)
    return { name: `${this.#name}-${index}`, goal: 'value', amounts, room: { needs, capacities } }
  }

  #count(): number {
    const [count = NaN] = this.#take(1)
    if (Number.isInteger(count) && count >= 1) return count
    throw new InputError(`${this.#where}: must be a whole number from 1, not ${count}`)
  }

  #amounts(count: number): readonly number[] {
    const amounts = this.#take(count)
    const wrong = amounts.find((amount) => amount < 0)
    if (wrong === undefined) return amounts
    throw new InputError(`${this.#where}: must be from 0, not ${wrong}`)
  }

  #take(count: number): readonly number[] {
    const taken = this.#numbers.slice(this.#next, this.#next + count)
    this.#next += taken.length
    if (taken.length === count) return taken
    throw new InputError(`${this.#where}: the file ends after ${taken.length} of ${count} numbers`)
  }
}

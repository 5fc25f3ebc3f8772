/** Tasks to give to members, each to one, as a file tells it: rows are members, columns are tasks. */
export interface Instance {
  readonly name: string
  /** Of what there is to be as little, or as much, as possible. */
  readonly goal: 'cost' | 'value'
  readonly amounts: readonly (readonly number[])[]
  /** Left out where each member does one task. */
  readonly room?: Room
}

interface Room {
  /** How much of each member's capacity each task takes. */
  readonly needs: readonly (readonly number[])[]
  readonly capacities: readonly number[]
}

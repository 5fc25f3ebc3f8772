/** A process that is to lose its store. */
export interface Stranded {
  readonly engine: string
  readonly place: string
  /** Of the server, by way of a proxy. */
  readonly address: string
  /** How fast its clocks run. */
  readonly times: number
}
